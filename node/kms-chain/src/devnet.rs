//! A local chain: finds, runs and controls `anvil`, for `kms dev` and for tests.
//!
//! Dropping the value ends the process. Control methods are anvil's own (`evm_*`, `anvil_*`).

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ethers::signers::coins_bip39::English;
use ethers::signers::{LocalWallet, MnemonicBuilder};
use kms_protocol::{Address, EthSecret, Wei};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::deployment::Deployment;
use crate::deployment::deploy::deploy;
use crate::deployment::params::DeployParams;
use crate::error::{ChainError, FileAction};
use crate::rpc::{Rpc, RpcConfig};
use crate::types::wire::BigQuantity;

/// The mnemonic of test chains, which is public: its accounts hold test ether only.
pub const TEST_MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Chain id of local chains.
pub const CHAIN_ID: u64 = 31_337;

/// Folder into which npm installs the binary, below a folder with `contracts/`.
const NPM_PATH: &str = "contracts/node_modules/@foundry-rs";
/// Longest time until anvil listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Last lines of anvil's output that an error shows.
const KEPT_LINES: usize = 10;
/// Beginning of the line that anvil prints once it listens.
const LISTENING: &str = "Listening on ";

/// When anvil makes a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mining {
    /// One block per transaction, at once.
    Auto,
    /// One block each time this many seconds have passed.
    Every(u64),
    /// Blocks by `Devnet::mine` only.
    Manual,
}

/// Options of a local chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevnetOptions {
    /// TCP port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// When anvil makes a block.
    pub mining: Mining,
    /// Number of accounts of the test mnemonic that get 10,000 ETH.
    pub accounts: u32,
    /// Whether the states of old blocks are kept. Without them anvil stays fast over thousands of
    /// blocks, but only the newest state can be read.
    pub history: bool,
}

impl Default for DevnetOptions {
    fn default() -> Self {
        Self {
            port: 0,
            mining: Mining::Auto,
            accounts: 10,
            history: true,
        }
    }
}

/// A running anvil, which ends when this is dropped.
#[derive(Debug)]
pub struct Devnet {
    process: Process,
    url: String,
    rpc: Rpc,
}

/// A child process that is killed when dropped.
#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if the process has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Finds the anvil binary: `KMS_ANVIL`, else on PATH, else in the npm package below the working
/// directory or one above it.
///
/// # Errors
/// `AnvilMissing`.
pub fn find_anvil() -> Result<PathBuf, ChainError> {
    if let Some(path) = std::env::var_os("KMS_ANVIL") {
        return Some(PathBuf::from(path))
            .filter(|p| p.is_file())
            .ok_or(ChainError::AnvilMissing);
    }
    let on_path = std::env::var_os("PATH").and_then(|paths| {
        std::env::split_paths(&paths)
            .map(|folder| folder.join("anvil"))
            .find(|p| p.is_file())
    });
    let here = std::env::current_dir().ok();
    on_path
        .or_else(|| here?.ancestors().find_map(npm_anvil))
        .ok_or(ChainError::AnvilMissing)
}

/// Finds the binary of the npm package for this platform; npm installs that one alone.
fn npm_anvil(folder: &Path) -> Option<PathBuf> {
    let packages = std::fs::read_dir(folder.join(NPM_PATH)).ok()?;
    packages
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with("anvil-"))
        })
        .map(|package| package.join("bin/anvil"))
        .find(|path| path.is_file())
}

/// Secret of the `index`th account of the test mnemonic (m/44'/60'/0'/0/index).
///
/// # Errors
/// `Protocol`, for no index in practice.
pub fn account(index: u32) -> Result<EthSecret, ChainError> {
    let derived: Result<LocalWallet, _> = MnemonicBuilder::<English>::default()
        .phrase(TEST_MNEMONIC)
        .index(index)
        .and_then(|builder| builder.build());
    let wallet = derived.map_err(|_| ChainError::Bug("the test mnemonic derives keys"))?;
    let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(wallet.signer().to_bytes().into());
    Ok(EthSecret::from_bytes(&bytes)?)
}

impl Devnet {
    /// Starts anvil and waits until it listens.
    ///
    /// # Errors
    /// `AnvilMissing`, `File`, `AnvilFailed` with the end of its output.
    pub async fn start(options: &DevnetOptions) -> Result<Self, ChainError> {
        let program = find_anvil()?;
        let mut command = Command::new(&program);
        command
            .args(["--host", "127.0.0.1", "--port", &options.port.to_string()])
            .args(["--chain-id", &CHAIN_ID.to_string()])
            .args(["--mnemonic", TEST_MNEMONIC])
            .args(["--accounts", &options.accounts.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if !options.history {
            command.arg("--prune-history");
        }
        match options.mining {
            Mining::Auto => {}
            Mining::Every(seconds) => {
                command.args(["--block-time", &seconds.to_string()]);
            }
            Mining::Manual => {
                command.arg("--no-mining");
            }
        }
        let child = command.spawn().map_err(|source| ChainError::File {
            action: FileAction::Run,
            path: program,
            source,
        })?;
        let mut process = Process(child);
        let url = listening_url(&mut process).await?;
        let config = RpcConfig {
            timeout_ms: 60_000,
            ..RpcConfig::new(vec![url.clone()])
        };
        Ok(Self {
            process,
            rpc: Rpc::new(&config)?,
            url,
        })
    }

    /// URL of the JSON-RPC endpoint.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Process id of the running anvil.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.0.id()
    }

    /// A client without an identity, for control and for deploying.
    #[must_use]
    pub fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// A client configuration with this endpoint.
    #[must_use]
    pub fn rpc_config(&self) -> RpcConfig {
        RpcConfig::new(vec![self.url.clone()])
    }

    /// Deploys the contracts from account 0, who gets the initial supply, whatever chain the
    /// parameters are for.
    ///
    /// # Errors
    /// As `deploy`.
    pub async fn deploy(&self, params: &DeployParams) -> Result<Deployment, ChainError> {
        let params = DeployParams {
            chain_id: CHAIN_ID,
            ..params.clone()
        };
        deploy(&self.rpc, &account(0)?, &params).await
    }

    /// Makes `blocks` blocks now.
    ///
    /// # Errors
    /// As `Rpc::request`.
    pub async fn mine(&self, blocks: u64) -> Result<(), ChainError> {
        self.control("anvil_mine", json!([format!("{blocks:#x}")]))
            .await
    }

    /// Adds seconds to the time of all coming blocks, and makes one.
    ///
    /// # Errors
    /// As `Rpc::request`.
    pub async fn advance(&self, seconds: u64) -> Result<(), ChainError> {
        self.control("evm_increaseTime", json!([seconds])).await?;
        self.mine(1).await
    }

    /// Changes when blocks are made.
    ///
    /// # Errors
    /// As `Rpc::request`.
    pub async fn set_mining(&self, mining: Mining) -> Result<(), ChainError> {
        let (auto, seconds) = match mining {
            Mining::Auto => (true, 0),
            Mining::Every(seconds) => (false, seconds),
            Mining::Manual => (false, 0),
        };
        // In this order: stopping the interval would stop automatic mining too.
        self.control("evm_setIntervalMining", json!([seconds]))
            .await?;
        self.control("evm_setAutomine", json!([auto])).await
    }

    /// Replaces the last `depth` blocks by empty ones. Their transactions are lost, not pooled.
    ///
    /// # Errors
    /// As `Rpc::request`.
    pub async fn reorg(&self, depth: u64) -> Result<(), ChainError> {
        self.control("anvil_reorg", json!([depth, []])).await
    }

    /// Sets the balance of an account, in wei.
    ///
    /// # Errors
    /// As `Rpc::request`.
    pub async fn set_balance(&self, account: Address, balance: Wei) -> Result<(), ChainError> {
        self.control("anvil_setBalance", json!([account, BigQuantity(balance.0)]))
            .await
    }

    /// Sets the base fee of the next block, in wei per gas.
    ///
    /// # Errors
    /// As `Rpc::request`.
    pub async fn set_next_base_fee(&self, fee: Wei) -> Result<(), ChainError> {
        self.control(
            "anvil_setNextBlockBaseFeePerGas",
            json!([BigQuantity(fee.0)]),
        )
        .await
    }

    /// Drops all transactions of the pool.
    ///
    /// # Errors
    /// As `Rpc::request`.
    pub async fn drop_pending(&self) -> Result<(), ChainError> {
        self.control("anvil_dropAllTransactions", json!([])).await
    }

    async fn control(&self, method: &'static str, params: Value) -> Result<(), ChainError> {
        self.rpc
            .request::<_, Value>(method, &params)
            .await
            .map(|_| ())
    }
}

/// Reads the process's output until it listens, and goes on reading so that it never blocks on a
/// full pipe.
async fn listening_url(process: &mut Process) -> Result<String, ChainError> {
    let lines = Arc::new(Mutex::new(VecDeque::new()));
    let (sender, receiver) = oneshot::channel();
    if let Some(output) = process.0.stdout.take() {
        read_lines(output, &lines, Some(sender));
    }
    if let Some(errors) = process.0.stderr.take() {
        read_lines(errors, &lines, None);
    }
    match tokio::time::timeout(START_TIMEOUT, receiver).await {
        Ok(Ok(address)) => Ok(format!("http://{address}")),
        _ => {
            let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            let detail = Vec::from(lines.clone()).join("; ");
            Err(ChainError::AnvilFailed { detail })
        }
    }
}

fn read_lines(
    output: impl Read + Send + 'static,
    lines: &Arc<Mutex<VecDeque<String>>>,
    mut listening: Option<oneshot::Sender<String>>,
) {
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(address) = line.strip_prefix(LISTENING)
                && let Some(sender) = listening.take()
            {
                // The receiver is gone when the start has timed out.
                let _ = sender.send(address.trim().to_owned());
            }
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push_back(line);
            if lines.len() > KEPT_LINES {
                lines.pop_front();
            }
        }
    });
}

#[cfg(test)]
mod tests;
