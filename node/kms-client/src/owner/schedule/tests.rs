use kms_protocol::Amount;
use proptest::prelude::*;

use super::*;

const GENESIS: u64 = 1_000;

fn params(period_seconds: u32) -> ChainParams {
    ChainParams {
        clock: PeriodClock::new(GENESIS, period_seconds).unwrap(),
        max_lease_periods: 2,
        decay: 1,
        kappa_periods: None,
        min_locked: Amount::KMS,
        min_lock_periods: 4,
        max_lock_periods: 1_000,
        worker_cooldown_periods: 1,
        max_policy_periods: 100,
    }
}

fn refused(span: Span, now: u64) -> &'static str {
    match Schedule::plan(span, &params(1_000), now) {
        Err(Error::SpecInvalid { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn refuses_spans_that_cannot_be() {
    assert_eq!(refused(Span::Periods(0), GENESIS), "periods");
    assert_eq!(refused(Span::Periods(101), GENESIS), "periods");
    assert_eq!(refused(Span::Periods(u32::MAX), GENESIS), "periods");
    assert_eq!(refused(Span::Until(0), GENESIS), "until");
    assert_eq!(refused(Span::Until(GENESIS), GENESIS + 5_500), "until");
    assert_eq!(
        refused(Span::Until(GENESIS + 1_000_000), GENESIS),
        "periods"
    );
}

#[test]
fn a_grant_begins_now_unless_the_period_is_almost_over() {
    let first = |now| {
        Schedule::plan(Span::Periods(1), &params(1_000), now)
            .unwrap()
            .first
    };
    assert_eq!(first(GENESIS), Period(1));
    assert_eq!(first(GENESIS + 939), Period(1));
    assert_eq!(first(GENESIS + 940), Period(2));
    assert_eq!(first(0), Period(1));
}

#[test]
fn the_end_of_a_period_is_exclusive() {
    let last = |time| {
        Schedule::plan(Span::Until(time), &params(1_000), GENESIS)
            .unwrap()
            .last
    };
    assert_eq!(last(GENESIS + 1), Period(1));
    assert_eq!(last(GENESIS + 1_000), Period(1));
    assert_eq!(last(GENESIS + 1_001), Period(2));
}

proptest! {
    #[test]
    fn a_plan_is_payable_and_as_long_as_wished(
        now in GENESIS..GENESIS + 10_000_000,
        periods in 1u32..=100,
        period_seconds in 1u32..100_000,
    ) {
        let params = params(period_seconds);
        let plan = Schedule::plan(Span::Periods(periods), &params, now).unwrap();
        prop_assert!(plan.first >= params.clock.period_at(now).unwrap());
        prop_assert_eq!(plan.first.count_through(plan.last), u64::from(periods));
        let seconds = u64::from(periods) * u64::from(period_seconds);
        prop_assert_eq!(plan.expires_at - plan.starts_at, seconds);
        prop_assert!(plan.starts_at <= now + u64::from(period_seconds));
    }
}
