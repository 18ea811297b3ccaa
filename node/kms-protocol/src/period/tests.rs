//! The clock against its definition, at the edges above all.

use proptest::prelude::*;

use super::*;

const CLOCK: PeriodClock = PeriodClock {
    genesis_time: 1_000,
    period_seconds: 10,
};

fn check(timestamp: u64, expected: Option<u32>) {
    assert_eq!(
        CLOCK.period_at(timestamp),
        expected.map(Period),
        "{timestamp}"
    );
}

#[test]
fn period_1_starts_at_genesis() {
    check(1_000, Some(1));
    check(1_009, Some(1));
    check(1_010, Some(2));
    check(1_019, Some(2));
}

#[test]
fn there_is_no_period_before_genesis() {
    check(999, None);
    check(0, None);
}

#[test]
fn the_last_number_stands_for_all_later_periods() {
    let start = CLOCK.start_of(Period(u32::MAX)).unwrap();
    check(start - 1, Some(u32::MAX - 1));
    check(start, Some(u32::MAX));
    check(start + 10, Some(u32::MAX));
    check(u64::MAX, Some(u32::MAX));
}

#[test]
fn refuses_a_period_without_length() {
    assert_eq!(PeriodClock::new(0, 0), Err(Error::PeriodLengthZero));
    let broken = PeriodClock {
        genesis_time: 0,
        period_seconds: 0,
    };
    assert_eq!(broken.period_at(5), None);
}

#[test]
fn never_has_no_start_and_no_end() {
    assert_eq!(CLOCK.start_of(Period::NEVER), None);
    assert_eq!(CLOCK.end_of(Period::NEVER), None);
}

#[test]
fn times_beyond_64_bits_are_none() {
    let late = PeriodClock {
        genesis_time: u64::MAX - 15,
        period_seconds: 10,
    };
    assert_eq!(late.start_of(Period(2)), Some(u64::MAX - 5));
    assert_eq!(late.end_of(Period(2)), None);
    assert_eq!(late.start_of(Period(3)), None);
    assert_eq!(late.period_at(u64::MAX), Some(Period(2)));
}

#[test]
fn counts_both_ends_and_nothing_backwards() {
    assert_eq!(Period(5).count_through(Period(5)), 1);
    assert_eq!(Period(5).count_through(Period(34)), 30);
    assert_eq!(Period(5).count_through(Period(4)), 0);
    assert_eq!(Period(5).count_through(Period(0)), 0);
    assert_eq!(Period(0).count_through(Period(u32::MAX)), 1 << 32);
}

#[test]
fn refuses_json_with_unknown_fields_or_numbers_out_of_range() {
    for json in [
        r#"{"genesis_time":1,"period_seconds":1,"x":1}"#,
        r#"{"genesis_time":1}"#,
        r#"{"genesis_time":-1,"period_seconds":1}"#,
        r#"{"genesis_time":1,"period_seconds":4294967296}"#,
        r#"{"genesis_time":"1","period_seconds":1}"#,
    ] {
        assert!(serde_json::from_str::<PeriodClock>(json).is_err(), "{json}");
    }
    assert!(serde_json::from_str::<Period>("4294967296").is_err());
    assert!(serde_json::from_str::<Period>("\"1\"").is_err());
}

proptest! {
    #[test]
    fn a_timestamp_lies_inside_its_period(
        genesis in 0..u64::MAX / 4,
        seconds in 1_u32..,
        elapsed in 0..u64::MAX / 4,
    ) {
        let clock = PeriodClock::new(genesis, seconds).unwrap();
        let timestamp = genesis + elapsed;
        let period = clock.period_at(timestamp).unwrap();
        prop_assert!(clock.start_of(period).unwrap() <= timestamp);
        if period.0 < u32::MAX {
            prop_assert!(timestamp < clock.end_of(period).unwrap());
            let next = period.checked_add(1).unwrap();
            prop_assert_eq!(clock.start_of(next), clock.end_of(period));
            prop_assert_eq!(next.saturating_sub(1), period);
        }
    }

    #[test]
    fn clocks_survive_json(genesis_time: u64, period_seconds: u32) {
        let clock = PeriodClock { genesis_time, period_seconds };
        let json = serde_json::to_string(&clock).unwrap();
        prop_assert_eq!(serde_json::from_str::<PeriodClock>(&json).unwrap(), clock);
    }
}
