//! How a transaction heals whose nonce was read too high. Its bytes may be in somebody's pool, so
//! they are never signed again under another nonce: the missing nonces before it are filled with
//! transfers of nothing to the sender itself.

use kms_protocol::Wei;

use super::journal::{JournaledTx, TxJournal};
use super::settle::Pending;
use super::{OnSendEvent, SendEvent, Wallet};
use crate::contracts::call::Call;
use crate::error::ChainError;
use crate::send::{Sight, TxPlan};

/// Most nonces that are filled for one transaction.
const MOST_FILLED: u64 = 16;
const KIND: &str = "fill_nonce";

impl<J: TxJournal> Wallet<J> {
    /// Fills the nonces before a transaction that waits for them, once they have been missing for a
    /// while at every endpoint's own word.
    pub(super) async fn heal(
        &self,
        pending: &mut Pending,
        sight: &Sight,
        events: OnSendEvent<'_>,
    ) -> Result<(), ChainError> {
        let (next, nonce) = (sight.next_nonce, pending.newest().nonce);
        let missing = nonce.saturating_sub(next);
        if missing == 0 || !pending.is_gap_old(sight.now, self.options.gap_after_ms) {
            return Ok(());
        }
        // Somebody else's transaction may be on its way there.
        if self.chain.next_nonce(self.address(), None).await? > next {
            return Ok(());
        }
        for nonce in (next..nonce).take(usize::try_from(MOST_FILLED).unwrap_or(usize::MAX)) {
            let filler = self.filler(nonce).await?;
            self.journal.record(&filler)?;
            pending.fillers.push(filler.clone());
            events(SendEvent::Filled { nonce });
            if let Err(error) = self.chain.broadcast(&filler.raw).await {
                tracing::debug!(%error, nonce, "filling a nonce");
            }
        }
        Ok(())
    }

    /// A transfer of nothing to the sender itself.
    async fn filler(&self, nonce: u64) -> Result<JournaledTx, ChainError> {
        let call = Call::TransferEth {
            to: self.address(),
            wei: Wei(0),
        };
        let (gas_limit, fees) = self.dry_run(&call).await?;
        let plan = TxPlan {
            nonce,
            call,
            gas_limit,
            fees,
        };
        Ok(JournaledTx {
            kind: KIND.to_owned(),
            adds: false,
            ..self.signed(&plan)
        })
    }
}
