use std::time::Duration;

use super::Lifetime;

#[test]
fn takes_times_up_to_a_day() {
    for (text, seconds) in [
        ("1s", 1),
        ("90s", 90),
        ("15m", 900),
        ("2h", 7_200),
        ("24h", 86_400),
    ] {
        assert_eq!(
            text.parse(),
            Ok(Lifetime(Duration::from_secs(seconds))),
            "{text}"
        );
    }
}

#[test]
fn refuses_other_times() {
    for text in [
        "",
        "m",
        "15",
        "0s",
        "-1s",
        "1.5h",
        "15 m",
        "1d",
        "25h",
        "1441m",
        "15é",
        "é",
        "99999999999999999999h",
        "9999999999999999h",
    ] {
        assert!(text.parse::<Lifetime>().is_err(), "{text}");
    }
}
