//! Steps of the browser half: the pages are those that their sources make, and behave in Chromium.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::suite::count::{self, Tally};
use crate::suite::tools::{Suite, ensure_program, run};
use crate::web;

/// Compares deployments/web with what node/web makes.
pub(super) fn fresh(_: &Suite) -> Result<Tally> {
    web::run(web::Action::Check)?;
    Ok(Tally::default())
}

/// Runs the tests of the pages against real nodes, in Debian's Chromium.
pub(super) fn browser(suite: &Suite) -> Result<Tally> {
    ensure_program("chromium", "chromium")?;
    let folder = suite.root().join("node/web");
    web::install(&folder)?;
    let mut command = Command::new("node");
    command.args(["--test", "--test-reporter=tap", "test/browser/"]);
    command.current_dir(folder);
    command.env("KMS", suite.release("kms"));
    command.env("KMS_SCREENSHOTS", suite.target().join("screenshots"));
    let tally = count::node(&run(command)?);
    ensure!(tally.passed() > 0, "node ran no test");
    Ok(tally)
}
