//! The chain, its parameters and the path of its record, for `deploy` and `verify`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use kms_chain::{DeployParams, Rpc, RpcConfig, devnet};
use kms_protocol::{Address, B256};
use serde_json::{Value, json};

const NONE: [(); 0] = [];

#[derive(clap::Args, Clone)]
pub(crate) struct Target {
    /// Name of the network: its parameters are deployments/params/NAME.toml.
    #[arg(long, required_unless_present = "params")]
    pub(crate) network: Option<String>,
    /// Another parameter file.
    #[arg(long, conflicts_with = "network")]
    pub(crate) params: Option<PathBuf>,
    /// JSON-RPC endpoint of the chain.
    #[arg(long)]
    pub(crate) rpc: String,
    /// Folder of the record and its journal; deployments/ of the workspace without it.
    #[arg(long)]
    pub(crate) records: Option<PathBuf>,
}

/// An open connection to a chain, with the parameters meant for it.
pub(crate) struct Network {
    pub(crate) params: DeployParams,
    pub(crate) config: RpcConfig,
    pub(crate) rpc: Rpc,
    pub(crate) chain_id: u64,
    records: PathBuf,
}

impl Target {
    /// Reads the parameters and connects. Fails if the chain's id is not that of the parameters.
    pub(crate) async fn open(&self) -> Result<Network> {
        let deployments = crate::workspace::root().join("deployments");
        let file = match (&self.params, &self.network) {
            (Some(file), _) => file.clone(),
            (None, Some(name)) => deployments.join(format!("params/{name}.toml")),
            (None, None) => bail!("--network or --params is needed"),
        };
        let params = read_params(&file)?;
        if let Some(name) = &self.network {
            ensure!(
                params.name == *name,
                "{} holds the parameters of {}",
                file.display(),
                params.name
            );
        }
        let config = RpcConfig {
            timeout_ms: 60_000,
            ..RpcConfig::new(vec![self.rpc.clone()])
        };
        let rpc = Rpc::new(&config)?;
        let chain_id = number(&rpc.request::<_, String>("eth_chainId", &NONE).await?)?;
        let chain_id = u64::try_from(chain_id)?;
        ensure!(
            chain_id == params.chain_id,
            "{} is for chain {}; the endpoint serves chain {chain_id}",
            file.display(),
            params.chain_id
        );
        Ok(Network {
            params,
            config,
            rpc,
            chain_id,
            records: self.records.clone().unwrap_or(deployments),
        })
    }
}

impl Network {
    /// Path of the record of a complete deployment.
    pub(crate) fn record(&self) -> PathBuf {
        self.records.join(format!("{}.json", self.chain_id))
    }

    /// Path of the journal of a deployment under way.
    pub(crate) fn journal(&self) -> PathBuf {
        self.records.join(format!("{}.journal.json", self.chain_id))
    }

    /// True for a development chain, which may be started anew under the same id.
    pub(crate) fn is_local(&self) -> bool {
        self.chain_id == devnet::CHAIN_ID
    }

    pub(crate) async fn genesis_hash(&self) -> Result<B256> {
        let params = json!(["0x0", false]);
        let block: Value = self.rpc.request("eth_getBlockByNumber", &params).await?;
        let hash = block.get("hash").and_then(Value::as_str);
        hash.context("block 0 has no hash")?
            .parse()
            .context("the hash of block 0")
    }
}

pub(crate) fn read_params(path: &Path) -> Result<DeployParams> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    DeployParams::from_toml(&text).with_context(|| path.display().to_string())
}

/// The endpoint's gas price now, in wei.
pub(crate) async fn gas_price(rpc: &Rpc) -> Result<u128> {
    number(&rpc.request::<_, String>("eth_gasPrice", &NONE).await?)
}

/// The ether of an account, in wei.
pub(crate) async fn balance(rpc: &Rpc, account: Address) -> Result<u128> {
    let params = json!([account, "latest"]);
    number(&rpc.request::<_, String>("eth_getBalance", &params).await?)
}

fn number(text: &str) -> Result<u128> {
    let digits = text.strip_prefix("0x").context("no JSON-RPC number")?;
    Ok(u128::from_str_radix(digits, 16)?)
}
