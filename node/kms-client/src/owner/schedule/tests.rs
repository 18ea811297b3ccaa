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
        evidence_periods: 10,
        max_policy_periods: 100,
    }
}

fn refused(span: Span, now: u64) -> &'static str {
    match Schedule::plan(span, Start::Now, &params(1_000), now) {
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
        Schedule::plan(Span::Periods(1), Start::Now, &params(1_000), now)
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
        Schedule::plan(Span::Until(time), Start::Now, &params(1_000), GENESIS)
            .unwrap()
            .last
    };
    assert_eq!(last(GENESIS + 1), Period(1));
    assert_eq!(last(GENESIS + 1_000), Period(1));
    assert_eq!(last(GENESIS + 1_001), Period(2));
}

#[test]
fn a_length_of_time_is_as_many_whole_periods_as_hold_it() {
    let periods = |seconds| {
        let span = Span::Seconds(seconds);
        let plan = Schedule::plan(span, Start::Now, &params(1_000), GENESIS).unwrap();
        plan.first.count_through(plan.last)
    };
    assert_eq!([1, 1_000, 1_001, 30_000].map(periods), [1, 1, 2, 30]);
    assert_eq!(refused(Span::Seconds(0), GENESIS), "periods");
    assert_eq!(refused(Span::Seconds(100_001), GENESIS), "periods");
    assert_eq!(refused(Span::Seconds(u64::MAX), GENESIS), "seconds");
}

#[test]
fn a_grant_begins_with_the_period_of_its_start() {
    let at = |start, span| {
        let now = GENESIS + 5_500;
        let plan = Schedule::plan(span, Start::At(start), &params(1_000), now);
        plan.map(|plan| (plan.first, plan.last))
    };
    let two = Span::Periods(2);
    assert_eq!(at(GENESIS + 8_000, two).unwrap(), (Period(9), Period(10)));
    assert_eq!(at(GENESIS + 8_999, two).unwrap(), (Period(9), Period(10)));
    // In the present period: as soon as it can be paid.
    assert_eq!(at(GENESIS + 5_001, two).unwrap(), (Period(6), Period(7)));
    let until = Span::Until(GENESIS + 10_000);
    assert_eq!(at(GENESIS + 8_000, until).unwrap(), (Period(9), Period(10)));
    let field = |refused: Result<_>| match refused {
        Err(Error::SpecInvalid { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field(at(GENESIS + 4_999, two)), "start");
    assert_eq!(field(at(0, two)), "start");
    assert_eq!(field(at(GENESIS + 10_000, until)), "until");
}

proptest! {
    #[test]
    fn a_plan_is_payable_and_as_long_as_wished(
        now in GENESIS..GENESIS + 10_000_000,
        periods in 1u32..=100,
        period_seconds in 1u32..100_000,
    ) {
        let params = params(period_seconds);
        let plan = Schedule::plan(Span::Periods(periods), Start::Now, &params, now).unwrap();
        prop_assert!(plan.first >= params.clock.period_at(now).unwrap());
        prop_assert_eq!(plan.first.count_through(plan.last), u64::from(periods));
        let seconds = u64::from(periods) * u64::from(period_seconds);
        prop_assert_eq!(plan.expires_at - plan.starts_at, seconds);
        prop_assert!(plan.starts_at <= now + u64::from(period_seconds));
    }
}
