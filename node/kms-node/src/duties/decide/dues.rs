//! What the policies owe, in order of amount. As of one period an amount is fixed: it is computed
//! when the period begins and when a policy changes, and never walked through in between.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use kms_protocol::{Amount, Period, PolicyId};

use super::takings::{COLLECT_BATCH, Due, Thrift};
use crate::view::snapshot::{Policies, PolicyView, Snapshot};

/// The dues of all policies as of one period.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dues {
    period: Period,
    every: u32,
    /// The policies of which `owed` tells.
    seen: Policies,
    /// Amounts above zero, by what their collection has to do with.
    owed: BTreeMap<Kind, BTreeSet<(Amount, Reverse<PolicyId>)>>,
    /// Policies of which the contract said in this period that nothing is due or worth it.
    nothing: HashSet<PolicyId>,
}

/// What decides about a collection beside its amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    /// Whether it has to prove the delivery first.
    proves: bool,
    /// Whether it can wait: the policy goes on, and its interval is not over.
    waits: bool,
}

/// A policy that owes, and whether its collection can wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owing {
    pub(super) policy: PolicyId,
    pub(super) waits: bool,
}

impl Dues {
    /// Follows to a snapshot: computes anew what has changed since the last one, or everything when
    /// the period has. `every` is the interval of collections, in periods.
    pub(crate) fn follow(&mut self, snapshot: &Snapshot, every: u32) {
        let before = std::mem::replace(&mut self.seen, snapshot.policies.clone());
        if (self.period, self.every) != (snapshot.period, every) {
            (self.period, self.every) = (snapshot.period, every);
            self.owed.clear();
            self.nothing.clear();
            for (id, policy) in &snapshot.policies {
                self.enter(*id, policy);
            }
            return;
        }
        for change in before.diff(&snapshot.policies) {
            match change {
                imbl::ordmap::DiffItem::Add(id, policy) => self.enter(*id, policy),
                imbl::ordmap::DiffItem::Remove(id, policy) => self.leave(*id, policy),
                imbl::ordmap::DiffItem::Update { old, new } => {
                    self.leave(*old.0, old.1);
                    self.enter(*new.0, new.1);
                }
            }
        }
    }

    /// Leaves policies out until the next period: the contract said that they owe nothing, or too
    /// little.
    pub(crate) fn rule_out(&mut self, ids: impl IntoIterator<Item = PolicyId>) {
        for id in ids {
            if let Some(policy) = self.seen.get(&id).cloned() {
                self.leave(id, &policy);
            }
            self.nothing.insert(id);
        }
    }

    /// The largest dues that pay for their own part of a collection, enough of each kind to fill
    /// one.
    pub(super) fn largest(&self, thrift: &Thrift) -> Vec<Due<Owing>> {
        let of_kind = |(kind, owed): (&Kind, &BTreeSet<(Amount, Reverse<PolicyId>)>)| {
            let Kind { proves, waits } = *kind;
            let dues = owed.iter().rev().map(move |(amount, Reverse(policy))| Due {
                amount: *amount,
                proves,
                of: Owing {
                    policy: *policy,
                    waits,
                },
            });
            let worth = dues.take_while(|due| thrift.pays_part(due));
            worth.take(COLLECT_BATCH).collect::<Vec<_>>()
        };
        self.owed.iter().flat_map(of_kind).collect()
    }

    fn enter(&mut self, id: PolicyId, policy: &PolicyView) {
        let (kind, amount) = self.due(policy);
        if !amount.is_zero() && !self.nothing.contains(&id) {
            let owed = self.owed.entry(kind).or_default();
            owed.insert((amount, Reverse(id)));
        }
    }

    fn leave(&mut self, id: PolicyId, policy: &PolicyView) {
        let (kind, amount) = self.due(policy);
        if let Some(owed) = self.owed.get_mut(&kind) {
            owed.remove(&(amount, Reverse(id)));
        }
    }

    fn due(&self, policy: &PolicyView) -> (Kind, Amount) {
        let periods = periods_due(policy, self.period);
        let kind = Kind {
            proves: policy.collected_through.is_never(),
            waits: periods < self.every && policy.last_paid() >= self.period,
        };
        let amount = policy.rate.0.saturating_mul(u128::from(periods));
        (kind, Amount(amount))
    }
}

/// Completed periods whose fees are not collected yet; less is due if the miner was idle in some,
/// or had its kfrag later.
fn periods_due(policy: &PolicyView, now: Period) -> u32 {
    let through = now.saturating_sub(1).min(policy.last_paid());
    let before = policy
        .collected_through
        .max(policy.first_period.saturating_sub(1));
    through.0.saturating_sub(before.0)
}

#[cfg(test)]
mod tests;
