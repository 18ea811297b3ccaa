//! `kms-scripts test`: every check of the workspace, one after the other, stopping at the first
//! that fails. `suite/steps.rs` runs the tools, `suite/count.rs` reads how many tests of each kind
//! ran.

use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::say;

mod count;
mod steps;

use count::Tally;
use steps::Suite;

/// Options of `kms-scripts test`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Search longer: forge's deep profile, and many more cases for each property test.
    #[arg(long)]
    deep: bool,
}

type Step = (&'static str, fn(&Suite) -> Result<Tally>);

const STEPS: [Step; 8] = [
    ("clippy", steps::clippy),
    ("solidity format", steps::forge_fmt),
    ("contracts build", steps::forge_build),
    ("contracts tests", steps::forge_test),
    ("artifacts are fresh", steps::artifacts),
    ("rust tests", steps::cargo_test),
    ("umbral vectors", steps::vectors),
    ("demo", steps::demo),
];

/// Runs every step; prints the tally and, last, `N passed, 0 failed`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let started = Instant::now();
    let suite = Suite::new(&crate::workspace_root(), args.deep)?;
    let mut tally = Tally::default();
    for (name, step) in STEPS {
        say::line(&format!("\n== {name}"));
        let begun = Instant::now();
        let ran = step(&suite).with_context(|| format!("step `{name}` failed"))?;
        tally.add(&ran);
        say::line(&format!(
            "== {name}: ok, {:.1} s",
            begun.elapsed().as_secs_f32()
        ));
    }
    tally.note_properties(count::property_tests(suite.root())?);
    say::line(&format!(
        "\ntests that ran, in {:.0} s:",
        started.elapsed().as_secs_f32()
    ));
    for (kind, number) in tally.rows() {
        say::line(&format!("  {number:>6}  {kind}"));
    }
    ensure!(tally.failed() == 0, "{} tests failed", tally.failed());
    ensure!(tally.passed() > 0, "no test ran");
    say::line(&format!("{} passed, 0 failed", tally.passed()));
    Ok(())
}
