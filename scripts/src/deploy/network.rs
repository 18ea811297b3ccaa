//! A chain, the parameters meant for it, and where its record lies: what deploying and verifying
//! begin with.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use kms_chain::{DeployParams, Rpc, RpcConfig, devnet};
use kms_protocol::{Address, B256};
use serde_json::{Value, json};

const NONE: [(); 0] = [];

/// Options that name a network.
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

/// A network that answers.
pub(crate) struct Network {
    pub(crate) params: DeployParams,
    pub(crate) config: RpcConfig,
    pub(crate) rpc: Rpc,
    pub(crate) chain_id: u64,
    records: PathBuf,
}

impl Target {
    /// Reads the parameters and asks the chain for its id, which must be theirs.
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
    /// Where the finished deployment is recorded.
    pub(crate) fn record(&self) -> PathBuf {
        self.records.join(format!("{}.json", self.chain_id))
    }

    /// Where one under way is kept.
    pub(crate) fn journal(&self) -> PathBuf {
        self.records.join(format!("{}.journal.json", self.chain_id))
    }

    /// A chain of this machine, which may be started anew any time.
    pub(crate) fn is_local(&self) -> bool {
        self.chain_id == devnet::CHAIN_ID
    }

    /// Hash of block 0.
    pub(crate) async fn genesis_hash(&self) -> Result<B256> {
        let params = json!(["0x0", false]);
        let block: Value = self.rpc.request("eth_getBlockByNumber", &params).await?;
        let hash = block.get("hash").and_then(Value::as_str);
        hash.context("block 0 has no hash")?
            .parse()
            .context("the hash of block 0")
    }
}

/// The parameters of a file.
pub(crate) fn read_params(path: &Path) -> Result<DeployParams> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    DeployParams::from_toml(&text).with_context(|| path.display().to_string())
}

/// What a unit of gas costs now, in wei.
pub(crate) async fn gas_price(rpc: &Rpc) -> Result<u128> {
    number(&rpc.request::<_, String>("eth_gasPrice", &NONE).await?)
}

/// What an account has, in wei.
pub(crate) async fn balance(rpc: &Rpc, account: Address) -> Result<u128> {
    let params = json!([account, "latest"]);
    number(&rpc.request::<_, String>("eth_getBalance", &params).await?)
}

fn number(text: &str) -> Result<u128> {
    let digits = text.strip_prefix("0x").context("no JSON-RPC number")?;
    Ok(u128::from_str_radix(digits, 16)?)
}
