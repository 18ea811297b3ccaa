//! A local chain: runs and controls `anvil`, for `kms dev` and for tests; `find` finds it.
//!
//! Dropping the value ends anvil and removes what it kept on disk; so does a kill of this process.
//! Control methods are anvil's own (`evm_*`, `anvil_*`).

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ethers::signers::coins_bip39::English;
use ethers::signers::{LocalWallet, MnemonicBuilder};
use kms_protocol::{Address, EthSecret, Wei};
use serde_json::{Value, json};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::deployment::Deployment;
use crate::deployment::deploy::deploy;
use crate::deployment::params::DeployParams;
use crate::error::{ChainError, FileAction};
use crate::rpc::{Rpc, RpcConfig};
use crate::types::wire::BigQuantity;

mod find;
mod output;

pub use find::find_anvil;

/// The mnemonic of test chains, which is public: its accounts hold test ether only.
pub const TEST_MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Chain id of local chains.
pub const CHAIN_ID: u64 = 31_337;

/// Least gas limit of a block.
const GAS_LIMIT: u32 = 30_000_000;
/// States kept without history: a call that began at the newest block may be answered after some
/// more.
const STATES_KEPT: &str = "64";
/// Runs anvil, its arguments, in a shell that ends it when the shell's input ends, which it does
/// with this process, even by a kill: by the signal in `$0`; in order if a line came before. The
/// shell ends with anvil.
const KEEPER: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- & child=$!
{ read order && kill -s TERM $child; read order; kill -s $0 $child; } <&3 >/dev/null 2>&1 &
exec >/dev/null 2>&1 3<&-
wait $child
"#;
/// Longest time in which anvil writes its state and ends.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
/// Pause between two looks whether it has ended.
const STOP_POLL: Duration = Duration::from_millis(20);

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
    /// Whether the states of old blocks are kept, on disk for the most part. Without them anvil
    /// stays fast over thousands of blocks, but only the newest states can be read.
    pub history: bool,
    /// File that the chain is loaded from, if it exists, and that [`Devnet::stop`] writes.
    pub state: Option<PathBuf>,
}

impl Default for DevnetOptions {
    fn default() -> Self {
        Self {
            port: 0,
            mining: Mining::Auto,
            accounts: 10,
            history: true,
            state: None,
        }
    }
}

impl DevnetOptions {
    /// The signal that ends anvil once nobody is left to ask it: a chain with a file is written.
    const fn last_signal(&self) -> &'static str {
        match self.state {
            Some(_) => "TERM",
            None => "KILL",
        }
    }
}

/// A running anvil, which ends when this is dropped.
#[derive(Debug)]
pub struct Devnet {
    process: Process,
    url: String,
    rpc: Rpc,
    /// What anvil itself puts on disk. Removed after the process has ended.
    _cache: TempDir,
}

/// The shell around anvil. Dropped, it ends anvil, and returns when that has ended.
#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // Fails only if the process has been waited for already.
        let _ = self.0.wait();
    }
}

/// Gas limit of a new chain's blocks, with random low bits. The genesis block commits to it, so
/// that two chains begun in the same second are told apart by its hash.
fn gas_limit() -> Result<u32, ChainError> {
    let random = getrandom::u32().map_err(|_| ChainError::Randomness)?;
    Ok(GAS_LIMIT + random % (1 << 20))
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
    /// Starts anvil and waits until it listens. It leads a process group of its own, so that
    /// Ctrl-C at a terminal does not end it before its nodes.
    ///
    /// # Errors
    /// `AnvilMissing`, `File`, `AnvilFailed` with the end of its output.
    pub async fn start(options: &DevnetOptions) -> Result<Self, ChainError> {
        let program = find_anvil()?;
        let cache = cache_dir()?;
        let mut command = Command::new("sh");
        command
            .process_group(0)
            .args(["-c", KEEPER, options.last_signal()])
            .arg(&program)
            .args(["--host", "127.0.0.1", "--port", &options.port.to_string()])
            .args(["--chain-id", &CHAIN_ID.to_string()])
            .args(["--gas-limit", &gas_limit()?.to_string()])
            .args(["--mnemonic", TEST_MNEMONIC])
            .args(["--accounts", &options.accounts.to_string()])
            // Two blocks on top make a block final.
            .args(["--slots-in-an-epoch", "1"])
            .arg("--cache-path")
            .arg(cache.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if !options.history {
            command.args(["--prune-history", STATES_KEPT]);
        }
        if let Some(state) = &options.state {
            command.arg("--state").arg(state);
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
        let url = output::listening_url(&mut process.0).await?;
        let config = RpcConfig {
            timeout_ms: 60_000,
            ..RpcConfig::new(vec![url.clone()])
        };
        Ok(Self {
            process,
            rpc: Rpc::new(&config)?,
            url,
            _cache: cache,
        })
    }

    /// Ends anvil in order and waits for it, so that it writes the file of
    /// [`DevnetOptions::state`]; kills it after a minute.
    pub async fn stop(mut self) {
        let asked = self.process.0.stdin.as_mut();
        // Fails only if the process has ended already.
        let _ = asked.map(|input| input.write_all(b"stop\n"));
        let ended = async {
            while matches!(self.process.0.try_wait(), Ok(None)) {
                tokio::time::sleep(STOP_POLL).await;
            }
        };
        // What has not ended by then, the drop kills.
        let _ = tokio::time::timeout(STOP_TIMEOUT, ended).await;
    }

    /// URL of the JSON-RPC endpoint.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Id of the process that runs while anvil does.
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

fn cache_dir() -> Result<TempDir, ChainError> {
    let made = tempfile::Builder::new().prefix("kms-anvil-").tempdir();
    made.map_err(|source| ChainError::File {
        action: FileAction::Write,
        path: std::env::temp_dir(),
        source,
    })
}

#[cfg(test)]
mod tests;
