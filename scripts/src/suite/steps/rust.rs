//! Steps of the whole Rust workspace: format, lints, tests, the demo.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::suite::count::{self, Tally};
use crate::suite::tools::{Suite, ensure_postgres, ensure_program, run};

/// Workspaces that `cargo fmt --all` in the root does not reach.
const OTHER_WORKSPACES: [&str; 4] = ["umbral/fuzz", "tests/fuzz", "tests/ctgrind", "tests/peers"];

/// Mutated inputs per target of tests/fuzz.
const EXECUTIONS: &str = "2000";
const EXECUTIONS_DEEP: &str = "1000000";

pub(super) fn format(suite: &Suite) -> Result<Tally> {
    for folder in OTHER_WORKSPACES {
        run(suite.cargo_in(folder, &["fmt", "--check"]))?;
    }
    Ok(Tally::default())
}

pub(super) fn clippy(suite: &Suite) -> Result<Tally> {
    let args = [
        "clippy",
        // Uses the procedural macros and build scripts of the release build.
        "--release",
        "--workspace",
        "--all-targets",
        "--features",
        "kms-scripts/compile",
    ];
    let mut command = suite.cargo(&args);
    command.args(["--quiet", "--", "--deny", "warnings"]);
    run(command)?;
    Ok(Tally::default())
}

pub(super) fn test(suite: &Suite) -> Result<Tally> {
    ensure_postgres()?;
    let args = [
        "test",
        "--release",
        "--workspace",
        "--features",
        "kms-scripts/compile",
    ];
    // The player of tests/it/stream.rs.
    ensure_program("ffmpeg", "ffmpeg")?;
    let mut tally = count::cargo(&run(suite.cargo(&args))?);
    ensure!(tally.passed() > 0, "cargo ran no test");
    tally.note_properties(count::property_tests(suite.root())?);
    Ok(tally)
}

/// Passes the kit of tests/vectors with the implementation in Python.
pub(super) fn python_kit(suite: &Suite) -> Result<Tally> {
    let command = suite.python_kit("tests/python/run.py")?;
    super::umbral::counted(count::vectors("kit in Python", &run(command)?))
}

/// Runs the fuzz targets of tests/fuzz by the program that `cargo test` has built.
pub(super) fn formats_smoke(suite: &Suite) -> Result<Tally> {
    let executions = match suite.is_deep() {
        true => EXECUTIONS_DEEP,
        false => EXECUTIONS,
    };
    let mut command = Command::new(suite.release("formats_smoke"));
    command.arg(executions).current_dir(suite.root());
    let lines = run(command)?;
    super::umbral::counted(count::lines_with(
        "fuzz targets",
        " executions, no panic",
        &lines,
    ))
}

/// Compiles libFuzzer's entries to all targets, with the lock files as they are.
pub(super) fn fuzz_targets(suite: &Suite) -> Result<Tally> {
    for folder in ["umbral/fuzz", "tests/fuzz"] {
        let args = [
            "check",
            "--locked",
            "--release",
            "--all-targets",
            "--all-features",
        ];
        run(suite.cargo_in(folder, &args))?;
    }
    Ok(Tally::default())
}

pub(super) fn chaos(suite: &Suite) -> Result<Tally> {
    let mut command = Command::new(suite.release("kms-scripts"));
    command.args(["chaos", "--quick"]).current_dir(suite.root());
    run(command)?;
    Ok(Tally::default())
}

pub(super) fn demo(suite: &Suite) -> Result<Tally> {
    let mut command = Command::new(suite.release("kms-scripts"));
    command.arg("demo").current_dir(suite.root());
    run(command)?;
    Ok(Tally::default())
}
