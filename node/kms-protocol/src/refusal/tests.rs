//! The list is closed, its codes stable, its columns complete.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Where the table begins in README.md.
const HEADING: &str = "## Why a node refuses";

/// The table of README.md, which is what clients and operators read.
#[test]
fn readme_has_the_same_rows() {
    let listed: Vec<String> = Refusal::ALL
        .iter()
        .map(|refusal| {
            format!(
                "| `{}` | {} | {} | {} | {} |",
                refusal.code(),
                refusal.http_status(),
                if refusal.is_temporary() { "yes" } else { "no" },
                refusal.title(),
                refusal.hint()
            )
        })
        .collect();
    let documented: Vec<&str> = include_str!("../../../../README.md")
        .lines()
        .skip_while(|line| *line != HEADING)
        .skip_while(|line| !line.starts_with("| `"))
        .take_while(|line| line.starts_with("| `"))
        .collect();
    assert_eq!(listed, documented);
}

#[test]
fn every_refusal_has_its_own_code_and_title_and_a_hint() {
    let distinct = |text: fn(Refusal) -> &'static str| {
        Refusal::ALL
            .iter()
            .copied()
            .map(text)
            .collect::<BTreeSet<_>>()
            .len()
    };
    assert_eq!(distinct(Refusal::code), Refusal::ALL.len());
    assert_eq!(distinct(Refusal::title), Refusal::ALL.len());
    assert!(Refusal::ALL.iter().all(|refusal| refusal.hint().len() > 10));
}

#[test]
fn codes_survive_text_and_json() {
    for &refusal in Refusal::ALL {
        assert_eq!(refusal.code().parse(), Ok(refusal));
        let json = serde_json::to_string(&refusal).unwrap();
        assert_eq!(json, format!("\"{refusal}\""));
        assert_eq!(serde_json::from_str::<Refusal>(&json).unwrap(), refusal);
    }
}

#[test]
fn refuses_codes_that_are_not_on_the_list() {
    for code in [
        "",
        "Policy_unknown",
        "policy-unknown",
        " replay",
        "teapot",
        "404",
    ] {
        assert_eq!(code.parse::<Refusal>(), Err(Error::RefusalCode), "{code}");
    }
    assert!(serde_json::from_str::<Refusal>("404").is_err());
}

#[test]
fn what_cannot_change_by_waiting_is_not_temporary() {
    for refusal in [
        Refusal::PolicyRevoked,
        Refusal::PolicyEnded,
        Refusal::BadSignature,
    ] {
        assert!(!refusal.is_temporary(), "{refusal}");
    }
    for refusal in [
        Refusal::TooMany,
        Refusal::PolicyUnconfirmed,
        Refusal::StaleChainView,
    ] {
        assert!(refusal.is_temporary(), "{refusal}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(code in any::<String>()) {
        if let Ok(refusal) = code.parse::<Refusal>() {
            prop_assert_eq!(refusal.code(), code);
        }
    }
}
