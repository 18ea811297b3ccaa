use std::sync::Arc;

use kms_protocol::B256;
use proptest::prelude::*;

use super::super::tests::{miner, paid, snapshot};
use super::*;

/// A step of a history; policies are named by a byte.
#[derive(Debug, Clone)]
enum Move {
    Put(u8, PolicyView),
    /// A reorg removes a policy.
    Remove(u8),
    Extend(u8, u32),
    Revoke(u8, u32),
    Collect(u8, u32),
    RuleOut(u8),
    Period(u32),
    /// A reorg takes the policies back to where they were some steps before.
    Back(usize),
}

fn policy() -> impl Strategy<Value = PolicyView> {
    (1..20_u32, 0..20_u32, 0..20_u32, 0..4_u128).prop_map(|(first, more, collected, rate)| {
        PolicyView {
            rate: Amount(rate),
            ..paid(first, first + more, collected)
        }
    })
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        (0..8_u8, policy()).prop_map(|(id, policy)| Move::Put(id, policy)),
        (0..8_u8, policy()).prop_map(|(id, policy)| Move::Put(id, policy)),
        (0..8_u8).prop_map(Move::Remove),
        (0..8_u8, 1..40_u32).prop_map(|(id, last)| Move::Extend(id, last)),
        (0..8_u8, 1..40_u32).prop_map(|(id, last)| Move::Revoke(id, last)),
        (0..8_u8, 1..40_u32).prop_map(|(id, through)| Move::Collect(id, through)),
        (0..8_u8).prop_map(Move::RuleOut),
        (1..40_u32).prop_map(Move::Period),
        (1..6_usize).prop_map(Move::Back),
    ];
    prop::collection::vec(one, 1..60)
}

fn id(byte: u8) -> PolicyId {
    PolicyId(B256([byte; 32]))
}

fn change(policies: &mut Policies, of: u8, with: impl FnOnce(&mut PolicyView)) {
    if let Some(mut policy) = policies
        .get(&id(of))
        .map(|policy| PolicyView::clone(policy))
    {
        with(&mut policy);
        policies.insert(id(of), Arc::new(policy));
    }
}

fn apply(policies: &mut Policies, step: &Move) {
    match step {
        Move::Put(of, policy) => {
            policies.insert(id(*of), Arc::new(policy.clone()));
        }
        Move::Remove(of) => {
            policies.remove(&id(*of));
        }
        Move::Extend(of, last) => change(policies, *of, |policy| {
            policy.extensions.push((1, Period(*last)));
        }),
        Move::Revoke(of, last) => change(policies, *of, |policy| {
            policy.revocation = Some((1, Period(*last)));
        }),
        Move::Collect(of, through) => change(policies, *of, |policy| {
            policy.collected_through = Period(*through);
        }),
        Move::RuleOut(_) | Move::Period(_) | Move::Back(_) => {}
    }
}

proptest! {
    /// Whatever has happened, and however much of it between two looks, what was followed equals
    /// what is computed from nothing.
    #[test]
    fn what_is_followed_equals_what_is_computed_anew(
        script in moves(),
        every in 1..6_u32,
        look in prop::collection::vec(any::<bool>(), 60),
    ) {
        let mut world = snapshot(10, miner());
        let mut followed = Dues::default();
        followed.follow(&world, every);
        let mut past = vec![world.policies.clone()];
        for (step, look) in script.iter().zip(look) {
            apply(&mut world.policies, step);
            match step {
                Move::Period(period) => world.period = Period(*period),
                Move::RuleOut(of) => followed.rule_out([id(*of)]),
                Move::Back(count) => {
                    past.truncate(past.len().saturating_sub(*count).max(1));
                    world.policies = past.last().unwrap().clone();
                }
                _ => {}
            }
            past.push(world.policies.clone());
            if !look {
                continue;
            }
            followed.follow(&world, every);
            let mut anew = Dues::default();
            anew.follow(&world, every);
            anew.rule_out(followed.nothing.clone());
            for dues in [&mut followed, &mut anew] {
                dues.owed.retain(|_, owed| !owed.is_empty());
            }
            prop_assert_eq!(&followed.owed, &anew.owed);
        }
    }
}

#[test]
fn what_was_ruled_out_owes_again_in_the_next_period() {
    let thrift = Thrift {
        fee_per_kms: kms_protocol::Wei::ETH,
        gas_price: kms_protocol::Wei(1),
    };
    let mut world = snapshot(10, miner());
    world.policies.insert(id(1), Arc::new(paid(5, 20, 0)));
    let mut dues = Dues::default();
    dues.follow(&world, 1);
    assert_eq!(dues.largest(&thrift).len(), 1);
    dues.rule_out([id(1)]);
    dues.follow(&world, 1);
    assert_eq!(dues.largest(&thrift).len(), 0);
    // A change of the policy alone brings it back no earlier.
    change(&mut world.policies, 1, |policy| {
        policy.rate = Amount(2 * Amount::KMS.0)
    });
    dues.follow(&world, 1);
    assert_eq!(dues.largest(&thrift).len(), 0);
    world.period = Period(11);
    dues.follow(&world, 1);
    assert_eq!(dues.largest(&thrift).len(), 1);
}
