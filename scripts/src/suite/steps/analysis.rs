//! Analyses of the contracts: linter, static analysis, symbolic execution, branch coverage.

use std::process::Stdio;

use anyhow::{Result, bail, ensure};

use crate::suite::count::{self, Tally};
use crate::suite::tools::{Suite, run};
use crate::suite::{coverage, triage};

/// Fuzz and invariant runs for coverage: few, since unoptimised code is slow.
const COVERAGE_FUZZ_RUNS: &str = "64";
const COVERAGE_INVARIANT_RUNS: &str = "8";

/// Lints by the rules of contracts/solhint.config.js.
pub(super) fn solhint(suite: &Suite) -> Result<Tally> {
    let mut command = suite.npm("solhint");
    // Does not ask a server for a newer version.
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

/// Runs slither; accepted findings are in contracts/slither.triage.toml.
pub(super) fn slither(suite: &Suite) -> Result<Tally> {
    let report = suite.target().join("slither.json");
    if report.exists() {
        std::fs::remove_file(&report)?;
    }
    let mut command = suite.python("slither")?;
    command.env("FOUNDRY_PROFILE", "plain");
    command.args([".", "--config-file", "slither.config.json", "--json"]);
    command.arg(&report);
    // The exit status means that there are findings; the triage fails on those not accepted.
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

/// Measures branch coverage of contracts/src. Needs an unoptimised build, in which tests of gas
/// fail; whether tests pass is checked by the step that runs them all.
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
