use std::collections::BTreeSet;

use kms_chain::ChainError;
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
fn exits_are_the_documented_ones() {
    let reverted = ChainError::Reverted {
        name: "PolicyEnded".to_owned(),
        args: Vec::new(),
    };
    let nodes = vec![failure("timeout")];
    let io = |kind: std::io::ErrorKind| Error::io(Path::new("x"), kind.into());
    let cases = [
        (Error::SeedInvalid, 2),
        (
            Error::LabelUnknown {
                label: "x".to_owned(),
            },
            3,
        ),
        (io(std::io::ErrorKind::NotFound), 3),
        (
            Error::NoPolicy {
                what: String::new(),
            },
            10,
        ),
        (
            Error::PolicyExpired {
                policy: policy(),
                last: Period(3),
            },
            11,
        ),
        (Error::PolicyRevoked { policy: policy() }, 12),
        (
            Error::ThresholdNotMet {
                need: 2,
                got: 1,
                nodes,
            },
            13,
        ),
        (Error::Format(kms_format::Error::BadMagic), 20),
        (
            Error::Format(kms_format::Error::Truncated { offset: 1 }),
            20,
        ),
        (Error::Format(kms_format::Error::WrongKey), 21),
        (
            Error::Format(kms_format::Error::ChunkTampered { chunk: 4 }),
            22,
        ),
        (Error::Format(kms_format::Error::HeaderTampered), 22),
        (Error::Chain(ChainError::NoEndpoint), 30),
        (Error::Chain(reverted), 31),
        (
            Error::FeeAboveMax {
                price: Amount(2),
                limit: Amount(1),
            },
            33,
        ),
        (Error::PassphraseMissing, 40),
        (Error::Interrupted, 50),
        (io(std::io::ErrorKind::StorageFull), 70),
        (Error::Bug("x"), 70),
    ];
    for (error, exit) in cases {
        assert_eq!(error.exit(), exit, "{error}");
    }
}

#[test]
fn codes_are_distinct_and_stable() {
    let codes = [
        Error::SeedInvalid.code(),
        Error::NoPolicy {
            what: String::new(),
        }
        .code(),
        Error::PolicyExpired {
            policy: policy(),
            last: Period(3),
        }
        .code(),
        Error::PolicyRevoked { policy: policy() }.code(),
        Error::Interrupted.code(),
        Error::Chain(ChainError::NoEndpoint).code(),
        Error::Format(kms_format::Error::WrongKey).code(),
    ];
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    assert_eq!(codes[3], "policy_revoked");
    let shares = Error::SharesInconsistent {
        policy: policy(),
        nodes: Vec::new(),
    };
    assert_eq!((shares.code(), shares.exit()), ("shares_inconsistent", 14));
    assert_eq!(shares.policy(), Some(policy()));
    assert!(
        codes
            .iter()
            .all(|code| code.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    );
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
