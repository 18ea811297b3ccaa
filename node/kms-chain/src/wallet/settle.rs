//! Sees a journaled transaction through: broadcasts its bytes, waits, reprices, and clears the
//! journal only when its nonce is used or no endpoint will ever take it.

use std::time::Duration;

use tokio::time::Instant;

use super::{OnProgress, Progress, Wallet};
use crate::classify::TxRejection;
use crate::error::ChainError;
use crate::journal::{JournaledTx, TxJournal};
use crate::types::{Tag, TxReceipt};

/// Looks at the chain that must agree that a nonce was used by somebody else.
const FOREIGN_LOOKS: u32 = 3;
/// Unchanged bytes are given to the endpoints again after so many looks.
const REBROADCAST_LOOKS: u64 = 20;

/// One transaction on its way: its dearest attempt, and the earlier ones at the same nonce.
struct Pending {
    last: JournaledTx,
    earlier: Vec<JournaledTx>,
    started: Instant,
    priced: Instant,
    looks: u64,
    foreign_looks: u32,
    bump_now: bool,
}

impl Pending {
    /// All attempts, the dearest first.
    fn attempts(&self) -> impl Iterator<Item = &JournaledTx> {
        std::iter::once(&self.last).chain(self.earlier.iter().rev())
    }
}

impl<J: TxJournal> Wallet<J> {
    /// Waits until one attempt is mined and confirmed, or the transaction is over. Returns the last
    /// attempt with the result.
    pub(super) async fn settle(
        &self,
        (last, earlier): (JournaledTx, Vec<JournaledTx>),
        progress: OnProgress<'_>,
    ) -> (JournaledTx, Result<TxReceipt, ChainError>) {
        let mut pending = Pending {
            last,
            earlier,
            started: Instant::now(),
            priced: Instant::now(),
            looks: 0,
            foreign_looks: 0,
            bump_now: false,
        };
        let outcome = self.wait(&mut pending, progress).await;
        let outcome = match outcome {
            Ok(receipt) => self.finish(&pending, receipt, progress).await,
            Err(error) if super::is_final(&error) => self.clear(&pending).and(Err(error)),
            Err(error) => Err(error),
        };
        (pending.last, outcome)
    }

    async fn wait(
        &self,
        pending: &mut Pending,
        progress: OnProgress<'_>,
    ) -> Result<TxReceipt, ChainError> {
        let timeout = Duration::from_millis(self.options.timeout_ms);
        loop {
            match self.look(pending, progress).await {
                Ok(Some(receipt)) => return Ok(receipt),
                Ok(None) => {}
                Err(error) if may_pass(&error) => {
                    tracing::debug!(%error, "while waiting for a transaction");
                }
                Err(error) => return Err(error),
            }
            let waited = pending.started.elapsed();
            let hash = pending.last.hash;
            if waited >= timeout {
                return Err(ChainError::NotMined {
                    hash,
                    waited_s: waited.as_secs(),
                });
            }
            progress(Progress::Waiting {
                hash,
                waited_s: waited.as_secs(),
            });
            tokio::time::sleep(Duration::from_millis(self.options.poll_ms)).await;
        }
    }

    /// One look: is it mined, is the nonce gone, does it need a broadcast or a better price?
    async fn look(
        &self,
        pending: &mut Pending,
        progress: OnProgress<'_>,
    ) -> Result<Option<TxReceipt>, ChainError> {
        pending.looks += 1;
        let mined = self.mined(pending).await?;
        if let Some(receipt) = mined {
            pending.foreign_looks = 0;
            return self.confirmed(receipt).await;
        }
        let (sender, nonce) = (self.address(), pending.last.nonce);
        if self.chain.nonce(sender, Tag::Latest).await? > nonce {
            pending.foreign_looks += 1;
            if pending.foreign_looks >= FOREIGN_LOOKS {
                return Err(ChainError::ForeignNonce { sender, nonce });
            }
            return Ok(None);
        }
        pending.foreign_looks = 0;
        let stale = pending.priced.elapsed() >= Duration::from_millis(self.options.bump_after_ms);
        if stale || pending.bump_now {
            self.reprice(pending, progress).await?;
        }
        if pending.looks % REBROADCAST_LOOKS == 1 || pending.bump_now {
            self.offer(pending, progress).await?;
        }
        Ok(None)
    }

    async fn mined(&self, pending: &Pending) -> Result<Option<TxReceipt>, ChainError> {
        for attempt in pending.attempts() {
            if let Some(receipt) = self.chain.receipt(attempt.hash).await? {
                return Ok(Some(receipt));
            }
        }
        Ok(None)
    }

    /// The receipt, once enough blocks stand on it and it still holds.
    async fn confirmed(&self, receipt: TxReceipt) -> Result<Option<TxReceipt>, ChainError> {
        let head = self.chain.head().await?.number;
        let depth = head.saturating_sub(receipt.block_number).saturating_add(1);
        if depth < self.options.confirmations {
            return Ok(None);
        }
        let again = self.chain.receipt(receipt.tx_hash).await?;
        Ok(again.filter(|again| again.block_hash == receipt.block_hash))
    }

    async fn offer(
        &self,
        pending: &mut Pending,
        progress: OnProgress<'_>,
    ) -> Result<(), ChainError> {
        let hash = pending.last.hash;
        match self.chain.broadcast(&pending.last.raw).await {
            Ok(_) => {
                pending.bump_now = false;
                progress(Progress::Broadcast { hash });
                Ok(())
            }
            // Mined meanwhile, by us or by somebody: the next look tells.
            Err(ChainError::Rejected {
                reason: TxRejection::NonceTooLow,
                ..
            }) => Ok(()),
            Err(ChainError::Rejected {
                reason: TxRejection::ReplacementUnderpriced,
                ..
            }) => {
                pending.bump_now = true;
                Ok(())
            }
            Err(ChainError::Rejected {
                reason: TxRejection::FeeTooLow,
                ..
            }) => {
                pending.bump_now = true;
                Ok(())
            }
            // The endpoint may have an earlier attempt, which still counts.
            Err(error @ ChainError::Rejected { .. }) if !pending.earlier.is_empty() => {
                tracing::debug!(%error, "a repriced transaction was refused");
                Ok(())
            }
            Err(ChainError::Rejected { reason, .. }) if reason.is_transient() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Signs and journals a dearer attempt; keeps the old one when the cap forbids it.
    async fn reprice(
        &self,
        pending: &mut Pending,
        progress: OnProgress<'_>,
    ) -> Result<(), ChainError> {
        pending.priced = Instant::now();
        let market = self.chain.fees().await?;
        let tx = pending.last.clone();
        let fees = tx.fees().bumped(market);
        if fees.max_fee > self.options.max_fee_cap {
            tracing::warn!(max_fee = %fees.max_fee, "the fee cap forbids a better price");
            pending.bump_now = false;
            return Ok(());
        }
        let dearer = self.signed(tx, fees);
        self.journal.record(&dearer)?;
        progress(Progress::Repriced {
            hash: dearer.hash,
            fees,
        });
        pending
            .earlier
            .push(std::mem::replace(&mut pending.last, dearer));
        pending.bump_now = true;
        Ok(())
    }

    async fn finish(
        &self,
        pending: &Pending,
        receipt: TxReceipt,
        progress: OnProgress<'_>,
    ) -> Result<TxReceipt, ChainError> {
        self.clear(pending)?;
        let (hash, block_number) = (receipt.tx_hash, receipt.block_number);
        progress(Progress::Mined { hash, block_number });
        if receipt.succeeded {
            return Ok(receipt);
        }
        match self.chain.replay_tx(&pending.last, block_number).await {
            Err(reverted @ ChainError::Reverted { .. }) => Err(reverted),
            _ => Err(ChainError::RevertedOnChain { hash }),
        }
    }

    fn clear(&self, pending: &Pending) -> Result<(), ChainError> {
        pending.attempts().try_for_each(|tx| self.journal.clear(tx))
    }
}

/// Trouble of the moment, which waiting may mend.
fn may_pass(error: &ChainError) -> bool {
    matches!(
        error,
        ChainError::Unreachable { .. }
            | ChainError::Rpc { .. }
            | ChainError::BadReply { .. }
            | ChainError::ChainMoved
    )
}
