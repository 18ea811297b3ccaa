//! What a daemon is given.

use std::path::PathBuf;
use std::time::Duration;

use kms_protocol::EthSecret;

use crate::home::Home;
use crate::network::Network;
use kms_core::keys::{OwnerKeys, ReaderKey};

/// What a daemon serves with.
pub struct DaemonOptions {
    /// The home, whose token file is written anew.
    pub home: Home,
    /// Its chain and nodes.
    pub network: Network,
    /// The owner's keys; `None` in a reader's home.
    pub owner: Option<OwnerKeys>,
    /// The keys that reads try.
    pub readers: Vec<ReaderKey>,
    /// The key that pays.
    pub wallet: EthSecret,
    /// Folder below which `GET /v1/content` opens files; none are opened without it.
    pub content: Option<PathBuf>,
    /// The exit code that the command line would end with, by the code of an error.
    pub exit_of: fn(&str) -> u8,
    /// Pause between two looks for what `GET /v1/events` tells.
    pub look: Duration,
}
