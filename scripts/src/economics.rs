//! `kms-scripts economics`: the supply curve, its half-life and the return of a miner for a
//! parameter file, by the same formula as the contracts (kms-protocol's `RewardLedger`).
//! `economics/model.rs` simulates, `economics/launch.rs` tells the first
//! periods, `economics/plot.rs` draws.

use std::path::PathBuf;

use anyhow::{Context, Result};
use kms_chain::DeployParams;

use crate::say;

mod launch;
mod model;
mod plot;

use model::{Curve, Kappa, Model, Row};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Parameter file of the deployment, TOML.
    #[arg(long, default_value = "deployments/params/mainnet.toml")]
    params: PathBuf,
    /// Part of the supply that miners keep locked, in percent.
    #[arg(long, default_value_t = 60)]
    locked_percent: u32,
    /// How many years (half-lives, where those are shorter) to simulate.
    #[arg(long, default_value_t = 10)]
    years: u32,
    /// Where the plot is written.
    #[arg(long, default_value = "target/economics.svg")]
    plot: PathBuf,
}

/// Simulates with kappa off and on, prints both tables and writes the plot.
pub(crate) fn run(args: &Args) -> Result<()> {
    let text = std::fs::read_to_string(&args.params)
        .with_context(|| format!("reading {}", args.params.display()))?;
    let params = DeployParams::from_toml(&text)?;
    let off = Model::new(&params, args.locked_percent, args.years, Kappa::Off)?;
    let on = Model::new(&params, args.locked_percent, args.years, Kappa::On)?;
    let curves = [off.run()?, on.run()?];
    say::line(&format!(
        "{}: {} at the start, never more than {}; {} % of the supply is locked; {} periods of {} s \
         make a {}",
        params.name,
        params.initial_supply,
        params.cap,
        args.locked_percent,
        off.periods_per_row,
        params.period_seconds,
        off.row_name(),
    ));
    for (model, curve) in [&off, &on].into_iter().zip(&curves) {
        table(model, curve).iter().for_each(|line| say::line(line));
    }
    launch::lines(&params)?
        .iter()
        .for_each(|line| say::line(line));
    let path = std::path::absolute(&args.plot)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&path, plot::draw(&off, &curves))
        .with_context(|| format!("writing {}", path.display()))?;
    say::line(&format!("\nthe plot is in {}", path.display()));
    Ok(())
}

fn table(model: &Model, curve: &Curve) -> Vec<String> {
    let mut lines = vec![String::new()];
    match model.kappa {
        Kappa::Off => {
            lines.push("kappa off: the reward follows the locked tokens alone".to_owned())
        }
        Kappa::On => lines.push(format!(
            "kappa on: half of the locked tokens for {} periods, kappa {:.3}; half for {}, kappa 1",
            model.short_lock,
            model.kappa_of_short(),
            model.full_lock,
        )),
    }
    lines.push(match curve.half_life_periods {
        Some(periods) => format!(
            "half of the reserve is emitted after {periods:.1} periods = {:.3} {}",
            model.rows(periods),
            model.rows_name()
        ),
        None => "half of the reserve is not yet emitted at the end of the table".to_owned(),
    });
    let mut head = format!(
        "{:>8}  {:>18}  {:>16}  {:>8}  {:>9}  {:>9}",
        model.row_name(),
        "supply, KMS",
        "emitted, KMS",
        "growth",
        "return",
        "restaked"
    );
    if model.kappa == Kappa::On {
        head += &format!("  {:>9}  {:>9}", "short", "restaked");
    }
    lines.push(head);
    lines.extend(curve.rows.iter().map(|row| line(model, row)));
    lines
}

fn line(model: &Model, row: &Row) -> String {
    let mut line = format!(
        "{:>8}  {:>18.0}  {:>16.0}  {:>6.2} %  {:>7.2} %  {:>7.2} %",
        row.number,
        row.supply_kms,
        row.emitted_kms,
        100.0 * row.growth(),
        100.0 * row.full.earned,
        100.0 * row.full.restaked,
    );
    if model.kappa == Kappa::On {
        line += &format!(
            "  {:>7.2} %  {:>7.2} %",
            100.0 * row.short.earned,
            100.0 * row.short.restaked
        );
    }
    line
}
