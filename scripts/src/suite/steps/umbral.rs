//! Steps of `umbral`: without std, with the feature `rayon`, shared vectors, fuzz targets,
//! valgrind, and interoperation with another implementation.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::suite::count::{self, Tally};
use crate::suite::tools::{Suite, ensure_program, ensure_target, run};

/// A target without std, to show that the crate compiles without it.
const BARE_METAL: &str = "thumbv7em-none-eabi";

/// Mutated inputs per decoder; the targets that verify have their own limit.
const EXECUTIONS: &str = "2000";
const EXECUTIONS_DEEP: &str = "10000000";

/// Timing measurements per operation under `--deep`.
const TIMING_SAMPLES: &str = "1000000";

pub(super) fn clippy(suite: &Suite) -> Result<Tally> {
    let args = ["clippy", "--release", "--package", "umbral"];
    let mut command = suite.cargo(&args);
    command.args([
        "--no-default-features",
        "--quiet",
        "--",
        "--deny",
        "warnings",
    ]);
    run(command)?;
    Ok(Tally::default())
}

pub(super) fn bare_metal(suite: &Suite) -> Result<Tally> {
    ensure_target(suite, BARE_METAL)?;
    let args = ["build", "--release", "--package", "umbral"];
    let mut command = suite.cargo(&args);
    command.args(["--no-default-features", "--target", BARE_METAL]);
    run(command)?;
    Ok(Tally::default())
}

/// Runs the unit and fault tests, which cover what the feature `rayon` runs in parallel.
pub(super) fn rayon(suite: &Suite) -> Result<Tally> {
    let args = ["test", "--release", "--package", "umbral"];
    let mut command = suite.cargo(&args);
    command.args(["--features", "rayon", "--lib", "--test", "fault"]);
    counted(count::cargo_as("umbral on all cores", &run(command)?))
}

/// Replays the shared vectors by the example that `cargo test` has built.
pub(super) fn vectors(suite: &Suite) -> Result<Tally> {
    let mut command = Command::new(suite.release("examples/vectors"));
    command.arg(suite.root().join("tests/vectors/umbral.json"));
    counted(count::vectors("umbral vectors", &run(command)?))
}

pub(super) fn smoke(suite: &Suite) -> Result<Tally> {
    let executions = if suite.is_deep() {
        EXECUTIONS_DEEP
    } else {
        EXECUTIONS
    };
    let args = ["run", "--release", "--bin", "smoke", "--", executions];
    counted(count::lines_with(
        "fuzz targets",
        " executions, no panic",
        &run(suite.cargo_in("umbral/fuzz", &args))?,
    ))
}

pub(super) fn constant_time(suite: &Suite) -> Result<Tally> {
    ensure_program("valgrind", "valgrind")?;
    let args = ["run", "--release", "--bin", "check"];
    counted(count::lines_with(
        "constant-time sections",
        " reports, ",
        &run(suite.cargo_in("tests/ctgrind", &args))?,
    ))
}

pub(super) fn timing(suite: &Suite) -> Result<Tally> {
    let args = ["run", "--release", "--bin", "dudect", "--", TIMING_SAMPLES];
    counted(count::lines_with(
        "timing measurements",
        " t = ",
        &run(suite.cargo_in("tests/ctgrind", &args))?,
    ))
}

pub(super) fn peers(suite: &Suite) -> Result<Tally> {
    let args = ["test", "--release", "--lib", "--tests"];
    let lines = run(suite.cargo_in("tests/peers", &args))?;
    counted(count::cargo_as("interoperability", &lines))
}

/// Fails if the step ran no test.
pub(super) fn counted(tally: Tally) -> Result<Tally> {
    ensure!(tally.passed() > 0, "no test ran");
    Ok(tally)
}
