//! The guard against replay: no signed request is answered twice, across restarts too. A nonce is
//! in memory and, before the reply is sent, in the database, written in batches of one commit each.
//! The gate refuses requests outside the block window, which bounds both.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use kms_protocol::messages::Problem;
use kms_protocol::{B256, Refusal};
use tokio::sync::{mpsc, oneshot};

use crate::gate::Verdict;
use crate::host::stop::Stop;
use crate::store::{Store, StoreError};

/// Limit of nonces per commit.
const BATCH: usize = 512;
/// Limit of nonces kept in memory while the disk is full; older ones are dropped.
const UNWRITTEN: usize = 10_000;

/// A nonce on its way to the database.
pub(crate) struct Taken {
    nonce: B256,
    block: u64,
    /// Block number below which nonces may be forgotten.
    oldest: u64,
    /// Sends true once the nonce is stored, or kept for a full disk; false if it is lost.
    answerable: oneshot::Sender<bool>,
}

/// The queue of nonces that [`write_nonces`] takes.
pub(crate) type NonceQueue = mpsc::Receiver<Taken>;

/// The nonces of the request window, in memory.
pub(crate) struct ReplayGuard {
    seen: Mutex<Seen>,
    capacity: usize,
    writer: mpsc::Sender<Taken>,
}

#[derive(Default)]
struct Seen {
    nonces: HashSet<B256>,
    by_block: BTreeMap<u64, Vec<B256>>,
}

impl Seen {
    fn insert(&mut self, nonce: B256, block: u64) -> bool {
        let fresh = self.nonces.insert(nonce);
        if fresh {
            self.by_block.entry(block).or_default().push(nonce);
        }
        fresh
    }

    fn forget_below(&mut self, block: u64) {
        let kept = self.by_block.split_off(&block);
        for nonce in std::mem::replace(&mut self.by_block, kept)
            .into_values()
            .flatten()
        {
            self.nonces.remove(&nonce);
        }
    }
}

/// A nonce on its way to the database, for the request that took it.
pub(crate) struct Pending(oneshot::Receiver<bool>);

impl Pending {
    /// Waits for the commit. Refuses the request if it fails.
    pub(crate) async fn durable(self) -> Verdict {
        match self.0.await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => {
                let detail = "the request could not be recorded against replay";
                Err(Problem::new(Refusal::Internal, detail))
            }
        }
    }
}

impl ReplayGuard {
    /// Loads the nonces of the database; returns also the queue for [`write_nonces`].
    pub(crate) async fn load(
        store: &Store,
        capacity: usize,
    ) -> Result<(Self, NonceQueue), StoreError> {
        let (writer, queue) = mpsc::channel(BATCH * 4);
        let mut seen = Seen::default();
        for (nonce, block) in store.nonces_from(0).await? {
            seen.insert(nonce, block);
        }
        Ok((
            Self {
                seen: Mutex::new(seen),
                capacity,
                writer,
            },
            queue,
        ))
    }

    /// Takes the nonce of a request whose signature and block number were checked. Refuses a used
    /// nonce, and any nonce while memory or queue is full.
    pub(crate) fn take(&self, nonce: B256, block: u64, oldest: u64) -> Verdict<Pending> {
        let (answerable, pending) = oneshot::channel();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.forget_below(oldest);
        if seen.nonces.contains(&nonce) {
            return Err(Problem::new(Refusal::Replay, "this nonce was used before"));
        }
        if seen.nonces.len() >= self.capacity {
            let detail = "the list of recent requests is full";
            return Err(Problem::new(Refusal::TooMany, detail).retry_after(1));
        }
        let taken = Taken {
            nonce,
            block,
            oldest,
            answerable,
        };
        if self.writer.try_send(taken).is_err() {
            let detail = "requests arrive faster than they can be recorded";
            return Err(Problem::new(Refusal::TooMany, detail).retry_after(1));
        }
        seen.insert(nonce, block);
        Ok(Pending(pending))
    }
}

/// Writes nonces until told to stop, as many per commit as are queued. While the disk is full
/// requests are still answered: their nonces stay in memory and are written when there is room, so
/// only a crash in that state lets one be used again. Any other failure refuses the request.
pub(crate) async fn write_nonces(store: Store, mut queue: NonceQueue, stop: Stop) {
    let mut batch: Vec<Taken> = Vec::with_capacity(BATCH);
    let mut rows: Vec<(B256, u64)> = Vec::new();
    let mut forgotten_below = 0;
    loop {
        let count = tokio::select! {
            count = queue.recv_many(&mut batch, BATCH) => count,
            () = stop.stopped() => 0,
        };
        if count == 0 {
            return;
        }
        rows.extend(batch.iter().map(|taken| (taken.nonce, taken.block)));
        let answerable = write(&store, &mut rows).await;
        let oldest = batch.iter().map(|taken| taken.oldest).max();
        for taken in batch.drain(..) {
            // Fails if the request was cancelled.
            let _ = taken.answerable.send(answerable);
        }
        if let Some(oldest) = oldest.filter(|oldest| *oldest > forgotten_below)
            && store.forget_nonces(oldest).await.is_ok()
        {
            forgotten_below = oldest;
        }
    }
}

/// Writes the rows and clears them; a full disk keeps them. Returns false if they are lost.
async fn write(store: &Store, rows: &mut Vec<(B256, u64)>) -> bool {
    match store.remember_nonces(rows).await {
        Ok(()) => rows.clear(),
        Err(StoreError::Full) => {
            let surplus = rows.len().saturating_sub(UNWRITTEN);
            rows.drain(..surplus);
        }
        Err(error) => {
            tracing::error!(code = error.code(), %error, "nonces were not recorded");
            rows.clear();
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests;
