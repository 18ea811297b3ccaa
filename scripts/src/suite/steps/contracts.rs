//! The contracts under forge: format, build, tests, gas, and the committed artifacts.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::suite::count::{self, Tally};
use crate::suite::tools::{Suite, run};

/// The tests whose gas is in contracts/.gas-snapshot; fuzz tests are not, as their gas varies.
const GAS_TESTS: &str = "GasTest$";

pub(super) fn format(suite: &Suite) -> Result<Tally> {
    run(suite.forge(&["fmt", "--check"]))?;
    Ok(Tally::default())
}

pub(super) fn build(suite: &Suite) -> Result<Tally> {
    run(suite.forge(&["build"]))?;
    Ok(Tally::default())
}

pub(super) fn test(suite: &Suite) -> Result<Tally> {
    let mut command: Command = suite.forge(&["test"]);
    if suite.is_deep() {
        command.env("FOUNDRY_PROFILE", "deep");
    }
    let tally = count::forge(&run(command)?);
    ensure!(tally.passed() > 0, "forge ran no test");
    Ok(tally)
}

/// Fails on any change of gas, up or down.
pub(super) fn snapshot(suite: &Suite) -> Result<Tally> {
    let args = ["snapshot", "--check", "--match-contract", GAS_TESTS];
    run(suite.forge(&args)).with_context(|| {
        format!(
            "gas differs from contracts/.gas-snapshot; if that is meant, run \
             `forge snapshot --match-contract '{GAS_TESTS}'` in contracts and commit the file"
        )
    })?;
    Ok(Tally::default())
}

/// Runs `kms-scripts gas`, which fails if a cost or its growth is above its limit.
pub(super) fn gas(suite: &Suite) -> Result<Tally> {
    let mut command = Command::new(suite.release("kms-scripts"));
    command.arg("gas").current_dir(suite.root());
    run(command)?;
    Ok(Tally::default())
}

/// Compiles the contracts with foundry-compilers and compares them with the committed artifacts.
#[cfg(feature = "compile")]
pub(super) fn artifacts(suite: &Suite) -> Result<Tally> {
    let artifacts = crate::compile::compile(suite.root())?;
    crate::artifact::check(suite.root(), &artifacts)?;
    Ok(Tally::default())
}

#[cfg(not(feature = "compile"))]
pub(super) fn artifacts(_: &Suite) -> Result<Tally> {
    anyhow::bail!("this build cannot compile contracts; run scripts/test")
}
