use super::*;

#[track_caller]
fn check(text: &str, expected: Option<Range<u64>>) {
    assert_eq!(
        text.parse::<ByteRange>().ok().map(|range| range.0),
        expected,
        "{text}"
    );
}

#[test]
fn ranges_have_a_first_byte_and_an_end() {
    check("0-0", Some(0..0));
    check("5-10", Some(5..10));
    check("1K-2M", Some(1024..2_097_152));
    check("0-1G", Some(0..1 << 30));
}

#[test]
fn refuses_what_is_no_range() {
    for text in [
        "",
        "-",
        "5",
        "5-",
        "-5",
        "10-5",
        "1k-2k",
        "0-1T",
        "0-99999999999999999999",
        "K-M",
    ] {
        check(text, None);
    }
    check("0-18446744073709551615K", None);
}
