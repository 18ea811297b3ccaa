//! `kms-scripts deploy`: the four contracts on a chain, and their record in
//! `deployments/<chain-id>.json`. A record whose code is on the chain is left as it is.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use kms_chain::{Chain, ChainError, DeployParams, Deployment, Rpc, RpcConfig, devnet};
use kms_protocol::EthSecret;

use crate::say;

/// Options of `kms-scripts deploy`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Parameters of the deployment: deployments/params/<network>.toml.
    #[arg(long)]
    params: PathBuf,
    /// JSON-RPC endpoint of the chain.
    #[arg(long)]
    rpc: String,
    /// File with the deployer's secret key, 64 hexadecimal digits. A local chain (31337) needs
    /// none: its first test account deploys.
    #[arg(long)]
    key_file: Option<PathBuf>,
}

/// Deploys, unless it was done.
pub(crate) fn run(args: &Args) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    runtime.block_on(deploy(args))
}

async fn deploy(args: &Args) -> Result<()> {
    let text = std::fs::read_to_string(&args.params)
        .with_context(|| format!("reading {}", args.params.display()))?;
    let params = DeployParams::from_toml(&text)?;
    let config = RpcConfig {
        timeout_ms: 60_000,
        ..RpcConfig::new(vec![args.rpc.clone()])
    };
    let rpc = Rpc::new(&config)?;
    let chain_id: String = rpc.request("eth_chainId", &[(); 0]).await?;
    let chain_id = u64::from_str_radix(chain_id.trim_start_matches("0x"), 16)?;
    let path = crate::workspace_root().join(format!("deployments/{chain_id}.json"));
    if is_deployed(&path, &config).await? {
        say::line(&format!("deploy: {} stands, nothing to do", path.display()));
        return Ok(());
    }
    let deployer = match &args.key_file {
        Some(file) => read_key(file)?,
        None if chain_id == devnet::CHAIN_ID => devnet::account(0)?,
        None => bail!("--key-file is needed for chain {chain_id}"),
    };
    let deployment = kms_chain::deploy(&rpc, &deployer, &params).await?;
    deployment.save(&path)?;
    say::line(&format!(
        "deploy: block {}, recorded in {}",
        deployment.block,
        path.display()
    ));
    Ok(())
}

/// Whether the record's contracts are on the chain. A record of another chain of the same id (a
/// local one that was started anew) does not count; trouble with the endpoint is an error.
async fn is_deployed(path: &Path, config: &RpcConfig) -> Result<bool> {
    if !path.exists() {
        return Ok(false);
    }
    match Chain::connect(config, Deployment::load(path)?).await {
        Ok(_) => Ok(true),
        Err(ChainError::WrongChain { .. }) => Ok(false),
        Err(error) => Err(error.into()),
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
