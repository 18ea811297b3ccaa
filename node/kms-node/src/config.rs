//! The node's configuration: one flat list of keys, read from defaults, the TOML file, `KMS_NODE_*`
//! environment variables and flags, the later winning. Unknown keys are errors. Layering and
//! parsing are in `load`, the table of keys in `keys`; secrets are never configuration.

mod keys;
mod load;
mod mask;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kms_protocol::{Address, Amount, Wei};

pub use keys::{KEYS, Key};
pub use load::{ENV_PREFIX, LoadedConfig, Origin, Sources, Value};

/// A configuration in which every value is present and inside its bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeConfig {
    /// Directory of the keystores, the database and the lock file.
    pub data_dir: PathBuf,
    /// Deployment file: chain id, genesis hash, contract addresses and code hashes.
    pub deployment: PathBuf,
    /// JSON-RPC endpoints, tried in order.
    pub rpc_urls: Vec<String>,
    /// Limit of one RPC request, milliseconds.
    pub rpc_timeout_ms: u64,
    /// Owner address of the miner this node works for.
    pub miner: Address,
    /// Base URL under which clients reach this node; registered on chain.
    pub public_url: String,
    /// Address the HTTP server binds.
    pub listen: SocketAddr,
    /// Blocks on top of a block before what it pays, ends or revokes for good counts.
    pub confirmations: u64,
    /// Pause between two looks at the chain head, milliseconds.
    pub poll_interval_ms: u64,
    /// Oldest view of the chain that requests are decided on: milliseconds since a good poll.
    pub max_view_age_ms: u64,
    /// How far a request's block number may be from the head, blocks, in both directions.
    pub request_window_blocks: u64,
    /// Requests remembered against replay inside the window.
    pub replay_capacity: u32,
    /// Periods between two reward claims.
    pub claim_every_periods: u32,
    /// Smallest reward worth a claim.
    pub claim_minimum: Amount,
    /// Periods between two fee collections.
    pub collect_every_periods: u32,
    /// Most that a transaction of the node ever offers per gas.
    pub max_fee_per_gas: Wei,
    /// Least rate to post on chain; `None` leaves the posted rate alone.
    pub min_rate: Option<Amount>,
    /// Open connections at most.
    pub max_connections: u32,
    /// Open connections of one IP address at most.
    pub max_connections_per_ip: u32,
    /// Time a client has for its request head, milliseconds.
    pub header_timeout_ms: u64,
    /// Time from the request head to the reply, milliseconds.
    pub request_timeout_ms: u64,
    /// Re-encryption requests worked on at once; 0 means one per core.
    pub reencrypt_workers: u32,
    /// Re-encryption requests that may wait for a worker.
    pub reencrypt_queue: u32,
    /// Whether `/metrics` answers other hosts than this one.
    pub metrics_remote: bool,
    /// Time requests in flight have to finish at shutdown, milliseconds.
    pub shutdown_grace_ms: u64,
}

/// The text of a setting as people may see it: URLs of the chain are cut after the host, since an
/// access key may follow.
pub fn shown(key: &str, text: &str) -> String {
    match key {
        "rpc_urls" => mask::urls(text),
        _ => text.to_owned(),
    }
}

impl NodeConfig {
    /// Reads and checks the configuration. Blocking; reads at most one small file.
    ///
    /// # Errors
    /// [`ConfigError`], naming the key, its origin and what was expected.
    pub fn load(sources: &Sources) -> Result<LoadedConfig, ConfigError> {
        load::load(sources)
    }

    pub(crate) fn max_view_age(&self) -> Duration {
        Duration::from_millis(self.max_view_age_ms)
    }

    pub(crate) fn poll_interval(&self) -> Duration {
        Duration::from_millis(self.poll_interval_ms)
    }

    pub(crate) fn worker_count(&self) -> usize {
        match usize::try_from(self.reencrypt_workers) {
            Ok(0) | Err(_) => std::thread::available_parallelism().map_or(1, usize::from),
            Ok(count) => count,
        }
    }
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "fields are named after what they hold")]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{}: {source}", path.display())]
    Syntax {
        path: PathBuf,
        source: Box<toml::de::Error>,
    },
    /// A key that does not exist.
    #[error("{origin}: unknown key `{key}`{}", did_you_mean(*.suggestion))]
    UnknownKey {
        key: String,
        origin: Origin,
        suggestion: Option<&'static str>,
    },
    /// A key without a default was not given.
    #[error("`{key}` is not set: {help}")]
    Missing {
        key: &'static str,
        help: &'static str,
    },
    /// A value outside what its key takes.
    #[error("{origin}: `{key}` is {value:?}, expected {expected}")]
    Invalid {
        key: &'static str,
        value: String,
        origin: Origin,
        expected: String,
    },
}

impl ConfigError {
    /// Stable identifier for scripts and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "config_unreadable",
            Self::Syntax { .. } => "config_syntax",
            Self::UnknownKey { .. } => "config_unknown_key",
            Self::Missing { .. } => "config_missing",
            Self::Invalid { .. } => "config_invalid",
        }
    }

    /// What the operator does about it, one sentence.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::File { .. } => "make the node with `kms node init`, or name its file",
            Self::Syntax { .. } => "correct the file at the line named; it is TOML",
            Self::UnknownKey { .. } => "correct the key's name, see `kms node config show`",
            Self::Missing { .. } => "set the key in node.toml, in the environment or with `--set`",
            Self::Invalid { .. } => "correct the value at the place named",
        }
    }
}

fn did_you_mean(suggestion: Option<&'static str>) -> String {
    suggestion.map_or_else(String::new, |key| format!(", did you mean `{key}`?"))
}

#[cfg(test)]
mod tests;
