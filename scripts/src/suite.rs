//! `kms-scripts test`: runs every check of the workspace in order and stops at the first that
//! fails. `suite/tools.rs` runs and installs the tools, `suite/steps` has the checks,
//! `suite/count.rs` counts the tests that ran, `suite/quick.rs` is `--quick`.

use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::say;

mod count;
mod coverage;
mod mutants;
mod quick;
mod steps;
mod tools;
mod triage;

use count::Tally;
use steps::{Depth, STEPS, Step};
use tools::Suite;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Search longer: forge's deep profile, many more cases for each property test and decoder,
    /// timing measurements, mutants of the accounting code.
    #[arg(long)]
    deep: bool,
    /// Run only the steps whose name contains this text; may be given more than once.
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Print the names of the steps and stop.
    #[arg(long)]
    list: bool,
    /// Check only the crates that differ from main or in the working tree: format, clippy, unit
    /// tests, and the tidy rules.
    #[arg(long, conflicts_with_all = ["deep", "only", "list"])]
    quick: bool,
    /// With --quick: take every crate.
    #[arg(long, requires = "quick")]
    all: bool,
}

impl Args {
    fn wants(&self, step: &Step) -> bool {
        let asked = self.only.iter().any(|text| step.name.contains(text));
        match step.depth {
            Depth::Always => self.only.is_empty() || asked,
            Depth::Deep => (self.deep && self.only.is_empty()) || asked,
        }
    }
}

/// Runs every step and prints the tally, last `N passed, 0 failed`.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.quick {
        return quick::run(args.all);
    }
    let started = Instant::now();
    let chosen: Vec<&Step> = STEPS.iter().filter(|step| args.wants(step)).collect();
    if args.list {
        chosen.iter().for_each(|step| say::line(step.name));
        return Ok(());
    }
    ensure!(
        !chosen.is_empty(),
        "no step has {:?} in its name; --list prints the names",
        args.only
    );
    let suite = Suite::new(&crate::workspace::root(), args.deep)?;
    let mut tally = Tally::default();
    for step in chosen {
        let name = step.name;
        say::line(&format!("\n== {name}"));
        let begun = Instant::now();
        let ran = (step.run)(&suite).with_context(|| format!("step `{name}` failed"))?;
        tally.add(&ran);
        say::line(&format!(
            "== {name}: ok, {:.1} s",
            begun.elapsed().as_secs_f32()
        ));
    }
    say::line(&format!(
        "\ntests that ran, in {:.0} s:",
        started.elapsed().as_secs_f32()
    ));
    for (kind, number) in tally.rows() {
        say::line(&format!("  {number:>6}  {kind}"));
    }
    ensure!(tally.failed() == 0, "{} tests failed", tally.failed());
    // Steps named by --only may be checks that count no tests.
    ensure!(tally.passed() > 0 || !args.only.is_empty(), "no test ran");
    say::line(&format!("{} passed, 0 failed", tally.passed()));
    Ok(())
}
