use std::sync::Arc;

use kms_protocol::B256;
use kms_protocol::messages::CapsuleBytes;

use super::*;
use crate::view::snapshot::{ChallengeView, Head, Policies, PolicyView};

const WORKER: Address = Address([9; 20]);

pub(super) fn miner() -> MinerView {
    MinerView {
        worker: Some(WORKER),
        url: "http://node.example".into(),
        min_rate: Amount(5),
        lease_from: Period(1),
        lease_through: Period(13),
        suspended_through: Period::NEVER,
        locked: Amount(1_000),
        lock_periods: 100,
        unlock_period: Period::NEVER,
        ..MinerView::default()
    }
}

pub(super) fn snapshot(period: u32, miner: MinerView) -> Snapshot {
    Snapshot {
        head: Head {
            number: 500,
            hash: B256([1; 32]),
            timestamp: 0,
        },
        period: Period(period),
        confirmed_period: Period(period),
        confirmations: 2,
        settled: None,
        period_seconds: 10,
        period_start: 0,
        policies: Policies::new(),
        miner: Arc::new(miner),
        challenges: Arc::default(),
    }
}

pub(super) fn wishes() -> Wishes {
    Wishes {
        worker: WORKER,
        url: "http://node.example".into(),
        min_rate: Some(Amount(5)),
        claim_every_periods: 1,
        collect_every_periods: 1,
        fee_per_kms: Wei::ETH,
    }
}

pub(super) fn ledger(max_lease_periods: u32) -> Ledger {
    Ledger {
        max_lease_periods,
        period_seconds: 86_400,
        gas_price: Some(Wei(1)),
        ..Ledger::default()
    }
}

fn decided(period: u32, miner: MinerView, max_lease_periods: u32) -> Vec<Duty> {
    decide(
        &snapshot(period, miner),
        &wishes(),
        &ledger(max_lease_periods),
    )
}

fn lease(through: u32) -> Vec<Duty> {
    vec![Duty::ConfirmActivity {
        through: Period(through),
    }]
}

#[test]
fn nothing_is_due_while_the_chain_shows_what_is_wished() {
    assert_eq!(decided(10, miner(), 4), []);
}

#[test]
fn nothing_is_tried_without_the_bond_or_before_genesis() {
    let bare = |worker| MinerView {
        worker,
        lease_through: Period::NEVER,
        ..miner()
    };
    assert_eq!(decided(10, bare(None), 4), []);
    assert_eq!(decided(10, bare(Some(Address([1; 20]))), 4), []);
    assert_eq!(decided(0, bare(Some(WORKER)), 4), []);
}

/// The lease confirmed in period 10, when one through `through` is in force.
fn renewed(through: u32, max_lease_periods: u32, period_seconds: u32) -> Vec<Duty> {
    let miner = MinerView {
        lease_through: Period(through),
        ..miner()
    };
    let ledger = Ledger {
        period_seconds,
        ..ledger(max_lease_periods)
    };
    decide(&snapshot(10, miner), &wishes(), &ledger)
}

#[test]
fn the_lease_is_renewed_in_its_last_period_if_that_is_a_day() {
    for through in [11, 12, 14, 16, 17] {
        assert_eq!(renewed(through, 7, 86_400), [], "leased through {through}");
    }
    for through in [10, 9, 3, 0] {
        assert_eq!(
            renewed(through, 7, 86_400),
            lease(17),
            "leased through {through}"
        );
    }
}

#[test]
fn short_periods_leave_room_to_try_again_but_never_more_than_half_the_lease() {
    // Six hours: two periods are half a day.
    assert_eq!(renewed(12, 7, 21_600), []);
    assert_eq!(renewed(11, 7, 21_600), lease(17));
    // Six seconds: half of the longest lease.
    assert_eq!(renewed(14, 7, 6), []);
    assert_eq!(renewed(13, 7, 6), lease(17));
    assert_eq!(renewed(11, 2, 6), []);
    assert_eq!(renewed(10, 2, 6), lease(12));
}

#[test]
fn a_suspended_miner_confirms_again_when_the_suspension_is_over() {
    let suspended = || MinerView {
        lease_through: Period(1),
        suspended_through: Period(12),
        ..miner()
    };
    for period in [10, 11, 12] {
        assert_eq!(decided(period, suspended(), 4), [], "period {period}");
    }
    assert_eq!(decided(13, suspended(), 4), lease(17));
}

#[test]
fn with_the_shortest_lease_each_period_leases_the_next() {
    let leased = |through| MinerView {
        lease_through: Period(through),
        ..miner()
    };
    assert_eq!(decided(10, leased(11), 1), []);
    assert_eq!(decided(10, leased(10), 1), lease(11));
    assert_eq!(decided(11, leased(11), 1), lease(12));
}

#[test]
fn no_lease_without_a_stake_or_beyond_the_lock() {
    let fresh = MinerView {
        lease_through: Period::NEVER,
        ..miner()
    };
    let no_stake = MinerView {
        locked: Amount::ZERO,
        ..fresh.clone()
    };
    assert_eq!(decided(10, no_stake, 4), []);
    let short_lock = MinerView {
        lock_periods: 2,
        ..fresh.clone()
    };
    assert_eq!(decided(10, short_lock, 4), lease(12));
    let unlocking = MinerView {
        unlock_period: Period(13),
        ..fresh.clone()
    };
    assert_eq!(decided(10, unlocking, 4), lease(12));
    for free_from in [10, 11] {
        let unlocked = MinerView {
            unlock_period: Period(free_from),
            ..fresh.clone()
        };
        assert_eq!(decided(10, unlocked, 4), [], "free from {free_from}");
    }
}

#[test]
fn the_record_and_the_rate_follow_the_configuration() {
    let moved = MinerView {
        url: "http://old.example".into(),
        ..miner()
    };
    let register = Duty::RegisterNode {
        url: "http://node.example".into(),
    };
    assert_eq!(decided(10, moved, 4), vec![register]);
    let cheap = MinerView {
        min_rate: Amount(4),
        ..miner()
    };
    assert_eq!(
        decided(10, cheap.clone(), 4),
        vec![Duty::SetMinRate { rate: Amount(5) }]
    );
    let quiet = Wishes {
        min_rate: None,
        ..wishes()
    };
    assert_eq!(decide(&snapshot(10, cheap.clone()), &quiet, &ledger(4)), []);
    let free = MinerView {
        min_rate: Amount::ZERO,
        ..cheap
    };
    let asked_to_be_free = Wishes {
        min_rate: Some(Amount::ZERO),
        ..wishes()
    };
    let duties = decide(&snapshot(10, free.clone()), &asked_to_be_free, &ledger(4));
    assert_eq!(duties, []);
    let posted = vec![Duty::SetMinRate {
        rate: DEFAULT_MIN_RATE,
    }];
    assert_eq!(decide(&snapshot(10, free), &quiet, &ledger(4)), posted);
}

pub(super) fn paid(first: u32, last: u32, collected: u32) -> PolicyView {
    PolicyView {
        created_block: 1,
        rate: Amount::KMS,
        first_period: Period(first),
        last_period: Period(last),
        extensions: Vec::new(),
        revocation: None,
        collected_through: Period(collected),
    }
}

pub(super) fn with_policies(policies: &[PolicyView]) -> Snapshot {
    let mut snapshot = snapshot(10, miner());
    let map = policies.iter().enumerate().map(|(index, policy)| {
        let byte = u8::try_from(index).unwrap();
        (PolicyId(B256([byte; 32])), Arc::new(policy.clone()))
    });
    snapshot.policies = map.collect();
    snapshot
}

#[test]
fn duties_survive_their_payload() {
    let id = PolicyId(B256([3; 32]));
    for duty in [
        Duty::RegisterNode {
            url: "http://a".into(),
        },
        Duty::SetMinRate {
            rate: Amount(u128::MAX),
        },
        Duty::ConfirmActivity { through: Period(7) },
        Duty::ConfirmAndClaim { through: Period(7) },
        Duty::Claim,
        Duty::Collect { policies: vec![id] },
    ] {
        let text = serde_json::to_string(&duty).unwrap();
        assert_eq!(serde_json::from_str::<Duty>(&text).unwrap(), duty);
        assert!(Duty::KINDS.contains(&duty.kind()));
        assert!(duty.rivals().contains(&duty.kind()));
        if let Some(call) = duty.call(WORKER) {
            assert_eq!(call.kind(), duty.kind());
        }
    }
}

const NONE: [u64; 0] = [];

/// A challenge of the policy of that byte, opened in block 498: its two confirmations are there.
fn challenged(policy: u8, seq: u64, deadline: u64) -> ChallengeView {
    ChallengeView {
        seq,
        policy: PolicyId(B256([policy; 32])),
        opened_block: 498,
        requester: Address([2; 20]),
        deadline,
        capsule: CapsuleBytes::from([7; 98]),
    }
}

fn answers_to(challenges: Vec<ChallengeView>, policy: PolicyView) -> Vec<u64> {
    let mut snapshot = with_policies(&[policy]);
    snapshot.head.timestamp = 1_000;
    snapshot.challenges = Arc::new(challenges);
    let duties = decide(&snapshot, &wishes(), &ledger(4)).into_iter();
    let number = |duty| match duty {
        Duty::AnswerChallenge { seq, .. } => Some(seq),
        _ => None,
    };
    duties.filter_map(number).collect()
}

#[test]
fn a_challenge_is_answered_through_the_second_before_its_deadline() {
    let served = || paid(10, 20, 20);
    assert_eq!(answers_to(vec![challenged(0, 1, 1_001)], served()), [1]);
    assert_eq!(answers_to(vec![challenged(0, 1, 1_000)], served()), NONE);
    assert_eq!(answers_to(vec![challenged(0, 1, 0)], served()), NONE);
}

#[test]
fn a_challenge_is_not_answered_unconfirmed_revoked_or_for_an_unknown_policy() {
    let served = || paid(10, 20, 20);
    let mut fresh = challenged(0, 1, 2_000);
    fresh.opened_block = 499;
    assert_eq!(answers_to(vec![fresh], served()), NONE);
    let mut revoked = served();
    revoked.revocation = Some((490, Period(10)));
    assert_eq!(answers_to(vec![challenged(0, 1, 2_000)], revoked), NONE);
    assert_eq!(answers_to(vec![challenged(9, 1, 2_000)], served()), NONE);
}

#[test]
fn the_most_urgent_challenges_come_first_and_not_all_at_once() {
    let many = (1..=40)
        .map(|seq| challenged(0, seq, 2_000 + seq))
        .collect();
    let expected: Vec<u64> = (1..=16).collect();
    assert_eq!(answers_to(many, paid(10, 20, 20)), expected);
    let mut snapshot = with_policies(&[paid(10, 20, 20)]);
    snapshot.challenges = Arc::new(vec![challenged(0, 1, 2_000)]);
    let bare = MinerView {
        lease_through: Period::NEVER,
        ..miner()
    };
    snapshot.miner = Arc::new(bare);
    let first = decide(&snapshot, &wishes(), &ledger(4)).into_iter().next();
    assert!(matches!(first, Some(Duty::AnswerChallenge { seq: 1, .. })));
}
