//! `kms-scripts verify`: compares the contracts on the chain with the record of a deployment: code,
//! wiring, parameters. Sends nothing.

use anyhow::{Context, Result, ensure};
use kms_chain::{Deployment, Rpc, check_deployment};

use crate::deploy::network::Target;
use crate::say;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
}

/// Compares the deployment with the chain and prints the result.
pub(crate) fn run(args: &Args) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    runtime.block_on(verify(args))
}

async fn verify(args: &Args) -> Result<()> {
    let network = args.target.open().await?;
    let record = network.record();
    let deployment = Deployment::load(&record)?;
    network
        .params
        .check_resolved(&deployment.params)
        .with_context(|| record.display().to_string())?;
    check(&network.rpc, &deployment).await
}

/// Prints every difference. Fails if one is a fault.
pub(crate) async fn check(rpc: &Rpc, deployment: &Deployment) -> Result<()> {
    let (values, differences) = check_deployment(rpc, deployment).await?;
    for difference in &differences {
        say::line(&format!("verify: {difference}"));
    }
    let faults = differences
        .iter()
        .filter(|difference| difference.is_fault());
    let faults = faults.count();
    ensure!(faults == 0, "verify: {faults} faults, see above");
    say::line(&format!(
        "verify: the code of 8 contracts is that of the artifacts, {values} values are as recorded"
    ));
    Ok(())
}

#[cfg(test)]
mod tests;
