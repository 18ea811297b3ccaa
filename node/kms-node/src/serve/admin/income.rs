//! What the fees of the policies come to, period by period: pure functions over a snapshot. Each
//! pays its miner for each period in which it is active, from the delivery of the kfrag on.

use std::collections::HashMap;

use kms_protocol::{Amount, Period, PolicyId};

use crate::view::snapshot::{MinerView, PolicyView, Snapshot};

/// The periods of deliveries, by policy.
pub(super) type Deliveries = HashMap<PolicyId, Period>;

/// First and last period for which a policy pays, should the miner be active; `None` without a
/// delivery. What was settled before was delivered, though the store may have lost the word.
fn paid(id: &PolicyId, policy: &PolicyView, deliveries: &Deliveries) -> Option<(Period, Period)> {
    let delivered = match deliveries.get(id) {
        Some(period) => *period,
        None if policy.collected_through.is_never() => return None,
        None => policy.first_period,
    };
    let (first, last) = (policy.first_period.max(delivered), policy.last_paid());
    (first <= last).then_some((first, last))
}

/// Number of periods in `first..=last` in which the miner is active.
fn active(miner: &MinerView, first: Period, last: Period) -> u64 {
    let count = |(from, through): &(Period, Period)| {
        let (from, through) = (first.max(*from), last.min(*through));
        (from <= through).then(|| from.count_through(through))
    };
    miner.runs.iter().filter_map(count).sum()
}

/// Fees of completed periods that a collection from this policy would pay.
pub(super) fn due(
    snapshot: &Snapshot,
    id: &PolicyId,
    policy: &PolicyView,
    deliveries: &Deliveries,
) -> Amount {
    let Some((first, last)) = paid(id, policy, deliveries) else {
        return Amount::ZERO;
    };
    let settled = Period(policy.collected_through.0.saturating_add(1));
    let last = last.min(snapshot.period.saturating_sub(1));
    let periods = active(&snapshot.miner, first.max(settled), last);
    Amount(policy.rate.0.saturating_mul(u128::from(periods)))
}

/// Sum of [`due`] over all policies.
pub(super) fn all_due(snapshot: &Snapshot, deliveries: &Deliveries) -> Amount {
    let dues = snapshot.policies.iter();
    let dues = dues.map(|(id, policy)| due(snapshot, id, policy, deliveries).0);
    Amount(dues.fold(0, u128::saturating_add))
}

/// Fees of each period in `first..=last`, in their order.
pub(super) fn by_period(
    snapshot: &Snapshot,
    deliveries: &Deliveries,
    first: Period,
    last: Period,
) -> Vec<Amount> {
    let count = usize::try_from(first.count_through(last)).unwrap_or(0);
    // What the sum of the rates rises by in each period, and falls by after it.
    let (mut rises, mut falls) = (vec![0_u128; count], vec![0_u128; count]);
    let place = |period: Period| usize::try_from(period.0.saturating_sub(first.0)).ok();
    for (id, policy) in snapshot.policies.iter() {
        let Some((from, through)) = paid(id, policy, deliveries) else {
            continue;
        };
        if from > last || through < first {
            continue;
        }
        for (sums, period) in [(&mut rises, from), (&mut falls, through)] {
            if let Some(sum) = place(period).and_then(|at| sums.get_mut(at)) {
                *sum = sum.saturating_add(policy.rate.0);
            }
        }
    }
    let mut rate = 0_u128;
    let periods = (first.0..=last.0).map(Period);
    periods
        .zip(rises.into_iter().zip(falls))
        .map(|(period, (rise, fall))| {
            rate = rate.saturating_add(rise);
            let fees = match active(&snapshot.miner, period, period) {
                0 => Amount::ZERO,
                _ => Amount(rate),
            };
            rate = rate.saturating_sub(fall);
            fees
        })
        .collect()
}
