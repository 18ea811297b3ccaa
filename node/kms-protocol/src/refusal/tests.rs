//! The list is closed, its codes stable, its columns complete.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Code and status as documented; a change here breaks clients.
const TABLE: [(&str, u16); 24] = [
    ("policy_unknown", 404),
    ("policy_unconfirmed", 425),
    ("policy_not_started", 425),
    ("policy_ended", 410),
    ("policy_revoked", 410),
    ("not_this_miner", 421),
    ("bad_signature", 401),
    ("replay", 409),
    ("stale_request", 409),
    ("stale_chain_view", 503),
    ("too_many", 429),
    ("kfrag_missing", 404),
    ("kfrag_conflict", 409),
    ("kfrag_invalid", 422),
    ("kfrag_foreign", 422),
    ("kfrag_outdated", 410),
    ("commitments_invalid", 422),
    ("capsule_invalid", 422),
    ("bad_request", 400),
    ("too_large", 413),
    ("not_found", 404),
    ("shutting_down", 503),
    ("storage_full", 507),
    ("internal", 500),
];

#[test]
fn codes_and_statuses_are_the_documented_ones() {
    let listed: Vec<_> = Refusal::ALL
        .iter()
        .map(|refusal| (refusal.code(), refusal.http_status()))
        .collect();
    assert_eq!(listed, TABLE);
}

#[test]
fn every_refusal_has_its_own_code_and_title_and_a_hint() {
    let distinct = |text: fn(Refusal) -> &'static str| {
        Refusal::ALL
            .into_iter()
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
    for refusal in Refusal::ALL {
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
