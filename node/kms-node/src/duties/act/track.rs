//! What became of signed transactions: mined, confirmed, taken back by a reorg, lost, or displaced
//! by a transaction this node did not make. Only the last ends an attempt without its effect.

use kms_chain::TxReceipt;

use super::{Result, Sender};
use crate::chain::NodeChain;
use crate::duties::decide::Duty;
use crate::store::intent::{Attempt, Intent, IntentState, Mined};
use crate::view::snapshot::Snapshot;

/// Blocks without a receipt after which the same bytes are sent again.
const REBROADCAST_BLOCKS: u64 = 3;

impl<C: NodeChain> Sender<C> {
    /// Looks at every attempt that is not final, lowest nonce first.
    pub(super) async fn track(&mut self, snapshot: &Snapshot) -> Result<()> {
        let store = self.node.store.clone();
        let worker = self.wishes.worker;
        let attempts_before = store.last_nonce(worker).await?;
        let Some(last_nonce) = attempts_before else {
            return Ok(());
        };
        let mined_nonce = self.chain.mined_nonce(worker).await?;
        if mined_nonce <= last_nonce {
            // A reorg took final transactions off the chain: their bytes go out again.
            store.reopen_from(worker, mined_nonce).await?;
        }
        let intents = store.open_intents().await?;
        for attempt in store.open_attempts().await? {
            let Some(intent) = intents.iter().find(|intent| intent.id == attempt.intent_id) else {
                continue;
            };
            match self.chain.receipt(attempt.hash).await? {
                Some(receipt) => self.mined(snapshot, (&attempt, intent), &receipt).await?,
                None => {
                    self.missing(snapshot, (&attempt, intent), mined_nonce)
                        .await?
                }
            }
        }
        Ok(())
    }

    async fn mined(
        &mut self,
        snapshot: &Snapshot,
        (attempt, intent): (&Attempt, &Intent),
        receipt: &TxReceipt,
    ) -> Result<()> {
        let mined = Mined {
            block_number: receipt.block_number,
            block_hash: receipt.block_hash,
            succeeded: receipt.succeeded,
        };
        if attempt.mined != Some(mined) {
            self.node.store.set_mined(attempt, Some(mined)).await?;
        }
        self.lost_since.remove(&attempt.id);
        if !snapshot.is_confirmed(receipt.block_number) {
            return Ok(());
        }
        let (state, detail) = match receipt.succeeded {
            true => (IntentState::Done, "confirmed"),
            false => (IntentState::Reverted, "mined and reverted"),
        };
        if !receipt.succeeded {
            let duty: Option<Duty> = serde_json::from_str(&intent.payload).ok();
            let lane = duty.map_or_else(|| intent.kind.clone(), |duty| duty.lane());
            self.back_off(lane, snapshot.period, detail);
        }
        tracing::info!(nonce = attempt.nonce, hash = %attempt.hash, detail, "transaction final");
        self.sent_here.remove(&attempt.id);
        self.close(attempt.intent_id, state, detail).await
    }

    async fn missing(
        &mut self,
        snapshot: &Snapshot,
        (attempt, intent): (&Attempt, &Intent),
        mined_nonce: u64,
    ) -> Result<()> {
        let head = snapshot.head.number;
        if attempt.mined.is_some() {
            self.node.store.set_mined(attempt, None).await?;
        }
        if mined_nonce > attempt.nonce {
            // Used by other bytes, or the endpoint's receipts lag: believed after N more blocks.
            let since = *self.lost_since.entry(attempt.id).or_insert(head);
            if head > since.saturating_add(snapshot.confirmations) {
                tracing::warn!(nonce = attempt.nonce, "nonce used by a foreign transaction");
                let detail = "its nonce was used by a transaction this node did not make";
                self.lost_since.remove(&attempt.id);
                return self
                    .close(attempt.intent_id, IntentState::Abandoned, detail)
                    .await;
            }
            return Ok(());
        }
        self.lost_since.remove(&attempt.id);
        let due = attempt
            .sent_block
            .is_none_or(|sent| head >= sent + REBROADCAST_BLOCKS);
        if due || !self.sent_here.contains(&attempt.id) {
            self.broadcast(attempt, super::known_kind(&intent.kind), head)
                .await?;
        }
        Ok(())
    }
}
