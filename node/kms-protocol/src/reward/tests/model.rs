//! A model of the rewards from the definition, in unbounded integers: every index kept, every
//! segment listed, nothing incremental. The ledger must agree with it to the last unit.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigUint;
use proptest::prelude::*;

use super::{active, miner};
use crate::amount::Amount;
use crate::period::Period;
use crate::reward::{ActiveMiner, RewardLedger};

/// What one miner does in one period.
#[derive(Debug, Clone, Copy)]
struct Act {
    /// Locked and weight of the miner in this period; None while it is not active.
    lease: Option<(u128, u128)>,
    /// In this period it confirms at another price for the next one.
    reprices: bool,
    /// In this period it claims.
    claims: bool,
}

/// Reserve, decay and threshold of the warm-up.
#[derive(Debug, Clone, Copy)]
struct Schedule {
    reserve: u128,
    decay: u64,
    warm_up: u128,
}

/// rows[p][i]: miner i + 1 in period p + 1.
type History = Vec<Vec<Act>>;

/// A_0, A_1, ... and the reserve after each period.
fn indexes(history: &History, schedule: Schedule) -> Vec<(BigUint, BigUint)> {
    let Schedule {
        reserve,
        decay,
        warm_up,
    } = schedule;
    let one = BigUint::from(1_u8);
    let mut states = vec![(BigUint::ZERO, BigUint::from(reserve))];
    for rows in history {
        let leases = || rows.iter().filter_map(|act| act.lease);
        let locked: BigUint = leases().map(|(locked, _)| BigUint::from(locked)).sum();
        let weight: BigUint = leases().map(|(_, weight)| BigUint::from(weight)).sum();
        let (index, reserve) = states.last().unwrap().clone();
        if locked == BigUint::ZERO {
            states.push((index, reserve));
            continue;
        }
        let emission = (&reserve * decay) >> 64;
        let step: BigUint = (emission << 96) / locked.max(BigUint::from(warm_up));
        let emitted = (weight * &step + ((&one << 96) - &one)) >> 96;
        states.push((index + step, reserve - emitted));
    }
    states
}

/// Periods after which a segment of miner `i` ends, from the definition.
fn cuts(history: &History, i: usize) -> BTreeSet<usize> {
    let mut cuts = BTreeSet::new();
    for (p, rows) in history.iter().enumerate() {
        let period = p + 1;
        if rows[i].claims || rows[i].reprices {
            cuts.insert(period - 1);
        }
        if rows[i].reprices {
            cuts.insert(period);
        }
    }
    cuts
}

/// Sum over segments of floor(v * (A_b - A_(a-1)) / 2^96).
fn reward(history: &History, i: usize, states: &[(BigUint, BigUint)]) -> BigUint {
    let cuts = cuts(history, i);
    let mut total = BigUint::ZERO;
    let mut first = None;
    for (p, rows) in history.iter().enumerate() {
        let period = p + 1;
        let Some((_, weight)) = rows[i].lease else {
            continue;
        };
        let start = *first.get_or_insert(period);
        let next = history.get(p + 1).and_then(|rows| rows[i].lease);
        let ends = next.is_none_or(|next| next.1 != weight) || cuts.contains(&period);
        if ends {
            let difference = &states[period].0 - &states[start - 1].0;
            total += (difference * weight) >> 96;
            first = None;
        }
    }
    total
}

fn ledger(schedule: Schedule) -> RewardLedger {
    let (reserve, warm_up) = (Amount(schedule.reserve), Amount(schedule.warm_up));
    RewardLedger::new(reserve, schedule.decay, warm_up)
}

/// Thresholds of the size of what is locked, and none.
fn any_schedule() -> impl Strategy<Value = Schedule> {
    let warm_up = prop_oneof![
        Just(0),
        1_u128..1 << 96,
        (0_u32..96).prop_map(|bits| 1 << bits)
    ];
    let all = (1_u128..1 << 96, 1_u64..=1 << 63, warm_up);
    all.prop_map(|(reserve, decay, warm_up)| Schedule {
        reserve,
        decay,
        warm_up,
    })
}

/// Runs the ledger; returns it with what each miner claimed.
fn replay(history: &History, schedule: Schedule) -> (RewardLedger, BTreeMap<usize, u128>) {
    let mut ledger = ledger(schedule);
    let mut claimed = BTreeMap::new();
    for (p, rows) in history.iter().enumerate() {
        let period = Period(u32::try_from(p + 1).unwrap());
        for (i, act) in rows.iter().enumerate() {
            let account = miner(u8::try_from(i + 1).unwrap());
            if act.reprices {
                ledger.reprice(&account, period).unwrap();
            }
            if act.claims {
                let due = ledger.reward_of(&account).unwrap();
                assert_eq!(ledger.claim(&account), Ok(due));
                *claimed.entry(i).or_default() += due.0;
            }
        }
        ledger.step(period, &rows_of(rows)).unwrap();
    }
    (ledger, claimed)
}

fn rows_of(rows: &[Act]) -> Vec<ActiveMiner> {
    let numbered = (1_u8..).zip(rows);
    let leased = numbered.filter_map(|(byte, act)| act.lease.map(|lease| (byte, lease)));
    leased
        .map(|(byte, (locked, weight))| active(byte, weight, locked))
        .collect()
}

/// Leases that last, change price by a confirmation in the period before, lapse and come back.
/// A change of price of a lease that goes on is always announced by `reprices`, as on chain.
fn any_history() -> impl Strategy<Value = History> {
    let choice = (0_u8..10, 0_u8..3, 1_u128..1 << 90, any::<u128>(), 0_u32..90);
    let row = proptest::collection::vec(choice, 3);
    proptest::collection::vec(row, 1..24).prop_map(|choices| {
        let mut history: History = Vec::new();
        for row in &choices {
            let acts = row
                .iter()
                .enumerate()
                .map(|(i, (what, claim, locked, weight, shift))| {
                    let before = history.last().and_then(|rows| rows[i].lease);
                    let locked = (locked >> shift).max(1);
                    let fresh = (locked, weight % (locked + 1));
                    let lease = match (what, before) {
                        (0 | 1, _) => None,
                        (2, _) => Some(fresh),
                        (_, Some(lease)) => Some(lease),
                        (_, None) => Some(fresh),
                    };
                    Act {
                        lease,
                        reprices: *what == 9,
                        claims: *claim == 0,
                    }
                });
            let acts: Vec<Act> = acts.collect();
            announce(&mut history, &acts);
            history.push(acts);
        }
        history
    })
}

/// Marks the confirmation, in the period before `acts`, of every lease whose price changes.
fn announce(history: &mut History, acts: &[Act]) {
    if let Some(previous) = history.last_mut() {
        for (before, after) in previous.iter_mut().zip(acts) {
            if before.lease.is_some() && after.lease.is_some() && before.lease != after.lease {
                before.reprices = true;
            }
        }
    }
}

proptest! {
    #[test]
    fn the_ledger_agrees_with_the_definition_to_the_last_unit(
        history in any_history(),
        schedule in any_schedule(),
    ) {
        let states = indexes(&history, schedule);
        let (ledger, claimed) = replay(&history, schedule);
        let (_, expected_reserve) = states.last().unwrap();
        prop_assert_eq!(BigUint::from(ledger.reserve().0), expected_reserve.clone());

        let mut paid = 0;
        let mut open = 0;
        for i in 0..3 {
            let account = miner(u8::try_from(i + 1).unwrap());
            let due = ledger.reward_of(&account).unwrap().0;
            let before = claimed.get(&i).copied().unwrap_or_default();
            let expected = reward(&history, i, &states);
            prop_assert_eq!(BigUint::from(due + before), expected, "miner {}", i);
            paid += before;
            open += due;
        }
        // Nothing is created or lost, and the pool covers every claim.
        prop_assert_eq!(ledger.reserve().0 + ledger.pool().0 + paid, schedule.reserve);
        prop_assert!(open <= ledger.pool().0);
    }

    #[test]
    fn the_order_of_rows_and_of_claims_does_not_matter(
        history in any_history(),
        schedule in any_schedule(),
    ) {
        let mut forward = ledger(schedule);
        let mut backward = forward.clone();
        for (p, rows) in history.iter().enumerate() {
            let period = Period(u32::try_from(p + 1).unwrap());
            let mut rows = rows_of(rows);
            forward.step(period, &rows).unwrap();
            rows.reverse();
            backward.step(period, &rows).unwrap();
        }
        let mut claims: Vec<_> = (1..=3).map(|byte| forward.claim(&miner(byte))).collect();
        claims.reverse();
        let others: Vec<_> = (1..=3).rev().map(|byte| backward.claim(&miner(byte))).collect();
        prop_assert_eq!(claims, others);
        prop_assert_eq!(forward.pool(), backward.pool());
    }
}
