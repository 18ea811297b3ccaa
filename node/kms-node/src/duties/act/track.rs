//! Tracks signed transactions. `kms_chain`'s engine decides by what the chain shows; its decision
//! is stored and carried out here: the same bytes again, an attempt at the same nonce and higher
//! fees, or the end of the intent.

use kms_chain::{Decision, Included, Outcome, Pursuit, Rules, Sight};

use kms_protocol::B256;

use super::{Result, Sender};
use crate::chain::NodeChain;
use crate::duties::decide::Duty;
use crate::store::intent::{Attempt, Intent, IntentState, Mined};
use crate::view::snapshot::Snapshot;

/// Blocks without a receipt after which the same bytes are sent again.
const OFFER_BLOCKS: u64 = 3;
/// Blocks after which a used nonce without a receipt counts as used by another sender: endpoints
/// may show a receipt many seconds after the nonce.
const DISPLACED_BLOCKS: u64 = 32;
/// Blocks without a receipt after which an attempt at higher fees is signed.
const REPRICE_BLOCKS: u64 = 10;

/// Blocks after a reorganisation in which it is watched whether final transactions are lost.
const WATCH_BLOCKS: u64 = 32;

/// Whether the nonce is worth a question while no transaction is open: once for each head after a
/// start, a reorganisation or a gap, for a while.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Number of steps that the index had undone.
    undone: Option<u64>,
    until: u64,
    looked_at: Option<B256>,
}

impl Watch {
    fn is_due(&mut self, undone: u64, snapshot: &Snapshot) -> bool {
        let head = &snapshot.head;
        if self.undone.replace(undone) != Some(undone) {
            self.until = head.number.saturating_add(WATCH_BLOCKS);
        }
        head.number <= self.until && self.looked_at != Some(head.hash)
    }

    fn looked(&mut self, snapshot: &Snapshot) {
        self.looked_at = Some(snapshot.head.hash);
    }
}

impl<C: NodeChain> Sender<C> {
    /// The engine's rules; its unit of time is a block.
    pub(super) fn rules(&self) -> Rules {
        let config = &self.node.config;
        Rules {
            max_fee_cap: config.max_fee_per_gas,
            reprice_after: REPRICE_BLOCKS,
            offer_every: OFFER_BLOCKS,
            displaced_after: DISPLACED_BLOCKS.max(config.confirmations),
            confirmations: config.confirmations,
            // A duty stays due: its transaction is mined once the cause of the refusal is mended.
            gives_up: false,
        }
    }

    /// Asks the engine about every intent that is not final, lowest nonce first.
    pub(super) async fn track(&mut self, snapshot: &Snapshot) -> Result<()> {
        let store = self.node.store.clone();
        let worker = self.wishes.worker;
        let is_idle = store.open_attempts().await?.is_empty();
        let undone = (&self.node.metrics.reorgs, &self.node.metrics.gaps);
        let undone = undone.0.get().saturating_add(undone.1.get());
        if is_idle && !self.watch.is_due(undone, snapshot) {
            return Ok(());
        }
        let Some(last_nonce) = store.last_nonce(worker).await? else {
            return Ok(());
        };
        let next_nonce = self.chain.mined_nonce(worker).await?;
        self.watch.looked(snapshot);
        if next_nonce <= last_nonce {
            // If a reorg removed final transactions, their bytes are broadcast again.
            store.reopen_from(worker, next_nonce).await?;
        }
        let intents = store.open_intents().await?;
        self.pursuits
            .retain(|id, _| intents.iter().any(|intent| intent.id == *id));
        let mut first_error = None;
        for attempts in store
            .open_attempts()
            .await?
            .chunk_by(|a, b| a.intent_id == b.intent_id)
        {
            let owner = attempts.first().map(|attempt| attempt.intent_id);
            let Some(intent) = intents.iter().find(|one| Some(one.id) == owner) else {
                continue;
            };
            // What is not known of one transaction keeps no other one waiting.
            let followed = self.follow(snapshot, intent, attempts, next_nonce).await;
            first_error = first_error.or(followed.err());
        }
        first_error.map_or(Ok(()), Err)
    }

    /// Asks the engine about one intent, and does what it decides.
    async fn follow(
        &mut self,
        snapshot: &Snapshot,
        intent: &Intent,
        attempts: &[Attempt],
        next_nonce: u64,
    ) -> Result<()> {
        let Some(newest) = attempts.last() else {
            return Ok(());
        };
        let sight = self.sight(snapshot, attempts, next_nonce).await?;
        self.note_mined(attempts, &sight).await?;
        let rules = self.rules();
        let pursuit = self.pursuit(attempts, newest, sight.now);
        let decision = pursuit.decide(&sight, &rules);
        if pursuit.is_held_by_cap(&sight, &rules) {
            self.held_by_cap = Some(intent.kind.clone());
        }
        match decision {
            Decision::Wait => {}
            Decision::Offer => self.offer(newest, &intent.kind, sight.now).await?,
            Decision::Reprice(fees) => {
                let dearer = self.reprice(newest, fees, sight.now).await?;
                self.offer(&dearer, &intent.kind, sight.now).await?;
            }
            Decision::Final(outcome) => self.finish(snapshot, intent, outcome).await?,
        }
        Ok(())
    }

    /// The engine's state of an intent, rebuilt from the store after a start.
    pub(super) fn pursuit(
        &mut self,
        attempts: &[Attempt],
        newest: &Attempt,
        now: u64,
    ) -> &mut Pursuit {
        self.pursuits.entry(newest.intent_id).or_insert_with(|| {
            let mut all = attempts.iter();
            let first = all.next().unwrap_or(newest);
            let mut pursuit = Pursuit::new(first.nonce, first.for_engine(), now);
            all.for_each(|attempt| pursuit.add(attempt.for_engine(), now));
            pursuit
        })
    }

    async fn sight(
        &mut self,
        snapshot: &Snapshot,
        attempts: &[Attempt],
        next_nonce: u64,
    ) -> Result<Sight> {
        let head = snapshot.head.number;
        let mut sight = Sight {
            now: head,
            next_nonce,
            included: None,
            market: None,
        };
        let mut unsure = None;
        for attempt in attempts.iter().rev() {
            let used = next_nonce > attempt.nonce;
            match self.chain.receipt(attempt.hash, used).await {
                Ok(Some(receipt)) => {
                    sight.included = Some(Included { receipt, head });
                    return Ok(sight);
                }
                Ok(None) => {}
                // An older attempt may be the mined one.
                Err(error) => unsure = unsure.or(Some(error)),
            }
        }
        if let Some(error) = unsure {
            return Err(error.into());
        }
        let rules = self.rules();
        if let Some(newest) = attempts.last()
            && self
                .pursuit(attempts, newest, head)
                .is_price_due(&sight, &rules)
        {
            sight.market = Some(self.chain.fees().await?);
        }
        Ok(sight)
    }

    /// Stores which attempt is mined, or that a reorg removed the mined one.
    async fn note_mined(&mut self, attempts: &[Attempt], sight: &Sight) -> Result<()> {
        let receipt = sight.included.map(|included| included.receipt);
        for attempt in attempts {
            let mined = receipt
                .filter(|receipt| receipt.tx_hash == attempt.hash)
                .map(|receipt| Mined {
                    block_number: receipt.block_number,
                    block_hash: receipt.block_hash,
                    succeeded: receipt.succeeded,
                });
            if attempt.mined != mined {
                self.node.store.set_mined(attempt, mined).await?;
                // It may have been the claim.
                self.read_at = None;
            }
        }
        Ok(())
    }

    async fn finish(
        &mut self,
        snapshot: &Snapshot,
        intent: &Intent,
        outcome: Outcome,
    ) -> Result<()> {
        let (state, detail) = match outcome {
            Outcome::Confirmed(_) => (IntentState::Done, "confirmed"),
            Outcome::Reverted(_) => (IntentState::Reverted, "mined and reverted"),
            Outcome::Displaced => (
                IntentState::Abandoned,
                "its nonce was used by a transaction this node did not make",
            ),
            Outcome::GivenUp(_) => (IntentState::Abandoned, "refused for good"),
        };
        if state == IntentState::Reverted {
            let duty: Option<Duty> = serde_json::from_str(&intent.payload).ok();
            if let Some(Duty::ConfirmAndClaim { .. }) = duty {
                // The lease must not wait for the claim.
                self.ledger.claim_refused = snapshot.period;
            }
            let lane = duty.map_or_else(|| intent.kind.clone(), |duty| duty.lane());
            self.back_off(lane, snapshot.period, detail);
        }
        tracing::info!(duty = intent.kind, detail, "transaction final");
        self.pursuits.remove(&intent.id);
        self.close(intent.id, state, detail).await
    }
}
