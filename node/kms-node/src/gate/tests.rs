use std::sync::Arc;

use kms_protocol::{Amount, B256, Period};

use super::*;
use crate::view::snapshot::{Head, MinerView};

const ID: PolicyId = PolicyId(B256([7; 32]));
const CONFIRMATIONS: u64 = 2;

/// A policy created in block 100 and paid for the periods 5 to 9.
fn policy() -> PolicyView {
    PolicyView {
        created_block: 100,
        rate: Amount(1_000),
        first_period: Period(5),
        last_period: Period(9),
        extensions: Vec::new(),
        revocation: None,
        collected_through: Period::NEVER,
    }
}

fn snapshot(head: u64, period: u32, policy: PolicyView) -> Snapshot {
    Snapshot {
        head: Head {
            number: head,
            hash: B256([1; 32]),
            timestamp: 0,
        },
        period: Period(period),
        confirmed_period: Period(period),
        confirmations: CONFIRMATIONS,
        settled: None,
        period_seconds: 10,
        period_start: 0,
        policies: [(ID, Arc::new(policy))].into_iter().collect(),
        miner: Arc::new(MinerView {
            lease_from: Period(1),
            lease_through: Period(1_000),
            ..MinerView::default()
        }),
        challenges: Arc::default(),
    }
}

fn fresh(snapshot: &Snapshot) -> View<'_> {
    let max_age = Duration::from_secs(30);
    View {
        snapshot: Some(snapshot),
        age: Some(Duration::from_secs(1)),
        max_age,
    }
}

fn serve_code(snapshot: &Snapshot) -> Option<Refusal> {
    serve(fresh(snapshot), &ID)
        .err()
        .map(|problem| problem.code)
}

fn upload_code(snapshot: &Snapshot) -> Option<Refusal> {
    upload(fresh(snapshot), &ID, snapshot.period)
        .err()
        .map(|problem| problem.code)
}

#[test]
fn serves_a_confirmed_policy_in_its_periods() {
    for (head, period) in [(102, 5), (102, 9), (10_000, 7)] {
        assert_eq!(serve_code(&snapshot(head, period, policy())), None);
    }
}

#[test]
fn refuses_before_the_confirmations_and_not_a_block_longer() {
    for head in [100, 101] {
        let code = serve_code(&snapshot(head, 5, policy()));
        assert_eq!(code, Some(Refusal::PolicyUnconfirmed), "head {head}");
    }
    assert_eq!(serve_code(&snapshot(102, 5, policy())), None);
}

#[test]
fn refuses_before_the_first_and_after_the_last_period() {
    assert_eq!(
        serve_code(&snapshot(200, 4, policy())),
        Some(Refusal::PolicyNotStarted)
    );
    assert_eq!(
        serve_code(&snapshot(200, 0, policy())),
        Some(Refusal::PolicyNotStarted)
    );
    assert_eq!(
        serve_code(&snapshot(200, 10, policy())),
        Some(Refusal::PolicyEnded)
    );
}

#[test]
fn a_revocation_counts_from_the_head() {
    let mut revoked = policy();
    revoked.revocation = Some((200, Period(7)));
    assert_eq!(
        serve_code(&snapshot(200, 6, revoked.clone())),
        Some(Refusal::PolicyRevoked)
    );
    assert_eq!(
        upload_code(&snapshot(200, 6, revoked)),
        Some(Refusal::PolicyRevoked)
    );
}

#[test]
fn an_extension_counts_once_confirmed() {
    let mut extended = policy();
    extended.extensions = vec![(200, Period(12))];
    assert_eq!(
        serve_code(&snapshot(201, 10, extended.clone())),
        Some(Refusal::PolicyUnconfirmed)
    );
    assert_eq!(serve_code(&snapshot(202, 10, extended.clone())), None);
    assert_eq!(
        serve_code(&snapshot(202, 13, extended)),
        Some(Refusal::PolicyEnded)
    );
}

#[test]
fn refuses_an_unknown_policy() {
    let other = PolicyId(B256([8; 32]));
    let snapshot = snapshot(200, 5, policy());
    let code = |verdict: Option<Problem>| verdict.map(|problem| problem.code);
    let refused = Some(Refusal::PolicyUnknown);
    assert_eq!(code(serve(fresh(&snapshot), &other).err()), refused);
    assert_eq!(
        code(upload(fresh(&snapshot), &other, Period(1)).err()),
        refused
    );
}

#[test]
fn refuses_on_an_old_or_missing_view_before_anything_else() {
    let snapshot = snapshot(200, 5, policy());
    let max_age = Duration::from_secs(30);
    for (snapshot, age) in [
        (Some(&snapshot), Some(Duration::from_millis(30_001))),
        (Some(&snapshot), None),
        (None, Some(Duration::ZERO)),
        (None, None),
    ] {
        let view = View {
            snapshot,
            age,
            max_age,
        };
        for verdict in [serve(view, &ID).err(), upload(view, &ID, Period(1)).err()] {
            let problem = verdict.unwrap();
            assert_eq!(problem.code, Refusal::StaleChainView);
            assert!(problem.retry_after_s.is_some());
        }
    }
    let view = View {
        snapshot: Some(&snapshot),
        age: Some(max_age),
        max_age,
    };
    assert!(serve(view, &ID).is_ok());
}

#[test]
fn takes_a_kfrag_before_confirmation_and_start_but_not_after_the_end() {
    assert_eq!(upload_code(&snapshot(100, 1, policy())), None);
    assert_eq!(upload_code(&snapshot(200, 9, policy())), None);
    assert_eq!(
        upload_code(&snapshot(200, 10, policy())),
        Some(Refusal::PolicyEnded)
    );
}

/// The miner would serve until then for nothing. One dated earlier pays it more.
#[test]
fn takes_no_kfrag_that_is_delivered_in_a_period_to_come() {
    let snapshot = snapshot(200, 6, policy());
    let code = |period| {
        let verdict = upload(fresh(&snapshot), &ID, Period(period));
        verdict.err().map(|problem| problem.code)
    };
    for past in [0, 1, 5, 6] {
        assert_eq!(code(past), None, "{past}");
    }
    for coming in [7, 8, u32::MAX] {
        assert_eq!(code(coming), Some(Refusal::DeliveryAhead), "{coming}");
    }
}

#[test]
fn a_request_names_a_time_inside_the_window() {
    let mut snapshot = snapshot(7, 5, policy());
    snapshot.head.timestamp = 200;
    let code = |time| {
        recent(&snapshot, time, 64)
            .err()
            .map(|problem| problem.code)
    };
    for time in [136, 200, 264] {
        assert_eq!(code(time), None, "{time}");
    }
    for time in [0, 135, 265, u64::MAX] {
        assert_eq!(code(time), Some(Refusal::StaleRequest), "{time}");
    }
}

#[test]
fn a_request_for_another_miner_is_refused() {
    let (this, other) = (Address([1; 20]), Address([2; 20]));
    assert!(this_miner(&this, &this).is_ok());
    assert_eq!(
        this_miner(&other, &this).unwrap_err().code,
        Refusal::NotThisMiner
    );
}

/// The snapshot in period 7 of a miner with these leases, each with its first and last period.
fn leasing(leases: &[(u32, u32)], now: u32) -> Snapshot {
    let mut miner = MinerView::default();
    for (from, through) in leases {
        miner.lease(Period(*from), Period(*through));
    }
    let mut snapshot = snapshot(200, now, policy());
    snapshot.miner = Arc::new(miner);
    snapshot
}

/// First and last period of each lease.
type Leases = &'static [(u32, u32)];

#[test]
fn serves_in_leased_periods_only() {
    let cases: [(Leases, u32, bool); 9] = [
        (&[], 7, false),
        (&[(7, 7)], 7, true),
        (&[(8, 9)], 7, false),
        (&[(5, 6)], 7, false),
        (&[(5, 6), (7, 8)], 7, true),
        (&[(5, 7), (6, 9)], 5, true),
        // Confirmed in 7, one too late: 7 stays unpaid, 8 is leased.
        (&[(5, 6), (8, 9)], 7, false),
        (&[(5, 6), (8, 9)], 8, true),
        (&[(1, 3), (5, 6), (7, 9)], 7, true),
    ];
    for (leases, now, served) in cases {
        let snapshot = leasing(leases, now);
        let expected = (!served).then_some(Refusal::NotLeased);
        assert_eq!(serve_code(&snapshot), expected, "{leases:?} in {now}");
        // Neither an owner's kfrag nor the answer to a challenge waits for a lease.
        assert_eq!(upload_code(&snapshot), None);
        assert!(answer(fresh(&snapshot), &ID).is_ok());
    }
}

#[test]
fn a_suspension_ends_the_lease_with_its_period() {
    let mut snapshot = leasing(&[(5, 9)], 6);
    let suspended = |now| {
        let mut miner = MinerView::clone(&snapshot.miner);
        miner.suspend(Period(6), Period(8));
        let mut after = snapshot.clone();
        (after.miner, after.period) = (Arc::new(miner), Period(now));
        after
    };
    assert_eq!(
        serve_code(&suspended(6)),
        None,
        "the period is leased and paid"
    );
    for now in [7, 8, 9] {
        assert_eq!(serve_code(&suspended(now)), Some(Refusal::NotLeased));
    }
    let detail = serve(fresh(&suspended(7)), &ID).unwrap_err().detail;
    assert!(detail.contains("suspended through period 8"), "{detail}");
    // Confirmed in 9, active from 10 on; the policy ends with 9 but for its extension.
    let mut miner = MinerView::clone(&suspended(9).miner);
    miner.lease(Period(10), Period(11));
    assert!(!miner.is_leased(Period(9)) && miner.is_leased(Period(10)));
    // A suspension of a miner whose lease is over leaves it over.
    snapshot = leasing(&[(2, 3)], 6);
    let mut miner = MinerView::clone(&snapshot.miner);
    miner.suspend(Period(6), Period(8));
    assert_eq!(
        (miner.lease_through, miner.is_leased(Period(6))),
        (Period(3), false)
    );
}
