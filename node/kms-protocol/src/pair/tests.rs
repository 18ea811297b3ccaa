//! Vectors computed with Python's `hmac` and `hashlib` and a point multiplication by hand, and
//! properties.

use proptest::prelude::*;
use umbral::SecretKey;

use super::*;
use crate::primitives::keccak256;
use crate::test_support::{
    CHAIN_ID, POLICY_MANAGER, any_address, any_terms, delegating, receiving, terms,
};
use crate::{Amount, Period};

fn secret_key(byte: u8) -> SecretKey {
    SecretKey::from_secret_bytes(&[byte; 32]).unwrap()
}

fn owner() -> PairKey {
    PairKey::of_owner(&secret_key(1), &receiving()).unwrap()
}

fn reader() -> PairKey {
    PairKey::of_reader(&secret_key(2), &delegating()).unwrap()
}

fn tagged() -> Terms {
    owner().tagged(terms(), CHAIN_ID, &POLICY_MANAGER)
}

#[test]
fn blindings_and_keys_hashes_are_those_of_the_vectors() {
    let vectors = [
        (
            0,
            "0xc684f87a7fbf4fdba9f67092ac76b6739fd39729a20b66d672eec73fa4cc7f60",
            "0x7dd539e4451eb102024de3e6b9b73bf82298ebd80d674696ac5914113ccc82ed",
        ),
        (
            1,
            "0xe225cd77273afa9a01c6a1f7ff49ef7d0fe0925c217ccd65fa47b130d6c6af25",
            "0xd7fa9f2e078d7f78005f88c4102b68f95eed3faaa2f407879b3d808a412468e6",
        ),
        (
            0xdead_beef,
            "0x8e12154b550b59a6846bd1236fc74d4439f4df56956bb4454e567ea32fb3bf33",
            "0x493787e8460526fe4427b8640bee5bff6ba41b71305a340362b76b0fbb15726b",
        ),
    ];
    for (number, blinding, hash) in vectors {
        assert_eq!(owner().blinding(number).to_string(), blinding);
        assert_eq!(owner().keys_hash(number).to_string(), hash);
    }
}

#[test]
fn the_tag_is_that_of_the_vector() {
    let salt = "0x4444444444444444444444444444444443512ba443eec3186a2812b15df96e50";
    assert_eq!(tagged().salt.to_string(), salt);
    assert!(owner().recognises(&tagged(), CHAIN_ID, &POLICY_MANAGER));
}

#[test]
fn a_tag_leaves_all_but_the_end_of_the_salt() {
    let mut untagged = tagged();
    assert_eq!(untagged.salt.0[..16], terms().salt.0[..16]);
    untagged.salt = terms().salt;
    assert_eq!(untagged, terms());
}

/// Every hash that a third party can make of the public keys, with and without a number.
#[test]
fn no_public_value_tells_a_look_up_value() {
    let (a, b) = (delegating().to_bytes(), receiving().to_bytes());
    let joined = [a.as_slice(), &b].concat();
    let guesses = (0..16_u32).flat_map(|number| {
        let numbered = [joined.as_slice(), &number.to_be_bytes()].concat();
        let blinded = |blinding: B256| keys_hash(&delegating(), &receiving(), &blinding);
        [
            keccak256(&joined),
            keccak256(&numbered),
            blinded(B256::ZERO),
            blinded(keccak256(&joined)),
            blinded(keccak256(&numbered)),
        ]
    });
    let guesses: Vec<B256> = guesses.collect();
    for number in 0..16 {
        assert!(!guesses.contains(&owner().keys_hash(number)));
        assert!(!guesses.contains(&owner().blinding(number)));
    }
}

#[test]
fn two_grants_of_a_pair_share_nothing() {
    let hashes: Vec<B256> = (0..64).map(|number| owner().keys_hash(number)).collect();
    for (at, hash) in hashes.iter().enumerate() {
        for other in &hashes[at + 1..] {
            let equal = hash.0.iter().zip(other.0).filter(|(a, b)| **a == *b);
            assert!(equal.count() < 8, "{hash} {other}");
        }
    }
}

#[test]
fn a_changed_policy_is_not_recognised() {
    let changes: [fn(&mut Terms); 13] = [
        |t| t.author.0[19] ^= 1,
        |t| t.sponsor.0[0] ^= 1,
        |t| t.verifier.0[7] ^= 1,
        |t| t.keys_hash.0[31] ^= 1,
        |t| t.rate = Amount(t.rate.0 + 1),
        |t| t.first_period = Period(t.first_period.0 + 1),
        |t| t.last_period = Period(t.last_period.0 + 1),
        |t| t.threshold = 1,
        |t| t.salt.0[0] ^= 1,
        |t| t.salt.0[16] ^= 1,
        |t| t.salt.0[31] ^= 0x80,
        |t| t.miners.truncate(2),
        |t| t.miners[0].0[0] ^= 1,
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut changed = tagged();
        change(&mut changed);
        let recognised = reader().recognises(&changed, CHAIN_ID, &POLICY_MANAGER);
        assert!(!recognised, "change {at}");
    }
    assert!(!reader().recognises(&terms(), CHAIN_ID, &POLICY_MANAGER));
    assert!(!reader().recognises(&tagged(), CHAIN_ID + 1, &POLICY_MANAGER));
    let mut other = POLICY_MANAGER;
    other.0[19] ^= 1;
    assert!(!reader().recognises(&tagged(), CHAIN_ID, &other));
}

#[test]
fn another_pair_recognises_nothing() {
    let others = [
        PairKey::of_owner(&secret_key(1), &secret_key(3).public_key()),
        PairKey::of_owner(&secret_key(3), &receiving()),
        // The same point, but the roles exchanged.
        PairKey::of_owner(&secret_key(2), &delegating()),
        PairKey::of_reader(&secret_key(1), &receiving()),
        PairKey::of_reader(&secret_key(3), &delegating()),
    ];
    for other in others {
        let other = other.unwrap();
        assert!(!other.recognises(&tagged(), CHAIN_ID, &POLICY_MANAGER));
        assert_ne!(other.keys_hash(0), owner().keys_hash(0));
        assert_ne!(other.blinding(0), owner().blinding(0));
    }
}

#[test]
fn a_pair_key_is_not_printed() {
    assert_eq!(format!("{:?}", owner()), "PairKey(<redacted>)");
}

proptest! {
    #[test]
    fn owner_and_reader_agree(
        a in 1_u8.., b in 1_u8.., number: u32, terms in any_terms(),
        chain_id: u64, contract in any_address(),
    ) {
        let (a, b) = (secret_key(a.min(0xfe)), secret_key(b.min(0xfe)));
        let owner = PairKey::of_owner(&a, &b.public_key()).unwrap();
        let reader = PairKey::of_reader(&b, &a.public_key()).unwrap();
        prop_assert_eq!(owner.blinding(number), reader.blinding(number));
        prop_assert_eq!(owner.keys_hash(number), reader.keys_hash(number));
        let sent = owner.tagged(terms, chain_id, &contract);
        prop_assert!(reader.recognises(&sent, chain_id, &contract));
        prop_assert_eq!(&reader.tagged(sent.clone(), chain_id, &contract), &sent);
    }

    #[test]
    fn a_tag_holds_for_its_own_bytes_alone(terms in any_terms(), bit in 0_usize..256) {
        let mut sent = owner().tagged(terms, CHAIN_ID, &POLICY_MANAGER);
        sent.salt.0[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!reader().recognises(&sent, CHAIN_ID, &POLICY_MANAGER));
    }

    #[test]
    fn terms_of_somebody_else_are_not_recognised(terms in any_terms()) {
        prop_assert!(!reader().recognises(&terms, CHAIN_ID, &POLICY_MANAGER));
    }
}
