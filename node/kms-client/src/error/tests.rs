use std::collections::BTreeSet;

use kms_protocol::B256;

use super::*;

fn policy() -> PolicyId {
    PolicyId(B256([9; 32]))
}

fn failure(code: &str) -> NodeFailure {
    NodeFailure {
        miner: Address::ZERO,
        url: String::new(),
        code: code.to_owned(),
        detail: String::new(),
    }
}

#[test]
fn codes_are_distinct_and_stable() {
    let codes: Vec<_> = Error::TABLE.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    let is_plain = |code: &&str| code.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    assert!(codes.iter().all(is_plain), "{codes:?}");
    let revoked = Error::PolicyRevoked { policy: policy() };
    assert_eq!(revoked.code(), "policy_revoked");
    let format = Error::Format(kms_format::Error::WrongKey);
    assert_eq!(format.code(), kms_format::Error::WrongKey.code());
}

#[test]
fn every_error_has_a_remedy() {
    for (code, remedy) in Error::TABLE {
        assert!(remedy.split_whitespace().count() >= 2, "{code}: {remedy}");
    }
}

#[test]
fn only_errors_about_nodes_list_nodes() {
    let nodes = vec![failure("timeout"), failure("bad_fragment")];
    let missed = Error::ThresholdNotMet {
        need: 3,
        got: 1,
        nodes: nodes.clone(),
    };
    assert_eq!(missed.nodes(), nodes);
    assert!(Error::Interrupted.nodes().is_empty());
    assert_eq!(
        Error::PolicyRevoked { policy: policy() }.policy(),
        Some(policy())
    );
    assert_eq!(Error::Interrupted.policy(), None);
}
