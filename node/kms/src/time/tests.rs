use super::*;
use crate::text::utc;

fn moment(text: &str) -> u64 {
    text.parse::<Moment>().unwrap().0
}

#[test]
fn a_date_is_its_first_moment_in_utc() {
    assert_eq!(moment("1970-01-01"), 0);
    assert_eq!(utc(moment("2026-12-24")), "2026-12-24 00:00:00Z");
    assert_eq!(utc(moment("2028-02-29")), "2028-02-29 00:00:00Z");
    for text in [
        "2026-12-24T18:30Z",
        "2026-12-24 18:30",
        "2026-12-24T18:30:00",
    ] {
        assert_eq!(utc(moment(text)), "2026-12-24 18:30:00Z", "{text}");
    }
    assert_eq!(moment("1798113600"), 1_798_113_600);
}

#[test]
fn what_is_no_time_is_refused() {
    for text in [
        "",
        "tomorrow",
        "2026-13-01",
        "2026-00-10",
        "2026-02-29",
        "2026-04-31",
        "2026-12-00",
        "26-12-24",
        "2026-12",
        "2026-12-24-1",
        "2026-12-24T24:00",
        "2026-12-24T18:60",
        "2026-12-24T18",
        "2026-12-24T18:30:05:1",
        "2026-12-24T18:30+01:00",
        "-1",
        "1969-12-31",
        "99999999999999999999999",
    ] {
        let refused = text.parse::<Moment>();
        assert!(refused.is_err(), "{text:?}: {refused:?}");
    }
}

#[test]
fn a_length_of_time_has_a_unit() {
    for (text, seconds) in [
        ("90s", 90),
        ("90m", 5_400),
        ("12h", 43_200),
        ("30d", 2_592_000),
        ("4w", 2_419_200),
    ] {
        assert_eq!(text.parse(), Ok(Seconds(seconds)), "{text}");
    }
    for text in [
        "",
        "30",
        "d",
        "0d",
        "-3d",
        "3.5d",
        "30 d",
        "3y",
        "9999999999999w",
        "３d",
    ] {
        let refused = text.parse::<Seconds>();
        assert!(refused.is_err(), "{text:?}: {refused:?}");
    }
}
