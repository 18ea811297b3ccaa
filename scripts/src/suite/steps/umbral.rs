//! `umbral` in the other ways it is used: without std, on all cores, against its vectors, under
//! mutated input, under valgrind, and together with another implementation.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::suite::count::{self, Tally};
use crate::suite::tools::{Suite, ensure_program, ensure_target, run};

/// A target without an operating system, hence without std: what compiles here needs none.
const BARE_METAL: &str = "thumbv7em-none-eabi";

/// Mutated inputs for each decoder. The targets that verify are bounded by the program itself.
const EXECUTIONS: &str = "2000";
const EXECUTIONS_DEEP: &str = "10000000";

/// Measurements of each operation under `--deep`.
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

/// The unit and fault tests, which reach the batches and openings that `rayon` runs in parallel.
pub(super) fn rayon(suite: &Suite) -> Result<Tally> {
    let args = ["test", "--release", "--package", "umbral"];
    let mut command = suite.cargo(&args);
    command.args(["--features", "rayon", "--lib", "--test", "fault"]);
    counted(count::cargo_as("umbral on all cores", &run(command)?))
}

/// The example replays the shared vectors; `cargo test` has just built it.
pub(super) fn vectors(suite: &Suite) -> Result<Tally> {
    let mut command = Command::new(suite.release("examples/vectors"));
    command.arg(suite.root().join("tests/vectors/umbral.json"));
    counted(count::vectors(&run(command)?))
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

/// A step that is there to count must have counted.
fn counted(tally: Tally) -> Result<Tally> {
    ensure!(tally.passed() > 0, "no test ran");
    Ok(tally)
}
