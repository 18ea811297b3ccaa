//! Information, certificate and status: strict JSON, signed for one miner, worker, chain and time.

use proptest::prelude::*;

use super::super::tests::{check_damaged, check_refused, check_strict};
use super::*;
use crate::eth::EthSignature;
use crate::primitives::B256;
use crate::refusal::Refusal;
use crate::test_support::{CHAIN_ID, DOMAIN, MINER, POLICY_MANAGER, any_address, any_b256, secret};

fn certificate() -> TransportCertificate {
    TransportCertificate {
        miner: MINER,
        key: B256([7; 32]),
        first_period: Period(5),
        last_period: Period(6),
        signature: EthSignature::UNSIGNED,
    }
    .signed(&DOMAIN, &secret(4))
}

fn info() -> NodeInfo {
    NodeInfo {
        miner: MINER,
        worker: secret(4).address(),
        chain_id: CHAIN_ID,
        policy_manager: POLICY_MANAGER,
        version: "0.1.0".to_owned(),
        head_block: 12,
        transport: certificate(),
        signature: EthSignature::UNSIGNED,
    }
    .signed(&DOMAIN, &secret(4))
}

fn verify(info: &NodeInfo) -> Result<()> {
    info.verify(&DOMAIN, &MINER, &secret(4).address(), Period(5))
}

fn status() -> PolicyStatus {
    PolicyStatus {
        policy_id: PolicyId(B256([1; 32])),
        serving: false,
        refusal: Some(Problem::new(Refusal::PolicyRevoked, "revoked in block 12")),
        kfrag: KfragState::Erased,
        erasure: Some(ErasureReceipt {
            policy_id: PolicyId(B256([1; 32])),
            miner: MINER,
            kfrag_hash: B256([2; 32]),
            block_number: 12,
            block_hash: B256([3; 32]),
            signature: EthSignature([4; 65]),
        }),
    }
}

#[test]
fn json_is_strict() {
    check_strict(&info(), &[]);
    check_strict(&certificate(), &[]);
    check_strict(&status(), &["refusal", "erasure"]);
}

#[test]
fn absent_parts_are_left_out() {
    let status = PolicyStatus {
        serving: true,
        refusal: None,
        kfrag: KfragState::Stored,
        erasure: None,
        ..status()
    };
    let json = serde_json::to_value(&status).unwrap();
    let expected = serde_json::json!({
        "policy_id": status.policy_id.to_string(), "serving": true, "kfrag": "stored",
    });
    assert_eq!(json, expected);
    assert_eq!(
        serde_json::from_value::<PolicyStatus>(json).unwrap(),
        status
    );
}

#[test]
fn refuses_an_unknown_state_and_a_version_that_could_deceive_a_terminal() {
    let mut json = serde_json::to_value(status()).unwrap();
    json["kfrag"] = "lost".into();
    check_refused::<PolicyStatus>(&json);
    let mut json = serde_json::to_value(info()).unwrap();
    json["version"] = "\u{1b}[2J".into();
    check_refused::<NodeInfo>(&json);
}

#[test]
fn information_signs_as_cast_does() {
    assert_eq!(
        info().signature.to_string(),
        "0x0b7fb7d627252a66de31f8bc4e41accdd3a4ef46c3b509bc5f82c9401a386a1548\
         977b21be557a7ef22be28012d38e36ca99ab23ae8c58f1f162c713948c169f1c"
    );
    assert_eq!(
        certificate().signature.to_string(),
        "0xca2a2e3638770e45546703d8dbfe390382d80a028853927bacc821114386fea867\
         97d68d98b5c8f77e45de57f36f90dd4de99dfdd5cb70a4f739f914e5248bce1b"
    );
}

#[test]
fn information_holds_for_one_miner_worker_and_chain() {
    let (info, worker) = (info(), secret(4).address());
    verify(&info).unwrap();
    let other = secret(9).address();
    let refused = info
        .verify(&DOMAIN, &other, &worker, Period(5))
        .unwrap_err();
    assert_eq!(refused, Error::Mismatch(Mismatch::Miner));
    let refused = info.verify(&DOMAIN, &MINER, &other, Period(5)).unwrap_err();
    assert_eq!(refused, Error::Mismatch(Mismatch::Worker));
    let elsewhere = Domain {
        chain_id: 1,
        ..DOMAIN
    };
    let refused = info
        .verify(&elsewhere, &MINER, &worker, Period(5))
        .unwrap_err();
    assert_eq!(refused, Error::Mismatch(Mismatch::Chain));
}

#[test]
fn refuses_information_that_was_changed() {
    let changed = [
        NodeInfo {
            version: "9".to_owned(),
            ..info()
        },
        NodeInfo {
            head_block: 13,
            ..info()
        },
        NodeInfo {
            signature: EthSignature::UNSIGNED,
            ..info()
        },
        info().signed(&DOMAIN, &secret(9)),
    ];
    for info in changed {
        assert!(verify(&info).is_err(), "{info:?}");
    }
}

/// Who signs the information anew cannot certify a key by it.
#[test]
fn refuses_a_certificate_that_was_changed() {
    let changed = [
        TransportCertificate {
            key: B256([8; 32]),
            ..certificate()
        },
        TransportCertificate {
            first_period: Period(4),
            ..certificate()
        },
        TransportCertificate {
            last_period: Period(5),
            ..certificate()
        },
        TransportCertificate {
            miner: secret(9).address(),
            ..certificate()
        }
        .signed(&DOMAIN, &secret(4)),
        certificate().signed(&DOMAIN, &secret(9)),
    ];
    for transport in changed {
        let info = NodeInfo {
            transport,
            ..info()
        }
        .signed(&DOMAIN, &secret(4));
        assert!(verify(&info).is_err(), "{transport:?}");
    }
}

#[test]
fn a_certificate_holds_for_two_periods_at_most() {
    let (certificate, worker) = (certificate(), secret(4).address());
    for (now, holds) in [(3, false), (4, true), (5, true), (6, true), (7, false)] {
        let verified = certificate.verify(&DOMAIN, &MINER, &worker, Period(now));
        assert_eq!(verified.is_ok(), holds, "period {now}");
    }
    for (first, last) in [(5, 7), (0, u32::MAX), (4, 6)] {
        let (first_period, last_period) = (Period(first), Period(last));
        let long = TransportCertificate {
            first_period,
            last_period,
            ..certificate
        };
        let long = long.signed(&DOMAIN, &secret(4));
        let refused = long
            .verify(&DOMAIN, &MINER, &worker, Period(5))
            .unwrap_err();
        assert_eq!(refused.code(), "certificate_period");
    }
}

proptest! {
    #[test]
    fn messages_survive_json(
        people in (any_address(), any_address(), any_address()),
        numbers: (u64, u64),
        version in "[a-z0-9.+-]{0,40}",
        id in any_b256(),
        serving: bool,
    ) {
        let info = NodeInfo {
            miner: people.0,
            worker: people.1,
            policy_manager: people.2,
            chain_id: numbers.0,
            head_block: numbers.1,
            version,
            ..info()
        };
        let json = serde_json::to_string(&info).unwrap();
        prop_assert_eq!(serde_json::from_str::<NodeInfo>(&json).unwrap(), info);
        let status = PolicyStatus { policy_id: PolicyId(id), serving, ..status() };
        let json = serde_json::to_string(&status).unwrap();
        prop_assert_eq!(serde_json::from_str::<PolicyStatus>(&json).unwrap(), status);
    }

    #[test]
    fn damaged_json_is_read_or_refused(at: prop::sample::Index, byte: u8) {
        check_damaged(&info(), at, byte);
        check_damaged(&status(), at, byte);
        check_damaged(&certificate(), at, byte);
    }
}
