use super::super::tests::{ledger, miner, paid, snapshot, wishes, with_policies};
use super::super::{Duty, decide};
use super::*;
use crate::view::snapshot::PolicyView;

/// A unit of gas costs this, and a KMS may cost the default in fees.
const GAS_PRICE: Wei = Wei(1_000_000_000);
const FEE_PER_KMS: Wei = Wei(10_000_000_000_000);
/// The least that pays for a claim then, and for the collection of one policy.
const CLAIM_WORTH: Amount = Amount(5_800_000_000_000_000_000);
const COLLECT_WORTH: Amount = Amount(6_550_000_000_000_000_000);
/// The least that pays for a collection without a proof of delivery.
const PROVED_WORTH: Amount = Amount(5_900_000_000_000_000_000);

/// The least that pays for a policy's own part of a collection, without a proof.
const COLLECT_EACH_GAS_WORTH: Amount = Amount(1_700_000_000_000_000_000);

fn thrifty(wishes: Wishes) -> Wishes {
    Wishes {
        fee_per_kms: FEE_PER_KMS,
        ..wishes
    }
}

fn priced(ledger: Ledger) -> Ledger {
    Ledger {
        gas_price: Some(GAS_PRICE),
        ..ledger
    }
}

/// What is decided in period 10 by a thrifty miner whose lease ends with it.
fn claimed(miner: MinerView, wishes: Wishes, ledger: Ledger) -> Vec<Duty> {
    decide(&snapshot(10, miner), &thrifty(wishes), &priced(ledger))
}

fn at_the_end() -> MinerView {
    MinerView {
        lease_through: Period(10),
        ..miner()
    }
}

fn waiting(claimable: Amount) -> Ledger {
    Ledger {
        claimable,
        ..ledger(7)
    }
}

const PLAIN: Duty = Duty::ConfirmActivity {
    through: Period(17),
};
const BOTH: Duty = Duty::ConfirmAndClaim {
    through: Period(17),
};

#[test]
fn a_reward_below_the_cost_of_its_claim_is_left() {
    for poor in [Amount::ZERO, Amount(1), Amount(CLAIM_WORTH.0 - 1)] {
        assert_eq!(claimed(at_the_end(), wishes(), waiting(poor)), [PLAIN]);
    }
    assert_eq!(
        claimed(at_the_end(), wishes(), waiting(CLAIM_WORTH)),
        [BOTH]
    );
}

#[test]
fn nothing_is_claimed_or_collected_while_the_price_of_gas_is_unknown() {
    let blind = Ledger {
        gas_price: None,
        ..waiting(Amount(u128::MAX))
    };
    let mut world = with_policies(&[paid(5, 9, 0)]);
    world.miner = at_the_end().into();
    assert_eq!(decide(&world, &thrifty(wishes()), &blind), [PLAIN]);
}

#[test]
fn a_claim_keeps_its_interval_and_waits_for_a_confirmation() {
    let every = |claim_every_periods| Wishes {
        claim_every_periods,
        ..wishes()
    };
    let since = |last| Ledger {
        last_claim: Period(last),
        ..waiting(CLAIM_WORTH)
    };
    assert_eq!(claimed(at_the_end(), every(5), since(6)), [PLAIN]);
    assert_eq!(claimed(at_the_end(), every(5), since(10)), [PLAIN]);
    assert_eq!(claimed(at_the_end(), every(5), since(5)), [BOTH]);
    assert_eq!(claimed(at_the_end(), every(5), since(0)), [BOTH]);
    let leased = MinerView {
        lease_through: Period(15),
        ..miner()
    };
    assert_eq!(claimed(leased, every(1), since(5)), []);
}

#[test]
fn a_lease_does_not_wait_for_a_claim_that_was_refused() {
    let refused = |period| Ledger {
        claim_refused: Period(period),
        ..waiting(CLAIM_WORTH)
    };
    assert_eq!(claimed(at_the_end(), wishes(), refused(10)), [PLAIN]);
    assert_eq!(claimed(at_the_end(), wishes(), refused(9)), [BOTH]);
}

#[test]
fn a_claim_goes_alone_when_no_confirmation_comes() {
    let suspended = MinerView {
        suspended_through: Period(12),
        ..at_the_end()
    };
    let gone = MinerView {
        locked: Amount::ZERO,
        ..at_the_end()
    };
    let leaving = MinerView {
        unlock_period: Period(11),
        ..at_the_end()
    };
    let rare = || Wishes {
        claim_every_periods: 28,
        ..wishes()
    };
    let recent = || Ledger {
        last_claim: Period(8),
        ..waiting(CLAIM_WORTH)
    };
    assert_eq!(claimed(suspended.clone(), rare(), recent()), []);
    assert_eq!(
        claimed(suspended, rare(), waiting(CLAIM_WORTH)),
        [Duty::Claim]
    );
    for last_chance in [gone, leaving] {
        assert_eq!(
            claimed(last_chance.clone(), rare(), recent()),
            [Duty::Claim]
        );
        let poor = Amount(CLAIM_WORTH.0 - 1);
        assert_eq!(claimed(last_chance, rare(), waiting(poor)), []);
    }
}

fn at_rate(rate: Amount, policy: PolicyView) -> PolicyView {
    PolicyView { rate, ..policy }
}

/// What is collected from, after the ledger has followed to the snapshot.
fn chosen(world: &Snapshot, wishes: &Wishes, mut ledger: Ledger) -> Vec<PolicyId> {
    ledger.dues.follow(world, wishes.collect_every_periods);
    collection(world, wishes, &ledger)
}

/// How many policies a thrifty miner collects from in period 10.
fn collected(policies: &[PolicyView], collect_every_periods: u32) -> usize {
    let wishes = Wishes {
        collect_every_periods,
        ..wishes()
    };
    let wishes = thrifty(wishes);
    chosen(&with_policies(policies), &wishes, priced(ledger(7))).len()
}

#[test]
fn fees_are_due_for_completed_periods_not_collected_yet() {
    let check = |first, last, collected_through, expected| {
        let policy = at_rate(COLLECT_WORTH, paid(first, last, collected_through));
        let seen = collected(&[policy], 1) == 1;
        assert_eq!(
            seen, expected,
            "{first}..={last}, collected {collected_through}"
        );
    };
    check(9, 20, 0, true);
    check(5, 20, 8, true);
    check(5, 7, 6, true);
    check(10, 20, 0, false);
    check(11, 20, 0, false);
    check(5, 20, 9, false);
    check(5, 7, 7, false);
}

/// The first collection from a policy costs a proof more.
#[test]
fn the_proof_of_delivery_is_paid_by_what_it_brings_in() {
    let first = |rate: Amount| collected(&[at_rate(rate, paid(9, 20, 0))], 1);
    let later = |rate: Amount| collected(&[at_rate(rate, paid(8, 20, 8))], 1);
    assert_eq!((first(COLLECT_WORTH), later(PROVED_WORTH)), (1, 1));
    assert_eq!(first(Amount(COLLECT_WORTH.0 - 1)), 0);
    assert_eq!(later(Amount(PROVED_WORTH.0 - 1)), 0);
}

#[test]
fn a_revoked_policy_owes_up_to_its_lowered_end() {
    let mut policy = at_rate(COLLECT_WORTH, paid(5, 20, 6));
    policy.revocation = Some((400, Period(6)));
    assert_eq!(collected(std::slice::from_ref(&policy), 1), 0);
    policy.revocation = Some((400, Period(7)));
    assert_eq!(collected(&[policy], 1), 1);
}

#[test]
fn policies_of_dust_never_make_a_miner_send() {
    let dust = |policy| at_rate(Amount(1), policy);
    let ended = vec![dust(paid(5, 9, 0)); 200];
    let running = vec![dust(paid(5, 1_000, 0)); 200];
    for many in [ended, running] {
        assert_eq!(collected(&many, 1), 0);
    }
    // Each pays for its own part, all together not for the transaction.
    let part = Amount(2_350_000_000_000_000_000);
    assert_eq!(collected(&[at_rate(part, paid(9, 9, 0))], 1), 0);
    assert_eq!(collected(&vec![at_rate(part, paid(9, 9, 0)); 2], 1), 0);
    // One that is worth it does not pay for the dust beside it.
    let good = at_rate(COLLECT_WORTH, paid(9, 9, 0));
    let beside = [&vec![dust(paid(5, 9, 0)); 50][..], &[good]].concat();
    assert_eq!(collected(&beside, 1), 1);
}

#[test]
fn collections_wait_for_their_interval_unless_a_policy_has_ended() {
    let rich = |policy| at_rate(COLLECT_WORTH, policy);
    assert_eq!(collected(&[rich(paid(5, 20, 0))], 6), 0);
    assert_eq!(collected(&[rich(paid(5, 20, 0))], 5), 1);
    assert_eq!(collected(&[rich(paid(5, 9, 0))], 6), 1);
    // What has ended takes the others with it.
    let both = [rich(paid(5, 9, 0)), rich(paid(5, 20, 0))];
    assert_eq!(collected(&both, 6), 2);
}

#[test]
fn all_is_collected_before_the_stake_leaves() {
    let mut world = with_policies(&[at_rate(COLLECT_WORTH, paid(5, 20, 0))]);
    let rare = thrifty(Wishes {
        collect_every_periods: 28,
        ..wishes()
    });
    let choose = |world: &Snapshot| chosen(world, &rare, priced(ledger(7)));
    assert!(choose(&world).is_empty());
    world.miner = MinerView {
        unlock_period: Period(12),
        ..miner()
    }
    .into();
    assert!(choose(&world).is_empty());
    world.miner = MinerView {
        unlock_period: Period(11),
        ..miner()
    }
    .into();
    assert_eq!(choose(&world).len(), 1);
}

/// Many that are worth their own part go out when the largest pay for the transaction: what goes
/// out is judged, not what stays behind.
#[test]
fn what_goes_out_together_pays_for_itself() {
    let bare = Amount(COLLECT_EACH_GAS_WORTH.0 + 1);
    let many = vec![at_rate(bare, paid(8, 20, 8)); 200];
    assert_eq!(collected(&many, 1), 0);
    let one = at_rate(COLLECT_WORTH, paid(8, 20, 8));
    assert_eq!(collected(&[&many[..], &[one]].concat(), 1), COLLECT_BATCH);
}

#[test]
fn a_collection_is_bounded_and_takes_the_largest_dues() {
    let small = at_rate(COLLECT_WORTH, paid(9, 20, 0));
    let large = at_rate(COLLECT_WORTH, paid(5, 20, 0));
    let many = [vec![small; COLLECT_BATCH], vec![large; COLLECT_BATCH]].concat();
    let world = with_policies(&many);
    let chosen = chosen(&world, &thrifty(wishes()), priced(ledger(7)));
    assert_eq!(chosen.len(), COLLECT_BATCH);
    let first = |id: &PolicyId| world.policies[id].first_period;
    assert!(chosen.iter().all(|id| first(id) == Period(5)));
}

#[test]
fn the_largest_numbers_do_not_wrap() {
    let thrift = Thrift {
        fee_per_kms: Wei(u128::MAX),
        gas_price: Wei(1),
    };
    assert!(thrift.pays(Amount(u128::MAX), u64::MAX));
    let dear = Thrift {
        fee_per_kms: Wei(1),
        gas_price: Wei(u128::MAX),
    };
    assert!(!dear.pays(Amount::KMS, u64::MAX));
    assert!(!dear.pays(Amount::ZERO, 0));
}
