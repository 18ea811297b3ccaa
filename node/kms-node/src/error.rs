//! The errors that stop the node, each with a stable code, a cause and a remedy. Refusals of
//! single requests are `kms_protocol::Refusal`.

use std::path::PathBuf;

use kms_chain::ChainError;

use crate::config::ConfigError;
use crate::store::StoreError;

/// Why the node did not start, or stopped.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "fields are named after what they hold")]
pub enum NodeError {
    /// The configuration is rejected.
    #[error("configuration: {0}")]
    Config(#[from] ConfigError),
    /// `init` found files that it would have to overwrite.
    #[error("{} already exists", path.display())]
    AlreadyInitialised { path: PathBuf },
    /// A file of the data directory is missing or cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    /// A secret file can be read by others.
    #[error("{} has mode {mode:o}, others can read it", path.display())]
    Permissions { path: PathBuf, mode: u32 },
    /// The passphrase does not open a keystore.
    #[error("the passphrase does not open {}", path.display())]
    WrongPassphrase { path: PathBuf },
    /// A keystore is damaged or of an unknown kind.
    #[error("keystore {}: {source}", path.display())]
    Keystore { path: PathBuf, source: ChainError },
    /// Another node runs on the same data directory.
    #[error("another node holds {}", path.display())]
    AlreadyRunning { path: PathBuf },
    /// The listening address cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: String,
        source: std::io::Error,
    },
    /// A file of the server's certificate cannot be used.
    #[error("certificate {}: {reason}", path.display())]
    Certificate { path: PathBuf, reason: String },
    /// The deployment file is missing, malformed or outdated.
    #[error("deployment {}: {source}", path.display())]
    Deployment { path: PathBuf, source: ChainError },
    /// The endpoints serve another chain, or other contracts, than the deployment file names.
    #[error("the endpoints do not serve this deployment: {source}")]
    WrongChain { source: ChainError },
    /// The data directory was filled from another deployment or for another miner.
    #[error("the database belongs to {field} {stored}, the configuration says {configured}")]
    ForeignDatabase {
        field: &'static str,
        stored: String,
        configured: String,
    },
    /// The database cannot be used.
    #[error("database: {0}")]
    Store(#[from] StoreError),
    /// Random bytes or keys could not be made on this host.
    #[error("cryptography: {0}")]
    Crypto(&'static str),
    /// A critical task ended before it was asked to.
    #[error("task {task} stopped: {reason}")]
    TaskStopped { task: &'static str, reason: String },
}

impl NodeError {
    /// Stable identifier for scripts and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Config(error) => error.code(),
            Self::AlreadyInitialised { .. } => "already_initialised",
            Self::File { .. } => "file_unusable",
            Self::Permissions { .. } => "file_permissions",
            Self::WrongPassphrase { .. } => "wrong_passphrase",
            Self::Keystore { .. } => "keystore_invalid",
            Self::AlreadyRunning { .. } => "already_running",
            Self::Listen { .. } => "listen_failed",
            Self::Certificate { .. } => "certificate_unusable",
            Self::Deployment { .. } => "deployment_invalid",
            Self::WrongChain { .. } => "wrong_chain",
            Self::ForeignDatabase { .. } => "foreign_database",
            Self::Store(error) => error.code(),
            Self::Crypto(_) => "crypto_failed",
            Self::TaskStopped { .. } => "task_stopped",
        }
    }

    /// The operator's remedy, one sentence.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Config(error) => error.remedy(),
            Self::AlreadyInitialised { .. } => "choose an empty data directory, or run this one",
            Self::File { .. } => "check that the path exists and this user may read and write it",
            Self::Permissions { .. } => "chmod 600 the file (700 for the directory)",
            Self::WrongPassphrase { .. } => "give the passphrase chosen at `kms node init`",
            Self::Keystore { .. } => "restore the file from its backup",
            Self::AlreadyRunning { .. } => "stop the other node, or use another data directory",
            Self::Listen { .. } => {
                "free the port, or set `listen` or `admin_listen` to another address"
            }
            Self::Certificate { .. } => {
                "set `tls_certificate` and `tls_key` to the PEM files of one certificate"
            }
            Self::Deployment { .. } => "point `deployment` at the file of the chain you use",
            Self::WrongChain { .. } => "correct `rpc_urls` or `deployment` so that they agree",
            Self::ForeignDatabase { .. } => "use a new data directory for another chain or miner",
            Self::Store(error) => error.remedy(),
            Self::Crypto(_) => "check the random source of this host and start again",
            Self::TaskStopped { .. } => "start the node again and report the reason",
        }
    }
}
