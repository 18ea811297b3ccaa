//! The agent: a process that holds a home's open keys for a limited time and gives them to the
//! commands of the same user, over a socket in the home that nobody else can reach.
//! `client` asks it, `server` is it; the verb is in `verbs/agent`. A request is a line, a verb and
//! the fingerprint of the home's seed; an answer is `+` and what was asked for (32 bytes, or for
//! `status` 8, the seconds left, big-endian), or `-` from another home's agent.

pub(crate) mod client;
pub(crate) mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use kms_client::KeyFile;
use zeroize::Zeroizing;

/// A key's bytes.
pub(crate) type Secret = Zeroizing<[u8; 32]>;

/// Time in which a request is read or answered.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// First byte of the answer to a request that is served.
const GRANTED: u8 = b'+';
/// First byte of the answer to a request for another home.
const REFUSED: u8 = b'-';
/// Longest request, in bytes.
const REQUEST_BYTES: usize = 64;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Key(KeyFile),
    Status,
    Stop,
}

impl Verb {
    const ALL: [Self; 4] = [
        Self::Key(KeyFile::Seed),
        Self::Key(KeyFile::Wallet),
        Self::Status,
        Self::Stop,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Key(KeyFile::Seed) => "seed",
            Self::Key(KeyFile::Wallet) => "wallet",
            Self::Status => "status",
            Self::Stop => "stop",
        }
    }
}

/// The folder of the socket, private to its owner.
fn folder(home: &Path) -> PathBuf {
    home.join("run")
}

fn socket(home: &Path) -> PathBuf {
    folder(home).join("agent.sock")
}

#[cfg(test)]
mod tests;
