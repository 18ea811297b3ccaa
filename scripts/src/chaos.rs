//! `kms-scripts chaos`: breaks real commands and nodes in every way it knows, a bounded number of
//! times, and fails at the first broken promise. `chaos/*` has the drills, `report` RELIABILITY.md.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::say;

mod bounds;
mod dice;
mod grants;
mod kills;
mod providers;
mod reorgs;
mod report;

use bounds::Bounds;
use dice::Dice;
use report::Figures;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A few of everything, with the same checks.
    #[arg(long)]
    quick: bool,
    /// Run only the drills whose name contains this text; may be given more than once.
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Kills at the fail points of a transaction [default: 200, or 9].
    #[arg(long, value_name = "NUMBER")]
    kills: Option<u64>,
    /// Kills of `kms grant` [default: 1000, or 6].
    #[arg(long, value_name = "NUMBER")]
    grants: Option<u64>,
    /// Seeds of reorganised histories [default: 50, or 1].
    #[arg(long, value_name = "NUMBER")]
    seeds: Option<u64>,
    /// Modes of a faulty provider [default: all, or 3].
    #[arg(long, value_name = "NUMBER")]
    modes: Option<u64>,
    /// Minutes after which a drill begins nothing new; what it has done by then is what is told.
    #[arg(long, value_name = "NUMBER", default_value_t = 60)]
    minutes: u64,
    /// Where the dice begin, to repeat a run.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Where the figures are written; with --quick, nowhere unless it is named.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// One way to break things: name, usual and quick count, what runs it.
struct Drill {
    name: &'static str,
    counts: (u64, u64),
    asked: fn(&Args) -> Option<u64>,
    run: fn(&mut Bounds) -> Result<Figures>,
}

const DRILLS: [Drill; 4] = [
    Drill {
        name: "kills at the fail points of a transaction",
        counts: (200, 9),
        asked: |args| args.kills,
        run: kills::run,
    },
    Drill {
        name: "kills of `kms grant`",
        counts: (1_000, 6),
        asked: |args| args.grants,
        run: grants::run,
    },
    Drill {
        name: "reorgs",
        counts: (50, 1),
        asked: |args| args.seeds,
        run: reorgs::run,
    },
    Drill {
        name: "faulty providers",
        counts: (u64::MAX, 3),
        asked: |args| args.modes,
        run: providers::run,
    },
];

/// Runs every drill and prints its figures; writes the report.
pub(crate) fn run(args: &Args) -> Result<()> {
    let wanted = |drill: &&Drill| {
        args.only.is_empty() || args.only.iter().any(|text| drill.name.contains(text))
    };
    let chosen: Vec<&Drill> = DRILLS.iter().filter(wanted).collect();
    let names = DRILLS.map(|drill| drill.name);
    ensure!(
        !chosen.is_empty(),
        "no drill has {:?} in its name: {names:?}",
        args.only
    );
    let commit = report::commit()?;
    let mut told = Vec::new();
    for drill in chosen {
        say::line(&format!("\n== {}", drill.name));
        let begun = Instant::now();
        let (usual, quick) = drill.counts;
        let count = match args.quick {
            true => quick,
            false => usual,
        };
        let mut bounds = Bounds {
            count: (drill.asked)(args).unwrap_or(count),
            until: begun + Duration::from_secs(60 * args.minutes),
            dice: Dice::new(args.seed),
            quick: args.quick,
        };
        let figures = (drill.run)(&mut bounds)
            .with_context(|| format!("{} (--seed {})", drill.name, args.seed))?;
        let figures = figures.named(drill.name, begun.elapsed());
        say::line(&figures.to_string());
        told.push(figures);
    }
    let path = match (&args.report, args.quick) {
        (Some(path), _) => path.clone(),
        (None, true) => return Ok(()),
        (None, false) => crate::workspace::root().join("RELIABILITY.md"),
    };
    let text = report::document(&told, &commit, args.seed)?;
    std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    say::line(&format!("the figures are in {}", path.display()));
    Ok(())
}
