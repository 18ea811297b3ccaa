//! The node's configuration: one flat list of keys, read from defaults, the TOML file, `KMS_NODE_*`
//! environment variables and flags, the later winning. Unknown keys are errors. Layering and
//! parsing are in `load`, the table of keys in `keys`; secrets are never configuration.

mod keys;
mod load;
mod mask;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use kms_protocol::{Address, Amount, Wei};

pub use keys::{KEYS, Key};
pub use load::{ENV_PREFIX, LoadedConfig, Origin, Sources, Value};

/// The PEM files of the HTTP server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key, which this user alone can read.
    pub key: PathBuf,
}

/// Where PostgreSQL is and as whom to connect. It may hold a password, so it never shows itself.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl PostgresUrl {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for PostgresUrl {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let schemes = ["postgres://", "postgresql://"];
        let named = schemes.iter().any(|scheme| text.starts_with(scheme));
        named.then(|| Self(text.to_owned())).ok_or(())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask::urls(&self.0))
    }
}

/// What a node does of what nodes that share a database do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Answers, and leads when nobody else does.
    All,
    /// Answers only, and asks no endpoint.
    Api,
    /// Leads when nobody else does, and answers nobody.
    Chain,
}

impl FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "all" => Ok(Self::All),
            "api" => Ok(Self::Api),
            "chain" => Ok(Self::Chain),
            _ => Err(()),
        }
    }
}

/// A valid configuration: every value is present and within its bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeConfig {
    /// Directory of the keystores, the database and the lock file.
    pub data_dir: PathBuf,
    /// Deployment file: chain id, genesis hash, contract addresses and code hashes.
    pub deployment: PathBuf,
    /// The database that several machines share; `None` for the file in the data directory.
    pub database: Option<PostgresUrl>,
    /// What this node does of what the nodes that share a database do.
    pub role: Role,
    /// Life of the lease of a shared database, milliseconds.
    pub lease_ms: u64,
    /// JSON-RPC endpoints, tried in order.
    pub rpc_urls: Vec<String>,
    /// Timeout of one RPC request, milliseconds.
    pub rpc_timeout_ms: u64,
    /// Owner address of the miner this node works for.
    pub miner: Address,
    /// Base URL under which clients reach this node; registered on chain.
    pub public_url: String,
    /// Address the HTTP server binds.
    pub listen: SocketAddr,
    /// Address of the dashboard and the metrics, for the operator alone; `None` for neither.
    pub admin_listen: Option<SocketAddr>,
    /// Certificate and key of the HTTP server; `None` serves without TLS.
    pub tls: Option<TlsFiles>,
    /// Blocks on top of a block that confirm its payments and, for erasing kfrags, its revocations.
    pub confirmations: u64,
    /// Interval at which the chain's head is polled, milliseconds; 0: by the time between blocks.
    pub poll_interval_ms: u64,
    /// Age of the snapshot above which requests are refused: milliseconds since a successful poll.
    pub max_view_age_ms: u64,
    /// How far a block's time may be ahead of this machine's clock, seconds; 0 allows any.
    pub max_block_ahead_s: u64,
    /// How old the newest block may be by this machine's clock, seconds; 0 allows any age.
    pub max_head_age_s: u64,
    /// Time for which the end of a policy must stand before its kfrag is erased, milliseconds.
    pub erase_after_ms: u64,
    /// Largest distance of a request's time from the head's, in both directions, seconds.
    pub request_window_s: u64,
    /// Requests of one policy that are answered in a window of `request_window_s`.
    pub policy_requests: u32,
    /// Requests of one policy that are queued or answered at once; 0 means a quarter of workers and
    /// queue.
    pub policy_in_flight: u32,
    /// Periods between two reward claims, which go out with a confirmation of activity.
    pub claim_every_periods: u32,
    /// Periods between two fee collections.
    pub collect_every_periods: u32,
    /// Most that a claim or a collection may cost in fees, per KMS that it brings in.
    pub fee_per_kms: Wei,
    /// Cap on `maxFeePerGas` of every transaction of the node, per gas.
    pub max_fee_per_gas: Wei,
    /// Least rate per period to post on chain; `None` posts a small one where none is posted.
    pub min_rate: Option<Amount>,
    /// Limit of open connections over all clients.
    pub max_connections: u32,
    /// Limit of open connections per client IP address.
    pub max_connections_per_ip: u32,
    /// Timeout for a client to send its request head, milliseconds.
    pub header_timeout_ms: u64,
    /// Timeout from the request head to the reply, milliseconds.
    pub request_timeout_ms: u64,
    /// Number of re-encryption requests computed in parallel; 0 means one per core.
    pub reencrypt_workers: u32,
    /// Length of the queue of re-encryption requests.
    pub reencrypt_queue: u32,
    /// Timeout for requests in flight at shutdown, milliseconds.
    pub shutdown_grace_ms: u64,
}

/// Masks the value of a key for display: URLs are cut after the host, since an access key may
/// follow, and lose what stands before it, such as a password.
pub fn shown(key: &str, text: &str) -> String {
    match key {
        "rpc_urls" | "database" => mask::urls(text),
        _ => text.to_owned(),
    }
}

impl NodeConfig {
    /// Reads and checks the configuration. Blocking: reads at most one small file.
    ///
    /// # Errors
    /// [`ConfigError`], naming the key, its origin and what was expected.
    pub fn load(sources: &Sources) -> Result<LoadedConfig, ConfigError> {
        load::load(sources)
    }

    pub(crate) fn max_view_age(&self) -> Duration {
        Duration::from_millis(self.max_view_age_ms)
    }

    pub(crate) fn erase_after(&self) -> Duration {
        Duration::from_millis(self.erase_after_ms)
    }

    /// Pause between two looks at the chain; `None` for one that follows its blocks.
    pub(crate) fn poll_interval(&self) -> Option<Duration> {
        let chosen = Duration::from_millis(self.poll_interval_ms);
        (!chosen.is_zero()).then_some(chosen)
    }

    /// Number of re-encryption requests queued at most.
    pub(crate) fn queue_length(&self) -> usize {
        usize::try_from(self.reencrypt_queue).unwrap_or(usize::MAX)
    }

    /// Number of requests of one policy queued or answered at once, at least 1.
    pub(crate) fn policy_places(&self) -> usize {
        let quarter = self.worker_count().saturating_add(self.queue_length()) / 4;
        match usize::try_from(self.policy_in_flight) {
            Ok(0) | Err(_) => quarter.max(1),
            Ok(count) => count,
        }
    }

    pub(crate) fn worker_count(&self) -> usize {
        match usize::try_from(self.reencrypt_workers) {
            Ok(0) | Err(_) => std::thread::available_parallelism().map_or(1, usize::from),
            Ok(count) => count,
        }
    }
}

/// Why a configuration is rejected.
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
    /// A value that its key does not accept.
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

    /// The operator's remedy, one sentence.
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
