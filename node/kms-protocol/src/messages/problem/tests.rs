//! Problems: what is written can be read, whatever the detail was.

use proptest::prelude::*;

use super::super::tests::{check_damaged, check_refused, check_strict};
use super::*;

fn problem() -> Problem {
    Problem::new(Refusal::TooMany, "31 requests in 1 s, 30 allowed").retry_after(2)
}

#[test]
fn carries_the_texts_of_its_refusal() {
    let json = serde_json::to_value(problem()).unwrap();
    let expected = serde_json::json!({
        "code": "too_many",
        "title": "too many requests",
        "detail": "31 requests in 1 s, 30 allowed",
        "hint": "wait as long as retry_after_s says",
        "retry_after_s": 2,
    });
    assert_eq!(json, expected);
    assert_eq!(Problem::from(Refusal::Replay).code, Refusal::Replay);
}

#[test]
fn an_error_becomes_its_refusal_and_text() {
    let problem = Problem::from(&Error::SignatureHighS);
    assert_eq!(problem.code, Refusal::BadSignature);
    assert_eq!(problem.detail, "signature with a high s");
}

#[test]
fn json_is_strict() {
    check_strict(&problem(), &["retry_after_s"]);
    check_strict(&Problem::from(Refusal::Internal), &[]);
}

#[test]
fn refuses_an_unknown_code_and_text_that_could_deceive_a_terminal() {
    let changed = |field: &str, value: serde_json::Value| {
        let mut json = serde_json::to_value(problem()).unwrap();
        json[field] = value;
        check_refused::<Problem>(&json);
    };
    changed("code", "teapot".into());
    for field in ["title", "detail", "hint"] {
        changed(field, "\u{1b}[2J".into());
        changed(field, "a".repeat(TEXT_MAX + 1).into());
    }
    changed("retry_after_s", (1_u64 << 32).into());
}

proptest! {
    #[test]
    fn any_detail_is_made_readable(detail: String, repeat in 1_usize..40, code in 0..21_usize) {
        let problem = Problem::new(Refusal::ALL[code], detail.repeat(repeat));
        let json = serde_json::to_string(&problem).unwrap();
        prop_assert_eq!(serde_json::from_str::<Problem>(&json).unwrap(), problem);
    }

    #[test]
    fn printable_detail_is_kept(detail in "[ -~]{0,1000}") {
        prop_assert_eq!(Problem::new(Refusal::Internal, &detail).detail, detail);
    }

    #[test]
    fn damaged_json_is_read_or_refused(at: prop::sample::Index, byte: u8) {
        check_damaged(&problem(), at, byte);
    }
}
