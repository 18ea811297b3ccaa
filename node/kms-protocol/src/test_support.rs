//! Fixtures and strategies shared by the tests of this crate.
//!
//! The golden values in the tests were computed from these fixtures with Foundry's `cast` 1.7.1
//! (`abi-encode`, `keccak`, `wallet sign --data`), independently of this code.

use proptest::prelude::*;
use umbral::{PublicKey, SecretKey, Signer, VerifyingKey};

use crate::messages::CommitmentsBytes;
use crate::{Address, Amount, B256, Domain, EthSecret, EthSignature, Period, Terms, keys_hash};

/// See [`commitments`].
const COMMITMENTS: &str = "\
    02000203aa24c10e9c011cad68f49d5d53204f68768dc6b26fb3c14fd30866311e77e589030af4990eb1d55fb0\
    c0aa2bd75d1ef35d24d237247363a97c6d3f04d53ee88713020d51203580b09784a68eee760744c2f767a89fec\
    d98bf164d1fc92befc631140ac6244ed39e743d782ec396e7187154c7f2ca909957799fbb74ec6822f1b482f59\
    02e927b5c002a66eb676bcf580c91f95bac94439772ab492edc2ddc331b8b2910a3c6cd52644362224db2eb460\
    5221b4ccee1da21687f561ad51a8d956214523661692e0a9ea40515f09ed95d38f4a4c592365ad06714adc90d9\
    c83faac983";

pub(crate) const CHAIN_ID: u64 = 31_337;

/// 0x5FbDB2315678afecb367f032d93F642f64180aa3
pub(crate) const POLICY_MANAGER: Address = Address([
    0x5f, 0xbd, 0xb2, 0x31, 0x56, 0x78, 0xaf, 0xec, 0xb3, 0x67, 0xf0, 0x32, 0xd9, 0x3f, 0x64, 0x2f,
    0x64, 0x18, 0x0a, 0xa3,
]);

pub(crate) const MINER: Address = Address([0x51; 20]);

pub(crate) const BLINDING: B256 = B256([0x42; 32]);

pub(crate) const DOMAIN: Domain = Domain::node(CHAIN_ID, POLICY_MANAGER);

/// Secret scalars are one byte repeated: 1 delegating, 2 receiving, 3 verifying, 4 worker.
pub(crate) fn secret(byte: u8) -> EthSecret {
    EthSecret::from_bytes(&[byte; 32]).unwrap()
}

pub(crate) fn delegating() -> PublicKey {
    SecretKey::from_secret_bytes(&[1; 32]).unwrap().public_key()
}

pub(crate) fn receiving() -> PublicKey {
    SecretKey::from_secret_bytes(&[2; 32]).unwrap().public_key()
}

pub(crate) fn verifying() -> VerifyingKey {
    Signer::from_secret_bytes(&[3; 32]).unwrap().verifying_key()
}

pub(crate) fn terms() -> Terms {
    Terms {
        author: Address([0x11; 20]),
        sponsor: Address([0x22; 20]),
        verifier: secret(3).address(),
        keys_hash: keys_hash(&delegating(), &receiving(), &BLINDING),
        rate: Amount(12_500_000_000_000_000),
        first_period: Period(5),
        last_period: Period(34),
        threshold: 2,
        salt: B256([0x44; 32]),
        miners: vec![MINER, Address([0x52; 20]), Address([0x53; 20])],
    }
}

/// Commitments for the terms, m = 2, made by `umbral` from these keys and kept: each making draws
/// anew, and golden signatures cover their hash.
pub(crate) fn commitments() -> CommitmentsBytes {
    CommitmentsBytes::try_from(hex::decode(COMMITMENTS).unwrap().as_slice()).unwrap()
}

pub(crate) fn any_address() -> impl Strategy<Value = Address> {
    any::<[u8; 20]>().prop_map(Address)
}

pub(crate) fn any_b256() -> impl Strategy<Value = B256> {
    any::<[u8; 32]>().prop_map(B256)
}

pub(crate) fn any_signature() -> impl Strategy<Value = EthSignature> {
    proptest::collection::vec(any::<u8>(), 65)
        .prop_map(|bytes| EthSignature::try_from(bytes.as_slice()).unwrap())
}

/// Terms that pass `validate`.
pub(crate) fn any_terms() -> impl Strategy<Value = Terms> {
    let people = (any_address(), any_address(), any_address());
    let numbers = (1..=u128::MAX >> 32, 1_u32.., any::<u32>(), any::<u8>());
    let miners = proptest::collection::btree_set(any_address(), 1..=32);
    (people, numbers, any_b256(), any_b256(), miners).prop_filter_map(
        "a zero address",
        |((author, sponsor, verifier), (rate, first, length, m), keys_hash, salt, miners)| {
            let count = u8::try_from(miners.len()).unwrap();
            let terms = Terms {
                author,
                sponsor,
                verifier,
                keys_hash,
                rate: Amount(rate),
                first_period: Period(first),
                last_period: Period(first.saturating_add(length)),
                threshold: m % count + 1,
                salt,
                miners: miners.into_iter().collect(),
            };
            terms.validate().is_ok().then_some(terms)
        },
    )
}
