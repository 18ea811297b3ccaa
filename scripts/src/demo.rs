//! `kms-scripts demo [FILE]`: grants, reads and revokes on a private chain with five nodes through
//! the `kms` binary, and checks every figure. `demo/stage.rs` has the processes, `demo/acts/` the
//! acts, `demo/ledger.rs` the formula, `demo/figures.rs` the results.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::say;

mod acts;
mod chain;
mod figures;
mod file;
mod ledger;
mod show;
mod stage;

use show::Show;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The file to share; a generated one of 64 MiB without it.
    file: Option<PathBuf>,
    /// Where the figures are written.
    #[arg(long, default_value = "target/demo.json")]
    figures: PathBuf,
    /// Keep the logs and homes of a failed run in this new directory.
    #[arg(long)]
    keep: Option<PathBuf>,
}

/// Runs every act and prints `demo: ok` last, or fails at the first deviation.
pub(crate) fn run(args: &Args) -> Result<()> {
    let started = Instant::now();
    let figures_path = std::path::absolute(&args.figures)?;
    let mut show = Show::new(args.file.as_deref())?;
    let played = play(&mut show);
    if let (Err(_), Some(keep)) = (&played, &args.keep) {
        show.keep(keep)?;
    }
    played.context("demo: failed")?;
    show.figures.seconds = started.elapsed().as_secs_f64();
    let text = serde_json::to_string_pretty(&show.figures)? + "\n";
    if let Some(folder) = figures_path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&figures_path, text)
        .with_context(|| format!("writing {}", figures_path.display()))?;
    say::line(&format!("every figure is in {}", figures_path.display()));
    say::line(&format!("demo: ok ({:.0} s)", show.figures.seconds));
    Ok(())
}

type Act = (&'static str, fn(&mut Show) -> Result<()>);

/// The acts in order; each depends on those before it.
const ACTS: [Act; 14] = [
    (
        "a private chain and the contracts",
        acts::network::start_chain,
    ),
    (
        "five miners lock tokens and bond their workers",
        acts::network::stake,
    ),
    ("five nodes start and register", acts::network::start_nodes),
    (
        "the owner encrypts the file, for a label, before knowing any reader",
        acts::share::encrypt,
    ),
    (
        "the reader makes a card, the owner grants 3 of 5",
        acts::share::grant,
    ),
    ("the reader reads", acts::share::read),
    (
        "two of the five nodes are killed, the reader reads again",
        acts::outage::two_down,
    ),
    (
        "a third is killed, the read fails and says why",
        acts::outage::three_down,
    ),
    ("the nodes come back", acts::outage::restart),
    (
        "the owner's machine is lost, another is made from 24 words",
        acts::restore::from_words,
    ),
    (
        "periods pass, miners confirm, claim and collect by themselves",
        acts::money::pass_periods,
    ),
    (
        "the owner revokes, every node refuses",
        acts::revoke::revoke,
    ),
    (
        "rewards, fees and refund are compared with the formula",
        acts::money::settle,
    ),
    (
        "every node and the chain are gone, the owner still decrypts",
        acts::share::decrypt_offline,
    ),
];

fn play(show: &mut Show) -> Result<()> {
    for (number, (title, act)) in (1..).zip(ACTS) {
        say::line(&format!("\n{number:>2}. {title}"));
        act(show).with_context(|| format!("act {number}, {title}"))?;
    }
    say::line("");
    show.figures.table().iter().for_each(|row| say::line(row));
    Ok(())
}
