//! What looks at the contracts without running a story: linter, static analysis, symbolic
//! execution, and how much of them the tests reach.

use std::process::Stdio;

use anyhow::{Result, bail, ensure};

use crate::suite::count::{self, Tally};
use crate::suite::tools::{Suite, run};
use crate::suite::{coverage, triage};

/// Shortened fuzz and invariant runs: unoptimised code is slow, and branches are reached early.
const COVERAGE_FUZZ_RUNS: &str = "64";
const COVERAGE_INVARIANT_RUNS: &str = "8";

/// Rules and reasons: contracts/solhint.config.js.
pub(super) fn solhint(suite: &Suite) -> Result<Tally> {
    let mut command = suite.npm("solhint");
    // No question to a server whether there is a newer one.
    command.args([
        "--disc",
        "--noPoster",
        "--max-warnings",
        "0",
        "src/**/*.sol",
    ]);
    run(command)?;
    Ok(Tally::default())
}

/// Findings and reasons: contracts/slither.triage.toml.
pub(super) fn slither(suite: &Suite) -> Result<Tally> {
    let report = suite.target().join("slither.json");
    if report.exists() {
        std::fs::remove_file(&report)?;
    }
    let mut command = suite.python("slither")?;
    command.env("FOUNDRY_PROFILE", "plain");
    command.args([".", "--config-file", "slither.config.json", "--json"]);
    command.arg(&report);
    // Its status says whether there are findings at all; the triage says whether they are known,
    // and prints those that are not.
    let output = command.stdin(Stdio::null()).output()?;
    if !report.exists() {
        bail!("slither: {}", String::from_utf8_lossy(&output.stderr));
    }
    triage::check(&report, &suite.contracts().join("slither.triage.toml"))?;
    Ok(Tally::default())
}

/// Proves the `check_` functions of contracts/test/symbolic for all inputs.
pub(super) fn halmos(suite: &Suite) -> Result<Tally> {
    let mut command = suite.python("halmos")?;
    command.env("FOUNDRY_PROFILE", "symbolic");
    command.args(["--config", "halmos.toml"]);
    let tally = count::halmos(&run(command)?);
    ensure!(tally.passed() > 0, "halmos proved nothing");
    Ok(tally)
}

/// Branch coverage of src/. Tests of gas fail in the unoptimised build that this needs; whether
/// tests pass is the business of the step that runs them all.
pub(super) fn coverage(suite: &Suite) -> Result<Tally> {
    let report = suite.target().join("contracts.lcov");
    if report.exists() {
        std::fs::remove_file(&report)?;
    }
    let mut command = suite.forge(&["coverage", "--skip", "Gas"]);
    command.args(["--no-match-coverage", "^(test|node_modules)/"]);
    command
        .args(["--report", "lcov", "--report-file"])
        .arg(&report);
    command.env("FOUNDRY_FUZZ_RUNS", COVERAGE_FUZZ_RUNS);
    command.env("FOUNDRY_INVARIANT_RUNS", COVERAGE_INVARIANT_RUNS);
    let output = command.stdin(Stdio::null()).output()?;
    if !report.exists() {
        bail!(
            "forge coverage: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    coverage::check(&report)?;
    Ok(Tally::default())
}
