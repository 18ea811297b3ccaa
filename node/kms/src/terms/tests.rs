use super::*;

#[track_caller]
fn check(text: &str, expected: Option<(u8, u8)>) {
    let parsed = text.parse::<QuorumArg>().ok();
    assert_eq!(
        parsed.map(|quorum| (quorum.threshold, quorum.shares)),
        expected,
        "{text}"
    );
}

#[test]
fn a_quorum_is_m_of_n() {
    check("1/1", Some((1, 1)));
    check("2/3", Some((2, 3)));
    check("32/32", Some((32, 32)));
}

#[test]
fn refuses_a_quorum_that_nobody_or_everybody_could_meet() {
    for text in [
        "0/3",
        "4/3",
        "2",
        "2/",
        "/3",
        "2/3/4",
        "-1/3",
        "2/256",
        "two/three",
        "",
    ] {
        check(text, None);
    }
}

#[test]
fn refuses_a_seed_of_another_length() {
    assert!("ab".repeat(32).parse::<SeedArg>().is_ok());
    assert!(format!("0x{}", "ab".repeat(32)).parse::<SeedArg>().is_ok());
    for text in ["", "ab", &"ab".repeat(33), &"zz".repeat(32)] {
        assert!(text.parse::<SeedArg>().is_err(), "{text}");
    }
}
