//! `kms-scripts deploy`: deploys the contracts and writes the record `deployments/<chain-id>.json`.
//! Idempotent and safe to kill: a journal beside the record has every transaction before it is
//! sent; a valid record stays unchanged; one that does not match is refused.
//! `deploy/network.rs` opens chain and parameters, for `verify` too.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use kms_chain::{Chain, ChainError, DeployState, Deployment, Rpc, deploy_journaled, devnet};
use kms_protocol::{Address, EthSecret};

use crate::say;

pub(crate) mod network;

use network::{Network, Target};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
    /// File with the deployer's secret key, 64 hexadecimal digits. A local chain (31337) needs
    /// none: its first test account deploys.
    #[arg(long)]
    key_file: Option<PathBuf>,
    /// Print what would be created, where, and what it costs at most; send nothing.
    #[arg(long)]
    dry_run: bool,
    /// The deployer, for a dry run without its key.
    #[arg(long, conflicts_with = "key_file", requires = "dry_run")]
    deployer: Option<Address>,
}

/// Deploys, resumes a deployment, or finds it complete.
pub(crate) fn run(args: &Args) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    runtime.block_on(deploy(args))
}

async fn deploy(args: &Args) -> Result<()> {
    let network = args.target.open().await?;
    let (record, journal) = (network.record(), network.journal());
    if stands(&network, &record).await? {
        // A crash after the last step leaves the journal.
        remove(&journal)?;
        let path = record.display();
        say::line(&format!("deploy: {path} stands, nothing to do"));
        return Ok(());
    }
    let state = resume(&network, &journal).await?;
    if args.dry_run {
        let deployer = match args.deployer {
            Some(deployer) => deployer,
            None => key(args, &network)?.address(),
        };
        let state = begin_or(state, &network, deployer).await?;
        return print_plan(&network.rpc, &state).await;
    }
    let key = key(args, &network)?;
    let state = begin_or(state, &network, key.address()).await?;
    let (balance, cost) = funds(&network.rpc, &state).await?;
    ensure!(
        balance >= cost,
        "{} has {}; the deployment may cost {}",
        key.address(),
        ether(balance),
        ether(cost)
    );
    finish(&network, &key, state).await
}

/// Sends the remaining transactions, verifies the deployment, and replaces the journal by the
/// record.
async fn finish(network: &Network, key: &EthSecret, state: DeployState) -> Result<()> {
    let (record, journal) = (network.record(), network.journal());
    let mut keep = |state: &DeployState| {
        if let Some(sent) = state.sent.last() {
            say::line(&format!(
                "deploy: {} is signed as {}",
                sent.contract, sent.hash
            ));
        }
        state.save(&journal)
    };
    let deployment = deploy_journaled(&network.rpc, key, state, &mut keep).await?;
    crate::verify::check(&network.rpc, &deployment).await?;
    deployment.save(&record)?;
    remove(&journal)?;
    let (block, path) = (deployment.block, record.display());
    say::line(&format!("deploy: block {block}, recorded in {path}"));
    Ok(())
}

/// Whether the record's contracts are on the chain, deployed with these parameters. A record with
/// another genesis hash is ignored on a local chain, which is often started anew; on any other it
/// is an error, never overwritten.
async fn stands(network: &Network, record: &Path) -> Result<bool> {
    if !record.exists() {
        return Ok(false);
    }
    let deployment = match Deployment::load(record) {
        Err(ChainError::DeploymentIncomplete { .. }) if network.is_local() => return Ok(false),
        loaded => loaded?,
    };
    match Chain::connect(&network.config, deployment.clone()).await {
        Ok(_) => {
            network
                .params
                .check_resolved(&deployment.params)
                .with_context(|| format!("{} is of another deployment", record.display()))?;
            Ok(true)
        }
        Err(ChainError::WrongChain { .. }) if network.is_local() => Ok(false),
        Err(error) => Err(error).with_context(|| {
            format!(
                "{} does not fit the chain; nothing was sent. Move it away only if you are sure",
                record.display()
            )
        }),
    }
}

/// Reads the journaled deployment to resume. The journal of a former local chain is deleted.
async fn resume(network: &Network, journal: &Path) -> Result<Option<DeployState>> {
    let Some(state) = DeployState::load(journal)? else {
        return Ok(None);
    };
    let gone =
        state.chain_id != network.chain_id || state.genesis_hash != network.genesis_hash().await?;
    if gone && network.is_local() {
        remove(journal)?;
        return Ok(None);
    }
    ensure!(
        !gone,
        "{} is of another chain than the endpoint serves",
        journal.display()
    );
    state
        .check_params(&network.params)
        .with_context(|| format!("{} goes on with its own only", journal.display()))?;
    say::line(&format!(
        "deploy: going on after {} of 8 contracts",
        state.sent.len()
    ));
    Ok(Some(state))
}

async fn begin_or(
    state: Option<DeployState>,
    network: &Network,
    deployer: Address,
) -> Result<DeployState> {
    match state {
        Some(state) => Ok(state),
        None => Ok(DeployState::begin(&network.rpc, deployer, &network.params).await?),
    }
}

async fn print_plan(rpc: &Rpc, state: &DeployState) -> Result<()> {
    let price = network::gas_price(rpc).await?;
    say::line(&format!(
        "{} on chain {} by {}, {} gwei per gas",
        state.params.name,
        state.chain_id,
        state.deployer,
        price / 1_000_000_000
    ));
    for contract in state.plan()? {
        let done = state
            .sent
            .iter()
            .any(|sent| sent.contract == contract.contract);
        say::line(&format!(
            "{:>6}  {:<18} {}  at most {:>8} gas, {}{}",
            contract.nonce,
            contract.contract,
            contract.address,
            contract.gas_at_most,
            ether(u128::from(contract.gas_at_most) * price),
            if done { ", signed already" } else { "" }
        ));
    }
    let (balance, cost) = funds(rpc, state).await?;
    say::line(&format!(
        "at most {} in all; the deployer has {}; nothing was sent",
        ether(cost),
        ether(balance)
    ));
    Ok(())
}

/// The deployer's balance, and the most that the creations not yet signed cost, both in wei.
async fn funds(rpc: &Rpc, state: &DeployState) -> Result<(u128, u128)> {
    let price = network::gas_price(rpc).await?;
    let planned = state.plan()?;
    let left = planned.iter().skip(state.sent.len());
    let gas: u128 = left.map(|contract| u128::from(contract.gas_at_most)).sum();
    Ok((network::balance(rpc, state.deployer).await?, gas * price))
}

fn ether(wei: u128) -> String {
    format!("{:.6} ETH", wei as f64 / 1e18)
}

fn key(args: &Args, network: &Network) -> Result<EthSecret> {
    match &args.key_file {
        Some(file) => read_key(file),
        None if network.is_local() => Ok(devnet::account(0)?),
        None => bail!("--key-file is needed for chain {}", network.chain_id),
    }
}

fn read_key(file: &Path) -> Result<EthSecret> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim().trim_start_matches("0x"), &mut bytes)
        .context("the key file must hold 64 hexadecimal digits")?;
    EthSecret::from_bytes(&bytes).context("that is no secret key")
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
