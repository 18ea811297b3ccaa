//! Settles a journaled transaction: looks at the chain, does what the engine decides, and clears
//! the journal when the outcome is final; a success is kept until its result is acknowledged.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::journal::{JournaledTx, TxJournal};
use super::{OnSendEvent, Resumed, SendEvent, Wallet};
use crate::error::ChainError;
use crate::send::{Attempt, Decision, Included, Outcome, Pursuit, Rules, Sight, reprice};
use crate::types::wire::{BigQuantity, HexBytes};
use crate::types::{Fees, Tag, TxReceipt};

/// A transaction that is not settled, in all its attempts.
pub(super) struct Pending {
    newest: JournaledTx,
    earlier: Vec<JournaledTx>,
    pursuit: Pursuit,
    started: Instant,
    /// The endpoints' last refusal of the newest attempt.
    refusal: Option<ChainError>,
    /// Whether an endpoint may have taken it from this process.
    may_be_taken: bool,
    /// Since when nonces before it are missing.
    gap_since: Option<u64>,
    /// What was sent in their place.
    pub(super) fillers: Vec<JournaledTx>,
}

impl Pending {
    /// Takes the attempts of one nonce, the cheapest first.
    pub(super) fn new(mut attempts: Vec<JournaledTx>) -> Result<Self, ChainError> {
        let none = ChainError::Bug("a transaction has an attempt");
        let mut pursuit: Option<Pursuit> = None;
        for tx in &attempts {
            match &mut pursuit {
                Some(pursuit) => pursuit.add(attempt(tx), 0),
                None => pursuit = Some(Pursuit::new(tx.nonce, attempt(tx), 0)),
            }
        }
        let (Some(newest), Some(pursuit)) = (attempts.pop(), pursuit) else {
            return Err(none);
        };
        Ok(Self {
            newest,
            earlier: attempts,
            pursuit,
            started: Instant::now(),
            refusal: None,
            may_be_taken: false,
            gap_since: None,
            fillers: Vec::new(),
        })
    }

    /// Whether nonces before it have been missing for longer than this, and are not filled yet.
    pub(super) fn is_gap_old(&mut self, now: u64, after: u64) -> bool {
        let since = *self.gap_since.get_or_insert(now);
        self.fillers.is_empty() && now.saturating_sub(since) >= after
    }

    pub(super) fn newest(&self) -> &JournaledTx {
        &self.newest
    }

    /// The attempt that is mined, or the newest one if none is.
    fn settled_by(&self, outcome: &Outcome) -> JournaledTx {
        let mined = match outcome {
            Outcome::Confirmed(receipt) | Outcome::Reverted(receipt) => Some(receipt.tx_hash),
            Outcome::Displaced | Outcome::GivenUp(_) => None,
        };
        let mut attempts = self.earlier.iter();
        let found = attempts.find(|tx| Some(tx.hash) == mined);
        found.unwrap_or(&self.newest).clone()
    }

    fn push(&mut self, tx: JournaledTx, now: u64) {
        self.pursuit.add(attempt(&tx), now);
        self.earlier.push(std::mem::replace(&mut self.newest, tx));
    }

    /// Moment for the engine, in milliseconds.
    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn attempt(tx: &JournaledTx) -> Attempt {
    Attempt {
        hash: tx.hash,
        fees: tx.fees(),
    }
}

impl<J: TxJournal> Wallet<J> {
    /// Waits until the transaction is settled, and returns how it ended.
    ///
    /// # Errors
    /// `NotMined` when it is not settled in time, and those of the journal.
    pub(super) async fn settle(
        &self,
        mut pending: Pending,
        events: OnSendEvent<'_>,
    ) -> Result<Resumed, ChainError> {
        let outcome = self.wait(&mut pending, events).await?;
        let tx = pending.settled_by(&outcome);
        if let Outcome::Confirmed(receipt) = &outcome {
            // First, so that a kill in between settles it once more and loses nothing.
            self.keep(&tx, *receipt)?;
        }
        let attempts = pending.earlier.iter().chain([&pending.newest]);
        // What is mined in order is mined, or displaced, before it.
        for tx in attempts.chain(&pending.fillers) {
            self.journal.clear(tx)?;
        }
        let outcome = match outcome {
            Outcome::Confirmed(receipt) => {
                events(mined(&receipt));
                Ok(receipt)
            }
            Outcome::Reverted(receipt) => {
                events(mined(&receipt));
                Err(self.cause(&tx, &receipt).await)
            }
            Outcome::Displaced => Err(ChainError::ForeignNonce {
                sender: self.address(),
                nonce: pending.newest.nonce,
            }),
            Outcome::GivenUp(reason) => Err(pending.refusal.unwrap_or(ChainError::Rejected {
                reason,
                message: String::new(),
            })),
        };
        Ok(Resumed {
            tx,
            outcome,
            untaken: !pending.may_be_taken,
        })
    }

    async fn wait(
        &self,
        pending: &mut Pending,
        events: OnSendEvent<'_>,
    ) -> Result<Outcome, ChainError> {
        let rules = self.options.rules();
        let timeout = Duration::from_millis(self.options.timeout_ms);
        loop {
            match self.look(pending, &rules, events).await {
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => {}
                Err(error) if may_pass(&error) => {
                    tracing::debug!(%error, "while waiting for a transaction");
                }
                Err(error) => return Err(error),
            }
            let waited = pending.started.elapsed();
            let (hash, waited_s) = (pending.newest.hash, waited.as_secs());
            if waited >= timeout {
                return Err(ChainError::NotMined { hash, waited_s });
            }
            events(SendEvent::Waiting { hash, waited_s });
            tokio::time::sleep(Duration::from_millis(self.options.poll_ms)).await;
        }
    }

    /// Looks at the chain once and does what the engine decides; `Some` when it is settled.
    async fn look(
        &self,
        pending: &mut Pending,
        rules: &Rules,
        events: OnSendEvent<'_>,
    ) -> Result<Option<Outcome>, ChainError> {
        let sight = self.sight(pending, rules).await?;
        self.heal(pending, &sight, events).await?;
        if pending.pursuit.is_held_by_cap(&sight, rules) {
            tracing::warn!(cap = %rules.max_fee_cap, "the fee cap forbids a better price");
        }
        match pending.pursuit.decide(&sight, rules) {
            Decision::Wait => {}
            Decision::Offer => self.offer(pending, events).await?,
            Decision::Reprice(fees) => {
                self.reprice(pending, fees, events)?;
                self.offer(pending, events).await?;
            }
            Decision::Final(outcome) => return Ok(Some(outcome)),
        }
        Ok(None)
    }

    async fn sight(&self, pending: &Pending, rules: &Rules) -> Result<Sight, ChainError> {
        let next_nonce = self.chain.nonce(self.address(), Tag::Latest).await?;
        let mut sight = Sight {
            now: pending.now(),
            next_nonce,
            included: None,
            market: None,
        };
        let used = next_nonce > pending.pursuit.nonce();
        let mut unsure = None;
        for attempt in pending.pursuit.attempts() {
            match self.chain.receipt_of(attempt.hash, used).await {
                Ok(Some(_)) => {}
                Ok(None) => continue,
                Err(error) => {
                    // An older attempt may be the mined one.
                    unsure = unsure.or(Some(error));
                    continue;
                }
            }
            let head = self.chain.head().await?.number;
            // Read again, so that the receipt is not older than the head.
            let receipt = self.chain.receipt_of(attempt.hash, used).await?;
            sight.included = receipt.map(|receipt| Included { receipt, head });
            return Ok(sight);
        }
        if let Some(error) = unsure {
            return Err(error);
        }
        if pending.pursuit.is_price_due(&sight, rules) {
            sight.market = Some(self.chain.fees().await?);
        }
        Ok(sight)
    }

    /// Broadcasts the newest attempt, and notes the answer.
    async fn offer(
        &self,
        pending: &mut Pending,
        events: OnSendEvent<'_>,
    ) -> Result<(), ChainError> {
        let answer = match self.chain.broadcast(&pending.newest.raw).await {
            Ok(hash) => {
                pending.may_be_taken = true;
                events(SendEvent::Broadcast { hash });
                Ok(())
            }
            Err(error) => {
                let ChainError::Rejected { reason, message } = &error else {
                    pending.may_be_taken = true;
                    return Err(error);
                };
                let (reason, words) = (*reason, message.clone());
                let told = pending.refusal.replace(error);
                let told = told.is_some_and(|before| {
                    matches!(before, ChainError::Rejected { message, .. } if message == words)
                });
                if !told {
                    let hash = pending.newest.hash;
                    events(SendEvent::Refused { hash, words });
                }
                Err(reason)
            }
        };
        let now = pending.now();
        pending.pursuit.note_offer(answer, now);
        Ok(())
    }

    /// Signs and journals a dearer attempt.
    fn reprice(
        &self,
        pending: &mut Pending,
        fees: Fees,
        events: OnSendEvent<'_>,
    ) -> Result<(), ChainError> {
        let signed = reprice(&self.secret, &pending.newest.raw, fees)?;
        let dearer = JournaledTx {
            max_fee: fees.max_fee,
            tip: fees.tip,
            hash: signed.hash,
            raw: signed.raw,
            ..pending.newest.clone()
        };
        self.journal.record(&dearer)?;
        let hash = dearer.hash;
        events(SendEvent::Repriced { hash, fees });
        let now = pending.now();
        pending.push(dearer, now);
        Ok(())
    }

    /// Finds why a mined transaction failed by running it again.
    async fn cause(&self, tx: &JournaledTx, receipt: &TxReceipt) -> ChainError {
        let call = json!({
            "from": tx.sender,
            "to": tx.to,
            "data": HexBytes(tx.data.clone()),
            "value": BigQuantity(tx.value.0),
        });
        match self.chain.replay_wire(&call, receipt.block_number).await {
            Err(reverted @ ChainError::Reverted { .. }) => reverted,
            Ok(()) | Err(_) => ChainError::RevertedOnChain {
                hash: receipt.tx_hash,
            },
        }
    }
}

fn mined(receipt: &TxReceipt) -> SendEvent {
    SendEvent::Mined {
        hash: receipt.tx_hash,
        block_number: receipt.block_number,
    }
}

/// Whether waiting may help: the error is temporary.
fn may_pass(error: &ChainError) -> bool {
    matches!(
        error,
        ChainError::Unreachable { .. }
            | ChainError::Rpc { .. }
            | ChainError::BadReply { .. }
            | ChainError::ChainMoved
    )
}
