//! The author's word: what it binds, and what the contract would refuse.

use proptest::prelude::*;

use super::super::tests::{check_refused, check_strict};
use super::*;
use crate::primitives::B256;
use crate::test_support::{
    CHAIN_ID, DOMAIN, MINER, POLICY_MANAGER, any_address, any_b256, secret, terms,
};

fn id() -> PolicyId {
    terms().id(CHAIN_ID, &POLICY_MANAGER)
}

fn delivery() -> Delivery {
    Delivery::unsigned(Period(7)).signed(&DOMAIN, id(), MINER, &secret(3))
}

fn verifier() -> Address {
    secret(3).address()
}

#[test]
fn accepts_the_authors_word() {
    assert_eq!(delivery().verify(&DOMAIN, id(), MINER, &verifier()), Ok(()));
}

/// As the contract hashes it: `test/policies/Delivery.t.sol` signs the same type in Solidity.
#[test]
fn binds_policy_miner_period_chain_contract_and_use() {
    let statement = delivery().statement(id(), MINER);
    let judged = Domain::policy_manager(CHAIN_ID, POLICY_MANAGER);
    let digest = statement.digest(&judged);
    assert_eq!(delivery().signature.recover(&digest), Ok(verifier()));
    for other in [
        Domain::node(CHAIN_ID, POLICY_MANAGER),
        Domain::policy_manager(CHAIN_ID + 1, POLICY_MANAGER),
        Domain::policy_manager(CHAIN_ID, MINER),
    ] {
        assert_ne!(statement.digest(&other), digest);
    }
}

#[test]
fn refuses_a_word_about_anything_else() {
    let (word, other) = (delivery(), Address([0x52; 20]));
    let refused = [
        word.verify(&DOMAIN, PolicyId(B256([1; 32])), MINER, &verifier()),
        word.verify(&DOMAIN, id(), other, &verifier()),
        word.verify(&DOMAIN, id(), MINER, &other),
        word.verify(
            &Domain::node(CHAIN_ID + 1, POLICY_MANAGER),
            id(),
            MINER,
            &verifier(),
        ),
        word.verify(&Domain::node(CHAIN_ID, other), id(), MINER, &verifier()),
        Delivery {
            period: Period(8),
            ..word
        }
        .verify(&DOMAIN, id(), MINER, &verifier()),
    ];
    for result in refused {
        assert!(matches!(result, Err(Error::Signer { .. })), "{result:?}");
    }
}

#[test]
fn refuses_no_period_and_no_signature() {
    let none = Delivery::unsigned(Period::NEVER).signed(&DOMAIN, id(), MINER, &secret(3));
    assert_eq!(
        none.verify(&DOMAIN, id(), MINER, &verifier()),
        Err(Error::Mismatch(Mismatch::Delivery))
    );
    assert_eq!(
        Delivery::unsigned(Period(7)).verify(&DOMAIN, id(), MINER, &verifier()),
        Err(Error::SignatureRecovery { v: 0 })
    );
}

#[test]
fn json_is_strict() {
    check_strict(&delivery(), &[]);
    let mut json = serde_json::to_value(delivery()).unwrap();
    json["period"] = (-1).into();
    check_refused::<Delivery>(&json);
    json["period"] = (u64::from(u32::MAX) + 1).into();
    check_refused::<Delivery>(&json);
}

proptest! {
    #[test]
    fn only_what_was_signed_holds(
        policy in any_b256(),
        miner in any_address(),
        period in 1_u32..,
        bit in 0_usize..520,
    ) {
        let policy = PolicyId(policy);
        let word = Delivery::unsigned(Period(period)).signed(&DOMAIN, policy, miner, &secret(3));
        prop_assert_eq!(word.verify(&DOMAIN, policy, miner, &verifier()), Ok(()));
        let (r, vs) = word.signature.compact();
        let half_is_odd = word.signature.0[64] == 28;
        prop_assert_eq!(vs.0[0] >> 7 == 1, half_is_odd);
        prop_assert_eq!(&r.0[..], &word.signature.0[..32]);
        let mut damaged = word;
        damaged.signature.0[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(damaged.verify(&DOMAIN, policy, miner, &verifier()).is_err());
    }
}
