//! How much a drill does, and what it runs on.

use std::time::Instant;

use anyhow::Result;

use super::dice::Dice;

/// How much a drill does.
pub(super) struct Bounds {
    pub(super) count: u64,
    pub(super) until: Instant,
    pub(super) dice: Dice,
    /// Whether the number was asked for by a person who waits.
    pub(super) quick: bool,
}

impl Bounds {
    /// Whether something new may begin after so many.
    pub(super) fn allow(&self, done: u64) -> bool {
        done < self.count && Instant::now() < self.until
    }
}

/// Runs a drill beside the servers it needs.
pub(super) fn block_on<T>(drill: impl Future<Output = Result<T>>) -> Result<T> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(drill)
}
