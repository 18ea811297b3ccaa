use alloc::format;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::keys::SecretKey;
use crate::policy::Quorum;
use crate::testing::{
    Delegation, TestRng, bad_points, bad_scalars, flip, miner, unjudgeable_point,
};

/// Offsets of the fields.
const KEY: usize = 33;
const PRECURSOR: usize = 65;
const COMMITMENT: usize = 98;
const SIGNATURE: usize = 131;

fn verify(bytes: &[u8; KeyFrag::BYTES], delegation: &Delegation) -> Option<Error> {
    let (context, policy) = (&delegation.context, &delegation.policy);
    KeyFrag::from_bytes(bytes)
        .and_then(|kfrag| kfrag.verify(context, policy, &miner(0)))
        .err()
}

fn with<const N: usize>(offset: usize, part: [u8; N]) -> [u8; KeyFrag::BYTES] {
    let mut bytes = *Delegation::new(1, 2, 2).kfrags[0].to_secret_bytes();
    bytes[offset..offset + N].copy_from_slice(&part);
    bytes
}

#[test]
fn a_kfrag_is_good_for_its_policy_its_miner_and_its_keys_only() {
    let setting = Delegation::new(1, 2, 3);
    let policy = setting.policy;
    let others = [
        Policy {
            chain_id: 1,
            ..policy
        },
        Policy {
            contract: [9; 20],
            ..policy
        },
        Policy {
            policy_id: [9; 32],
            ..policy
        },
        Policy {
            quorum: Quorum::new(1, 3).unwrap(),
            ..policy
        },
        Policy {
            quorum: Quorum::new(2, 4).unwrap(),
            ..policy
        },
        Policy {
            not_before: 11,
            ..policy
        },
        Policy {
            expiry: 21,
            ..policy
        },
        Policy {
            conditions: [1; 32],
            ..policy
        },
    ];
    let refused = |context: &Context, policy: &Policy, miner: &Miner| {
        setting.sent(0).verify(context, policy, miner).err() == Some(Error::KeyFragSignature)
    };
    for other in &others {
        assert!(refused(&setting.context, other, &miner(0)), "{other:?}");
    }
    assert!(refused(&setting.context, &policy, &miner(1)));
    let stranger = SecretKey::random(&mut TestRng::new(5))
        .unwrap()
        .public_key();
    for context in [
        Context {
            delegating: stranger,
            ..setting.context
        },
        Context {
            receiving: stranger,
            ..setting.context
        },
    ] {
        assert!(refused(&context, &policy, &miner(0)));
    }
    assert!(!refused(&setting.context, &policy, &miner(0)));
}

#[test]
fn no_flipped_bit_is_accepted() {
    let delegation = Delegation::new(1, 2, 3);
    let good = delegation.kfrags[0].to_secret_bytes();
    assert_eq!(verify(&good, &delegation), None);
    for bit in 0..KeyFrag::BYTES * 8 {
        assert!(
            verify(&flip(&good, bit), &delegation).is_some(),
            "bit {bit}"
        );
    }
}

#[test]
fn refuses_parts_of_another_kfrag() {
    let delegation = Delegation::new(1, 2, 2);
    let good = *delegation.kfrags[0].to_secret_bytes();
    let other = *delegation.kfrags[1].to_secret_bytes();
    let check = |range: core::ops::Range<usize>, expected| {
        let mut bytes = good;
        bytes[range.clone()].copy_from_slice(&other[range]);
        assert_eq!(verify(&bytes, &delegation), Some(expected));
    };
    check(1..KEY, Error::KeyFragSignature);
    check(KEY..PRECURSOR, Error::CommitmentMismatch);
    check(COMMITMENT..SIGNATURE, Error::CommitmentMismatch);
    check(KEY..SIGNATURE, Error::KeyFragSignature);
    check(SIGNATURE..KeyFrag::BYTES, Error::KeyFragSignature);
}

#[test]
fn refuses_another_version() {
    let object = "kfrag";
    for version in [0, 1, 3, 255] {
        let refused = KeyFrag::from_bytes(&with(0, [version])).err();
        assert_eq!(refused, Some(Error::Version { object }));
    }
}

#[test]
fn refuses_points_that_are_not_canonical() {
    let good = *Delegation::new(1, 1, 1).kfrags[0].frag.precursor.bytes();
    for point in bad_points(good) {
        for (offset, field) in [
            (PRECURSOR, "kfrag precursor"),
            (COMMITMENT, "kfrag commitment"),
        ] {
            let refused = KeyFrag::from_bytes(&with(offset, point)).err();
            assert_eq!(refused, Some(Error::InvalidPoint { field }));
        }
    }
}

#[test]
fn refuses_a_commitment_no_contract_can_judge() {
    let refused = KeyFrag::from_bytes(&with(COMMITMENT, unjudgeable_point())).err();
    let field = "kfrag commitment";
    assert_eq!(refused, Some(Error::PointOutOfRange { field }));
}

#[test]
fn refuses_scalars_out_of_range() {
    for scalar in bad_scalars() {
        for offset in [KEY, SIGNATURE, SIGNATURE + 32] {
            assert!(KeyFrag::from_bytes(&with(offset, scalar)).is_err());
        }
    }
}

#[test]
fn is_not_printed() {
    let kfrag = &Delegation::new(1, 1, 1).kfrags[0];
    let secret = hex::encode(kfrag.frag.key.to_secret_bytes());
    let printed = format!("{kfrag:?} {:?}", kfrag.frag);
    assert!(printed.starts_with("VerifiedKeyFrag(id "));
    assert!(printed.contains("<redacted>") && !printed.to_lowercase().contains(&secret));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn kfrags_survive_encoding(seed: u64) {
        let delegation = Delegation::new(seed, 1, 1);
        let bytes = delegation.kfrags[0].to_secret_bytes();
        let (context, policy) = (&delegation.context, &delegation.policy);
        let again = delegation.sent(0).verify(context, policy, &miner(0)).unwrap();
        prop_assert_eq!(again.to_secret_bytes(), bytes);
    }

    #[test]
    fn damage_never_panics(at in 0..KeyFrag::BYTES, noise: Vec<u8>) {
        let delegation = Delegation::new(1, 1, 1);
        let good = *delegation.kfrags[0].to_secret_bytes();
        let mut bytes = good;
        for (slot, byte) in bytes[at..].iter_mut().zip(&noise) {
            *slot = *byte;
        }
        if let Ok(kfrag) = KeyFrag::from_bytes(&bytes) {
            prop_assert_eq!(*kfrag.to_secret_bytes(), bytes);
            prop_assert!(bytes == good || verify(&bytes, &delegation).is_some());
        }
    }
}
