use std::sync::Arc;

use kms_protocol::{Amount, B256};
use proptest::prelude::*;

use super::*;
use crate::view::snapshot::{Head, MinerView};

const CONFIRMATIONS: u64 = 2;

/// A step of a history; policies are named by a byte.
#[derive(Debug, Clone)]
enum Move {
    Create(u8, u32),
    /// A reorg removes a policy.
    Remove(u8),
    Extend(u8, u32),
    Revoke(u8),
    Block,
    Period(u32),
    /// A reorg takes everything back to where it was some steps before.
    Back(usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        (0..8_u8, 1..20_u32).prop_map(|(id, last)| Move::Create(id, last)),
        (0..8_u8, 1..20_u32).prop_map(|(id, last)| Move::Create(id, last)),
        (0..8_u8).prop_map(Move::Remove),
        (0..8_u8, 1..30_u32).prop_map(|(id, last)| Move::Extend(id, last)),
        (0..8_u8).prop_map(Move::Revoke),
        Just(Move::Block),
        Just(Move::Block),
        (1..30_u32).prop_map(Move::Period),
        (1..6_usize).prop_map(Move::Back),
    ];
    prop::collection::vec(one, 1..80)
}

fn id(byte: u8) -> PolicyId {
    PolicyId(B256([byte; 32]))
}

fn empty() -> Snapshot {
    Snapshot {
        head: Head {
            number: 10,
            hash: B256([1; 32]),
            timestamp: 0,
        },
        period: Period(1),
        confirmed_period: Period(1),
        confirmations: CONFIRMATIONS,
        settled: None,
        period_seconds: 10,
        period_start: 0,
        policies: Policies::new(),
        miner: Arc::new(MinerView::default()),
        challenges: Arc::default(),
    }
}

fn play(world: &mut Snapshot, step: &Move) {
    let head = world.head.number;
    match *step {
        Move::Create(of, last) => {
            let view = PolicyView {
                created_block: head,
                rate: Amount(1),
                first_period: Period(1),
                last_period: Period(last),
                extensions: Vec::new(),
                revocation: None,
                collected_through: Period::NEVER,
            };
            world.policies.insert(id(of), Arc::new(view));
        }
        Move::Remove(of) => {
            world.policies.remove(&id(of));
        }
        Move::Extend(of, last) => {
            if let Some(policy) = world.policies.get_mut(&id(of)) {
                Arc::make_mut(policy).extensions.push((head, Period(last)));
            }
        }
        Move::Revoke(of) => {
            if let Some(policy) = world.policies.get_mut(&id(of)) {
                Arc::make_mut(policy)
                    .revocation
                    .get_or_insert((head, Period(1)));
            }
        }
        Move::Block => world.head.number += 1,
        Move::Period(period) => world.confirmed_period = Period(period),
        Move::Back(_) => {}
    }
}

/// What a walk over all policies finds.
fn over(world: &Snapshot) -> BTreeSet<PolicyId> {
    let is_over = |policy: &PolicyView| {
        let revoked = policy.revocation.map(|(block, _)| block);
        revoked.is_some_and(|block| world.is_confirmed(block))
            || world.confirmed_period > policy.last_as_of(u64::MAX)
    };
    let all = world.policies.iter();
    all.filter(|(_, policy)| is_over(policy))
        .map(|(id, _)| *id)
        .collect()
}

proptest! {
    /// Whatever has happened, and however much of it between two looks, what was taken and is still
    /// over is what a walk over all policies finds.
    #[test]
    fn what_was_taken_is_what_is_over(
        script in moves(),
        look in prop::collection::vec(any::<bool>(), 80),
    ) {
        let mut world = empty();
        let (mut ends, mut taken) = (Ends::default(), BTreeSet::new());
        let mut past = vec![world.clone()];
        for (step, look) in script.iter().zip(look) {
            play(&mut world, step);
            if let Move::Back(count) = step {
                past.truncate(past.len().saturating_sub(*count).max(1));
                world = past.last().unwrap().clone();
            }
            past.push(world.clone());
            if !look {
                continue;
            }
            ends.follow(&world.policies);
            taken.append(&mut ends.take(&world));
            let expected = over(&world);
            let (kept, back): (BTreeSet<_>, BTreeSet<_>) =
                taken.iter().copied().partition(|id| expected.contains(id));
            for id in back {
                ends.put_back(id, Period(1));
            }
            taken = kept;
            prop_assert_eq!(&taken, &expected);
        }
    }
}

#[test]
fn a_policy_that_a_reorg_removed_is_over_with_its_terms() {
    let mut world = empty();
    play(&mut world, &Move::Create(1, 5));
    play(&mut world, &Move::Extend(1, 20));
    let mut ends = Ends::default();
    ends.follow(&world.policies);
    play(&mut world, &Move::Remove(1));
    ends.follow(&world.policies);
    world.confirmed_period = Period(5);
    assert!(ends.take(&world).is_empty());
    world.confirmed_period = Period(6);
    assert_eq!(ends.take(&world), BTreeSet::from([id(1)]));
    assert!(ends.take(&world).is_empty());
}
