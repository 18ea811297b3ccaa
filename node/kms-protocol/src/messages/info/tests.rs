//! Information and status: strict JSON.

use proptest::prelude::*;

use super::super::tests::{check_damaged, check_refused, check_strict};
use super::*;
use crate::eth::EthSignature;
use crate::primitives::B256;
use crate::refusal::Refusal;
use crate::test_support::{CHAIN_ID, MINER, POLICY_MANAGER, any_address, any_b256, delegating};

fn info() -> NodeInfo {
    NodeInfo {
        miner: MINER,
        worker: MINER,
        umbral_key: delegating(),
        chain_id: CHAIN_ID,
        policy_manager: POLICY_MANAGER,
        version: "0.1.0".to_owned(),
        head_block: 12,
    }
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
    }
}
