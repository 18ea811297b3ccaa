//! The accusation against `cast`, the evidence against the vectors the contract is tested with.

use proptest::prelude::*;
use serde_json::Value;
use umbral::fault::FragPoint;

use super::*;
use crate::error::Error;
use crate::test_support::{CHAIN_ID, DOMAIN, POLICY_MANAGER, secret};
use crate::{Domain, FixedBytes};

const VECTORS: &str = include_str!("../../../../tests/vectors/granted_witness.json");

const ACCUSATION: Accusation = Accusation {
    miner: Address([0x51; 20]),
    policy_id: PolicyId(B256([0x61; 32])),
    capsule_hash: B256([0x62; 32]),
    challenger: Address([0x63; 20]),
};

const JUDGE: Domain = Domain::adjudicator(CHAIN_ID, POLICY_MANAGER);

fn vector(name: &str) -> Vec<u8> {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    hex::decode(vectors["honest"][0][name].as_str().unwrap()).unwrap()
}

#[test]
fn hashes_and_signs_as_cast_does() {
    assert_eq!(
        JUDGE.separator().to_string(),
        "0xcc2c7c5adfc6193b0fd8178e4141dec439a9c919942482cfadce8c41ccea75ee"
    );
    assert_eq!(
        ACCUSATION.sign(&JUDGE, &secret(2)).to_string(),
        "0x62b9137cd84ae971e704a535cf8deb3c2e0a5eca23f72e2e70ec50deba8768a1\
         0a5ed69e3b661475b0db971892c61a1532d0f1729d05e6c8144b95f9f9f47d341c"
    );
    assert_eq!(
        ACCUSATION.key().to_string(),
        "0x54e0ef24fee1e374239fc2e72527477842272d16c4f069e86a7e091cfd3ec145"
    );
}

#[test]
fn refuses_what_was_signed_for_anything_else() {
    let signature = ACCUSATION.sign(&JUDGE, &secret(2));
    let signer = secret(2).address();
    assert_eq!(ACCUSATION.check(&JUDGE, &signature, &signer), Ok(()));
    let elsewhere = [
        DOMAIN,
        Domain::policy_manager(CHAIN_ID, POLICY_MANAGER),
        Domain::adjudicator(CHAIN_ID + 1, POLICY_MANAGER),
        Domain::adjudicator(CHAIN_ID, Address([1; 20])),
    ];
    for domain in elsewhere {
        let refused = ACCUSATION.check(&domain, &signature, &signer);
        assert!(matches!(refused, Err(Error::Signer { .. })), "{domain:?}");
    }
    let changes: [fn(&mut Accusation); 4] = [
        |accusation| accusation.miner.0[0] ^= 1,
        |accusation| accusation.policy_id.0.0[0] ^= 1,
        |accusation| accusation.capsule_hash.0[0] ^= 1,
        |accusation| accusation.challenger.0[0] ^= 1,
    ];
    for change in changes {
        let mut changed = ACCUSATION;
        change(&mut changed);
        let refused = changed.check(&JUDGE, &signature, &signer);
        assert!(matches!(refused, Err(Error::Signer { .. })), "{changed:?}");
    }
}

#[test]
fn a_conviction_is_keyed_by_miner_policy_and_capsule_alone() {
    let mut other = ACCUSATION;
    other.challenger = Address([1; 20]);
    assert_eq!(other.key(), ACCUSATION.key());
    other.capsule_hash = B256([1; 32]);
    assert_ne!(other.key(), ACCUSATION.key());
}

#[test]
fn evidence_is_laid_out_as_the_contract_reads_it() {
    let simple: [u8; 98] = vector("capsule").try_into().unwrap();
    let capsule = Capsule::from_bytes(&simple).unwrap();
    let witness = CapsuleWitness::new(&capsule).unwrap();
    let cfrag = FixedBytes(vector("cfrag").try_into().unwrap());
    let evidence = wrong_fragment_evidence(
        &capsule,
        &witness,
        &cfrag,
        &Fault::PointRange(FragPoint::U2),
    );
    let expected = [
        simple.as_slice(),
        cfrag.as_ref(),
        &vector("roots"),
        &[5],
        &[0, 230],
    ]
    .concat();
    assert_eq!(evidence, expected);
    assert_eq!(evidence.len(), 524);
}

proptest! {
    #[test]
    fn equivocation_is_both_fragments(one: u8, other: u8) {
        let evidence = equivocation_evidence(&FixedBytes([one; 359]), &FixedBytes([other; 359]));
        prop_assert_eq!(evidence.len(), 718);
        prop_assert!(evidence[..359].iter().all(|byte| *byte == one));
        prop_assert!(evidence[359..].iter().all(|byte| *byte == other));
    }
}
