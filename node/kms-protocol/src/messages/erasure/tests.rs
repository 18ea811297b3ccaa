//! Erasure receipts: the golden signature of `cast wallet sign --data`, and refusals.

use proptest::prelude::*;

use super::super::tests::{check_damaged, check_strict};
use super::*;
use crate::error::Error;
use crate::messages::KfragAck;
use crate::primitives::keccak256;
use crate::test_support::{
    CHAIN_ID, DOMAIN, MINER, POLICY_MANAGER, any_address, any_b256, any_signature, secret, terms,
};

fn receipt() -> ErasureReceipt {
    let kfrag: Vec<u8> = (0..195).collect();
    ErasureReceipt {
        policy_id: terms().id(CHAIN_ID, &POLICY_MANAGER),
        miner: MINER,
        kfrag_hash: keccak256(&kfrag),
        block_number: 1_234_569,
        block_hash: B256([0x99; 32]),
        signature: EthSignature::UNSIGNED,
    }
    .signed(&DOMAIN, &secret(4))
}

fn check_refused(change: impl FnOnce(&mut ErasureReceipt)) {
    let mut changed = receipt();
    change(&mut changed);
    let refused = changed.verify(&DOMAIN, &secret(4).address());
    assert!(matches!(refused, Err(Error::Signer { .. })), "{refused:?}");
}

#[test]
fn a_receipt_signs_as_cast_does() {
    assert_eq!(
        receipt().signature.to_string(),
        "0x34bd1a502d3fa8dd0288b1177b2c68a2fef93ecba5cff690526c5f56f3ca798a\
         50b92e66232730e0e623e7b22a55b772145ac356d34d2c88dc3093eed4e211481b"
    );
    assert_eq!(receipt().verify(&DOMAIN, &secret(4).address()), Ok(()));
}

#[test]
fn refuses_a_receipt_changed_after_signing() {
    check_refused(|receipt| receipt.policy_id = PolicyId(B256([1; 32])));
    check_refused(|receipt| receipt.miner = Address([1; 20]));
    check_refused(|receipt| receipt.kfrag_hash = B256([1; 32]));
    check_refused(|receipt| receipt.block_number += 1);
    check_refused(|receipt| receipt.block_hash = B256([1; 32]));
}

#[test]
fn refuses_a_receipt_by_another_key_or_with_an_acknowledgements_signature() {
    check_refused(|receipt| *receipt = receipt.signed(&DOMAIN, &secret(5)));
    let ack = KfragAck {
        policy_id: receipt().policy_id,
        miner: MINER,
        kfrag_hash: receipt().kfrag_hash,
        signature: EthSignature::UNSIGNED,
    };
    check_refused(|receipt| receipt.signature = ack.signed(&DOMAIN, &secret(4)).signature);
}

#[test]
fn json_is_strict() {
    check_strict(&receipt(), &[]);
}

proptest! {
    #[test]
    fn receipts_survive_json(
        id in any_b256(),
        miner in any_address(),
        hashes in (any_b256(), any_b256()),
        block_number: u64,
        signature in any_signature(),
    ) {
        let (kfrag_hash, block_hash) = hashes;
        let policy_id = PolicyId(id);
        let receipt =
            ErasureReceipt { policy_id, miner, kfrag_hash, block_number, block_hash, signature };
        let json = serde_json::to_string(&receipt).unwrap();
        prop_assert_eq!(serde_json::from_str::<ErasureReceipt>(&json).unwrap(), receipt);
    }

    #[test]
    fn damaged_json_is_read_or_refused(at: prop::sample::Index, byte: u8) {
        check_damaged(&receipt(), at, byte);
    }
}
