use super::*;

fn check(seconds: u64, expected: &str) {
    assert_eq!(utc(seconds), expected);
}

#[test]
fn times_are_in_utc() {
    check(0, "1970-01-01 00:00:00Z");
    check(951_782_400, "2000-02-29 00:00:00Z");
    check(1_078_012_800, "2004-02-29 00:00:00Z");
    check(1_798_020_007, "2026-12-23 10:00:07Z");
    check(4_107_542_399, "2100-02-28 23:59:59Z");
    check(4_107_542_400, "2100-03-01 00:00:00Z");
}

#[test]
fn every_day_of_a_thousand_years_follows_the_one_before() {
    let mut previous = civil(0);
    for day in 1..365_000 {
        let next = civil(day);
        let (year, month, date) = previous;
        let expected = [
            (year, month, date + 1),
            (year, month + 1, 1),
            (year + 1, 1, 1),
        ];
        assert!(expected.contains(&next), "{day}: {next:?}");
        assert!(
            (1..=12).contains(&next.1) && (1..=31).contains(&next.2),
            "{day}: {next:?}"
        );
        assert_eq!(days_of(next.0, next.1, next.2), Some(day), "{next:?}");
        previous = next;
    }
}

#[test]
fn what_is_no_day_has_no_number() {
    for (year, month, day) in [
        (1969, 12, 31),
        (2026, 0, 1),
        (2026, 13, 1),
        (2026, 1, 0),
        (2026, 1, 32),
        (2026, 2, 29),
        (2100, 2, 29),
        (2026, 11, 31),
    ] {
        assert_eq!(days_of(year, month, day), None, "{year}-{month}-{day}");
    }
}
