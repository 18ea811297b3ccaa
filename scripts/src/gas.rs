//! `kms-scripts gas`: measures the gas of every operation by real transactions on a private chain,
//! and compares it with the systems of `data/gas_baseline.json`. `gas/bench.rs` is the chain,
//! `gas/miners.rs`, `gas/policies.rs` and `gas/judges.rs` are the operations, `gas/shipped.rs` what
//! a node spends by itself, `gas/compare.rs` the tables, `gas/growth.rs` the limits of growth.

use std::path::PathBuf;

use anyhow::{Context, Result};
use kms_chain::Contract;

use crate::say;

mod abi;
mod bench;
mod compare;
mod growth;
mod judges;
mod miners;
mod policies;
mod shipped;

use bench::{Bench, Measured};
use compare::Comparison;

/// Number of miners of the ordinary network.
const MINERS: u32 = 40;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the figures are written: a list of {operation, gas}.
    #[arg(long, default_value = "target/gas.json")]
    figures: PathBuf,
}

/// Measures, prints and writes the figures. Fails if a cost or its growth is above its limit.
pub(crate) fn run(args: &Args) -> Result<()> {
    let path = std::path::absolute(&args.figures)?;
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    let measured = runtime.block_on(measure())?;
    let comparison = Comparison::load()?;
    comparison
        .table(&measured)
        .iter()
        .for_each(|line| say::line(line));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let text = serde_json::to_string_pretty(&measured)? + "\n";
    std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    growth::table(&measured)?
        .iter()
        .for_each(|line| say::line(line));
    growth::check(&measured)?;
    comparison.check(&measured)?;
    say::line(&format!("\nevery figure is in {}", path.display()));
    Ok(())
}

async fn measure() -> Result<Vec<Measured>> {
    let mut bench = Bench::start().await?;
    for (contract, gas) in Contract::ALL.iter().zip(bench.deployment_gas().await?) {
        bench.note(format!("deploy_{contract}"), gas, 1);
    }
    let mut miners = Vec::new();
    for number in 0..MINERS {
        miners.push(bench.enlist(number).await?);
    }
    let few = miners.get(..8).unwrap_or(&miners);
    miners::confirmations(&mut bench, few).await?;
    miners::relayed(&mut bench, &miners).await?;
    miners::claims(&mut bench, few).await?;
    policies::lives(&mut bench, miners.get(..30).unwrap_or(&miners)).await?;
    policies::wishes(&mut bench, few).await?;
    policies::batches(&mut bench, few).await?;
    policies::arrangements(&mut bench, miners.get(..30).unwrap_or(&miners)).await?;
    policies::collections(&mut bench, &miners).await?;
    policies::gaps(&mut bench, few).await?;
    miners::gaps(&mut bench, few).await?;
    miners::crowd(&mut bench, &miners).await?;
    miners::stakes(&mut bench).await?;
    judges::challenges(&mut bench, few).await?;
    // Last, since a conviction cannot be undone.
    judges::convictions(&mut bench, few).await?;
    bench.roll().await?;
    bench.check_clock().await?;
    bench.measured.extend(shipped::nodes().await?);
    Ok(bench.measured)
}
