//! When the access of each policy ends, in order of time: what is over is taken from the front, and
//! what goes on is never looked at.

use std::collections::BTreeSet;

use imbl::ordmap::DiffItem;
use kms_protocol::{Period, PolicyId};

use crate::view::snapshot::{Policies, PolicyView, Snapshot};

/// The ends of the policies of a snapshot, but those that were taken.
#[derive(Default)]
pub(crate) struct Ends {
    /// The policies whose ends are listed or were taken.
    seen: Policies,
    /// Policies by the last paid period, without regard to a revocation. One that a reorg removed
    /// is listed by its terms.
    last: BTreeSet<(Period, PolicyId)>,
    /// Revoked policies by the block that shows it.
    revoked: BTreeSet<(u64, PolicyId)>,
}

impl Ends {
    /// Follows to the policies of a snapshot: lists what has changed since the last one.
    pub(crate) fn follow(&mut self, policies: &Policies) {
        let before = std::mem::replace(&mut self.seen, policies.clone());
        for change in before.diff(policies) {
            match change {
                DiffItem::Add(id, policy) => self.enter(*id, policy),
                DiffItem::Update { old, new } => {
                    self.leave(*old.0, old.1);
                    self.enter(*new.0, new.1);
                }
                DiffItem::Remove(id, policy) => {
                    self.leave(*id, policy);
                    self.last.insert((policy.last_period, *id));
                }
            }
        }
    }

    /// Takes the policies whose end or revocation is confirmed.
    pub(crate) fn take(&mut self, snapshot: &Snapshot) -> BTreeSet<PolicyId> {
        let mut over = BTreeSet::new();
        while let Some((_, id)) = pop_if(&mut self.last, |last| snapshot.confirmed_period > last) {
            over.insert(id);
        }
        while let Some((_, id)) = pop_if(&mut self.revoked, |at| snapshot.is_confirmed(at)) {
            over.insert(id);
        }
        over
    }

    /// Lists a policy again whose end was taken and is not confirmed any more, or one that is not
    /// in the index, whose terms end with `last`.
    pub(crate) fn put_back(&mut self, id: PolicyId, last: Period) {
        match self.seen.get(&id).cloned() {
            Some(policy) => self.enter(id, &policy),
            None => {
                self.last.insert((last, id));
            }
        }
    }

    fn enter(&mut self, id: PolicyId, policy: &PolicyView) {
        self.last.remove(&(policy.last_period, id));
        self.last.insert((policy.last_as_of(u64::MAX), id));
        if let Some((block, _)) = policy.revocation {
            self.revoked.insert((block, id));
        }
    }

    fn leave(&mut self, id: PolicyId, policy: &PolicyView) {
        self.last.remove(&(policy.last_as_of(u64::MAX), id));
        if let Some((block, _)) = policy.revocation {
            self.revoked.remove(&(block, id));
        }
    }
}

/// Takes the first entry if its key is one of those `is_over` names.
fn pop_if<K: Ord + Copy>(
    entries: &mut BTreeSet<(K, PolicyId)>,
    is_over: impl Fn(K) -> bool,
) -> Option<(K, PolicyId)> {
    let (key, _) = entries.first()?;
    is_over(*key).then(|| entries.pop_first())?
}

#[cfg(test)]
mod tests;
