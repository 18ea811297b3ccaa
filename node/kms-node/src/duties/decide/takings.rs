//! What is due to the miner and worth its transaction. The rule: a claim or a collection may cost
//! at most `fee_per_kms` for each KMS it brings in. Both are batched: they go out after their
//! interval, or at once when the stake leaves or a policy has ended. What does not pay for its own
//! gas never makes a node send.

use std::cmp::Reverse;

use kms_protocol::{Amount, Period, PolicyId, Wei};

use super::{Ledger, Wishes};
use crate::view::snapshot::{MinerView, Snapshot};

/// Limit of policies collected in one transaction.
pub(crate) const COLLECT_BATCH: usize = 16;

/// Gas of a claim, of a collection without its policies, and of each policy in it, as
/// `kms-scripts gas` measures them.
const CLAIM_GAS: u64 = 58_000;
const COLLECT_GAS: u64 = 42_000;
const COLLECT_EACH_GAS: u64 = 17_000;
/// What the proof of delivery adds to the first collection from a policy.
const PROOF_GAS: u64 = 6_500;

/// When an income is worth its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Thrift {
    /// Most that a transaction may cost, per KMS that it brings in.
    pub(crate) fee_per_kms: Wei,
    /// What a unit of gas costs now, at most.
    pub(crate) gas_price: Wei,
}

impl Thrift {
    /// Whether `income` pays for `gas`. Nothing pays for nothing.
    fn pays(&self, income: Amount, gas: u64) -> bool {
        let (whole, part) = (income.0 / Amount::KMS.0, income.0 % Amount::KMS.0);
        // The part is below 10^18, so its product only overflows for fees of 10^20 wei per KMS.
        let worth = whole
            .saturating_mul(self.fee_per_kms.0)
            .saturating_add(part.saturating_mul(self.fee_per_kms.0) / Amount::KMS.0);
        !income.is_zero() && worth >= self.gas_price.0.saturating_mul(u128::from(gas))
    }

    /// Whether a claim of `income` is worth its transaction.
    fn pays_claim(&self, income: Amount) -> bool {
        self.pays(income, CLAIM_GAS)
    }

    /// Whether a policy's due pays for its own part of a collection.
    pub(super) fn pays_part<T>(&self, due: &Due<T>) -> bool {
        self.pays(due.amount, due.gas())
    }

    /// Keeps the policies that pay for their own part of a collection; none of them if together
    /// they do not pay for the transaction.
    pub(crate) fn worth_collecting<T>(&self, dues: Vec<Due<T>>) -> Vec<Due<T>> {
        let mut kept = dues;
        kept.retain(|due| self.pays_part(due));
        let total = kept
            .iter()
            .fold(0_u128, |sum, due| sum.saturating_add(due.amount.0));
        let gas = kept
            .iter()
            .fold(COLLECT_GAS, |sum, due| sum.saturating_add(due.gas()));
        if !self.pays(Amount(total), gas) {
            kept.clear();
        }
        kept
    }
}

/// What a policy owes, and whether its collection has to prove the delivery first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due<T> {
    pub(crate) amount: Amount,
    pub(crate) proves: bool,
    pub(crate) of: T,
}

impl<T> Due<T> {
    /// The gas of its own part of a collection.
    const fn gas(&self) -> u64 {
        match self.proves {
            true => COLLECT_EACH_GAS + PROOF_GAS,
            false => COLLECT_EACH_GAS,
        }
    }
}

/// Whether the reward is to be claimed now: it is worth it, and its time has come.
pub(super) fn claim_is_due(snapshot: &Snapshot, wishes: &Wishes, ledger: &Ledger) -> bool {
    let now = snapshot.period;
    let time = is_time(now, ledger.last_claim, wishes.claim_every_periods);
    let thrift = ledger.thrift(wishes);
    (time || leaves(&snapshot.miner, now))
        && ledger.claim_refused != now
        && thrift.is_some_and(|thrift| thrift.pays_claim(ledger.claimable))
}

/// Whether the stake is gone, or free from the next period on.
fn leaves(miner: &MinerView, now: Period) -> bool {
    let unlock = miner.unlock_period;
    miner.locked.is_zero() || (!unlock.is_never() && now >= unlock.saturating_sub(1))
}

/// The policies to collect from now, the largest due first: once one of them has ended, or has
/// waited for the interval, those that are worth it go out together.
pub(super) fn collection(snapshot: &Snapshot, wishes: &Wishes, ledger: &Ledger) -> Vec<PolicyId> {
    let Some(thrift) = ledger.thrift(wishes) else {
        return Vec::new();
    };
    let mut largest = ledger.dues.largest(&thrift);
    let all_wait = largest.iter().all(|due| due.of.waits);
    if all_wait && !leaves(&snapshot.miner, snapshot.period) {
        return Vec::new();
    }
    largest.sort_unstable_by_key(|due| (Reverse(due.amount), due.of.policy));
    largest.truncate(COLLECT_BATCH);
    let worth = thrift.worth_collecting(largest);
    worth.into_iter().map(|due| due.of.policy).collect()
}

/// True if `last` is never or at least `every` periods ago.
fn is_time(now: Period, last: Period, every: u32) -> bool {
    last.is_never() || last.checked_add(every).is_some_and(|next| now >= next)
}

#[cfg(test)]
mod tests;
