//! The state machine of one intent: an effect wanted on chain, pursued with signed attempts that
//! share a nonce, so that at most one of them is ever mined. Pure: no I/O, no clock. `wallet`
//! (files) and the node's sender (SQL) store and send what it decides.
//!
//! A moment is a number that grows: milliseconds for a wallet, the head's height for a node.

use kms_protocol::{B256, Wei};

use super::rejection::TxRejection;
use crate::types::{Fees, TxReceipt};

/// The sender's limits on time and fees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Most that an attempt ever offers per gas, in wei.
    pub max_fee_cap: Wei,
    /// Moments after which an attempt that is not mined is repriced.
    pub reprice_after: u64,
    /// Moments after which the same bytes are sent again.
    pub offer_every: u64,
    /// Moments after which a nonce that is used without a receipt counts as used by another sender:
    /// an endpoint may show receipts later than nonces.
    pub displaced_after: u64,
    /// Blocks that must follow the block of an attempt before its outcome is final.
    pub confirmations: u64,
    /// Whether an intent ends when its only attempt was refused for a lasting reason.
    pub gives_up: bool,
}

impl Rules {
    /// Computes the fees of a first attempt: the market's, limited by the cap.
    ///
    /// # Errors
    /// The next block's base fee and the tip, per gas, when their sum is above the cap.
    pub fn first_fees(&self, market: Fees) -> Result<Fees, Wei> {
        // The market's maximum is twice the base fee plus the tip.
        let base = market.max_fee.saturating_sub(market.tip).0 / 2;
        let needed = Wei(base.saturating_add(market.tip.0));
        if needed > self.max_fee_cap {
            return Err(needed);
        }
        Ok(Fees {
            max_fee: market.max_fee.min(self.max_fee_cap),
            tip: market.tip,
        })
    }

    /// Computes fees that every pool accepts as a replacement of `old`: both fields at least 12.5 %
    /// higher (geth and EDR ask for 10 %) and at least the market's, as far as the cap allows.
    /// `None` when the cap does not allow the 12.5 %.
    #[must_use]
    pub fn raised_fees(&self, old: Fees, market: Fees) -> Option<Fees> {
        let least = |old: Wei| old.0.checked_add(old.0.div_ceil(8))?.checked_add(1);
        let (max_fee, tip) = (least(old.max_fee)?, least(old.tip)?);
        let cap = self.max_fee_cap.0;
        if max_fee.max(tip) > cap {
            return None;
        }
        let tip = tip.max(market.tip.0).min(cap);
        let max_fee = max_fee.max(market.max_fee.0).min(cap).max(tip);
        Some(Fees {
            max_fee: Wei(max_fee),
            tip: Wei(tip),
        })
    }
}

/// A signed transaction of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// keccak256 of the signed bytes.
    pub hash: B256,
    /// Fees per gas that it offers.
    pub fees: Fees,
}

/// The state of the chain at one moment. The nonce is read before the receipts, so that no receipt
/// is missing because its block came between the two reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Moment of the last read.
    pub now: u64,
    /// Nonce of the sender's next transaction after the newest block.
    pub next_nonce: u64,
    /// The attempt that is mined, if any is.
    pub included: Option<Included>,
    /// Fees of the market; asked for when [`Pursuit::is_price_due`] says so.
    pub market: Option<Fees>,
}

/// An attempt that stands in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Included {
    /// Receipt of the mined attempt.
    pub receipt: TxReceipt,
    /// Height of the newest block, as the caller sees the chain.
    pub head: u64,
}

/// The next action of the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Do nothing until the next look at the chain.
    Wait,
    /// Send the bytes of the newest attempt, as they are.
    Offer,
    /// Sign the same transaction at these fees, store it, and send it.
    Reprice(Fees),
    /// Stop: this is how the intent ended.
    Final(Outcome),
}

/// The final outcome of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// An attempt is mined and confirmed.
    Confirmed(TxReceipt),
    /// An attempt is mined and confirmed, and its call failed.
    Reverted(TxReceipt),
    /// The nonce was used by a transaction that is none of the attempts.
    Displaced,
    /// Every endpoint refused the only attempt for a lasting reason, and none ever accepted it.
    GivenUp(TxRejection),
}

/// An intent with at least one attempt, and what this process has seen of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pursuit {
    nonce: u64,
    newest: Attempt,
    earlier: Vec<Attempt>,
    priced_at: u64,
    offered_at: Option<u64>,
    taken: bool,
    refusal: Option<TxRejection>,
    nonce_used_since: Option<u64>,
}

impl Pursuit {
    /// Pursues an intent with its first attempt, signed or found in the store at `now`.
    #[must_use]
    pub fn new(nonce: u64, attempt: Attempt, now: u64) -> Self {
        Self {
            nonce,
            newest: attempt,
            earlier: Vec::new(),
            priced_at: now,
            offered_at: None,
            taken: false,
            refusal: None,
            nonce_used_since: None,
        }
    }

    /// Adds an attempt at the same nonce, dearer than those before.
    pub fn add(&mut self, attempt: Attempt, now: u64) {
        let before = std::mem::replace(&mut self.newest, attempt);
        self.earlier.push(before);
        self.priced_at = now;
        self.offered_at = None;
        self.refusal = None;
    }

    /// Notes how the endpoints answered the newest attempt: accepted by one, or refused by all.
    pub fn note_offer(&mut self, answer: Result<(), TxRejection>, now: u64) {
        self.offered_at = Some(now);
        self.taken |= answer.is_ok();
        self.refusal = answer.err();
    }

    /// The nonce of all attempts.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        self.nonce
    }

    /// The attempts, newest first: each may be the one that is mined.
    pub fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        std::iter::once(&self.newest).chain(self.earlier.iter().rev())
    }

    /// Whether a higher price is due: this is the sender's next transaction and waits for too long,
    /// or the endpoints ask for more. A later one waits for its predecessors, not for a price.
    #[must_use]
    pub fn is_price_due(&self, sight: &Sight, rules: &Rules) -> bool {
        let next = sight.next_nonce == self.nonce && sight.included.is_none();
        let waited = sight.now.saturating_sub(self.priced_at) >= rules.reprice_after;
        next && (waited || self.refusal.is_some_and(TxRejection::asks_for_more))
    }

    /// Whether a higher price is due and the cap forbids it.
    #[must_use]
    pub fn is_held_by_cap(&self, sight: &Sight, rules: &Rules) -> bool {
        let raised = |market| rules.raised_fees(self.newest.fees, market);
        self.is_price_due(sight, rules) && sight.market.is_some_and(|m| raised(m).is_none())
    }

    /// Decides the next action by what the chain shows. Deterministic in the history of calls.
    pub fn decide(&mut self, sight: &Sight, rules: &Rules) -> Decision {
        let ours = |mined: &Included| self.attempts().any(|a| a.hash == mined.receipt.tx_hash);
        if let Some(included) = sight.included.filter(ours) {
            self.nonce_used_since = None;
            return by_receipt(included, rules);
        }
        if sight.next_nonce > self.nonce {
            let since = *self.nonce_used_since.get_or_insert(sight.now);
            return match sight.now.saturating_sub(since) > rules.displaced_after {
                true => Decision::Final(Outcome::Displaced),
                false => Decision::Wait,
            };
        }
        self.nonce_used_since = None;
        if let Some(reason) = self.refused_for_good(rules) {
            return Decision::Final(Outcome::GivenUp(reason));
        }
        if let Some(fees) = self.better_price(sight, rules) {
            return Decision::Reprice(fees);
        }
        let due = |at: u64| sight.now.saturating_sub(at) >= rules.offer_every;
        match self.offered_at.is_none_or(due) {
            true => Decision::Offer,
            false => Decision::Wait,
        }
    }

    fn better_price(&self, sight: &Sight, rules: &Rules) -> Option<Fees> {
        let due = self.is_price_due(sight, rules);
        let market = sight.market.filter(|_| due)?;
        rules.raised_fees(self.newest.fees, market)
    }

    fn refused_for_good(&self, rules: &Rules) -> Option<TxRejection> {
        let alone = self.earlier.is_empty() && !self.taken;
        self.refusal
            .filter(|reason| rules.gives_up && alone && reason.is_for_good())
    }
}

fn by_receipt(included: Included, rules: &Rules) -> Decision {
    let Included { receipt, head } = included;
    let on_top = head.checked_sub(receipt.block_number);
    if on_top.is_none_or(|blocks| blocks < rules.confirmations) {
        return Decision::Wait;
    }
    Decision::Final(match receipt.succeeded {
        true => Outcome::Confirmed(receipt),
        false => Outcome::Reverted(receipt),
    })
}

#[cfg(test)]
mod tests;
