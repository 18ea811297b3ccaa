use alloc::format;

use proptest::prelude::*;

use super::*;
use crate::compat::testing::DelegationV1;
use crate::policy::Quorum;
use crate::testing::{bad_points, bad_scalars, flip, unjudgeable_point};

const COMMITMENT_MISMATCH: Error = Error::Umbral(crate::Error::CommitmentMismatch);

/// Offsets in the simple form.
const KEY: usize = 32;
const PRECURSOR: usize = 64;
const COMMITMENT: usize = 97;
const FOR_PROXY: usize = 130;
const FOR_RECEIVER: usize = 194;
const FLAGS: usize = 258;

const ALL_FLAGS: [SignedKeys; 4] = [
    SignedKeys {
        delegating: false,
        receiving: false,
    },
    SignedKeys {
        delegating: true,
        receiving: false,
    },
    SignedKeys {
        delegating: false,
        receiving: true,
    },
    SignedKeys::BOTH,
];

fn signing(signed: SignedKeys) -> DelegationV1 {
    DelegationV1::signing(1, Quorum::new(2, 2).unwrap(), signed)
}

fn simple(delegation: &DelegationV1) -> [u8; KeyFrag::BYTES] {
    *delegation.kfrags[0].to_secret_simple()
}

fn verify(bytes: &[u8; KeyFrag::BYTES], context: &Context) -> Option<Error> {
    KeyFrag::from_simple(bytes)
        .and_then(|kfrag| kfrag.verify(context))
        .err()
}

fn with<const N: usize>(offset: usize, part: [u8; N]) -> [u8; KeyFrag::BYTES] {
    let mut bytes = simple(&DelegationV1::new(1, 2, 2));
    bytes[offset..offset + N].copy_from_slice(&part);
    bytes
}

#[test]
fn no_flipped_bit_verifies() {
    let delegation = DelegationV1::new(1, 2, 2);
    let good = simple(&delegation);
    assert_eq!(verify(&good, &delegation.context), None);
    for bit in 0..KeyFrag::BYTES * 8 {
        assert!(
            verify(&flip(&good, bit), &delegation.context).is_some(),
            "bit {bit}"
        );
    }
}

#[test]
fn refuses_parts_of_another_fragment() {
    let delegation = DelegationV1::new(1, 2, 2);
    let (good, other) = (
        simple(&delegation),
        *delegation.kfrags[1].to_secret_simple(),
    );
    let check = |range: core::ops::Range<usize>, expected| {
        let mut bytes = good;
        bytes[range.clone()].copy_from_slice(&other[range]);
        assert_eq!(verify(&bytes, &delegation.context), Some(expected));
    };
    check(0..32, Error::ProxySignature);
    check(KEY..PRECURSOR, COMMITMENT_MISMATCH);
    check(COMMITMENT..FOR_PROXY, COMMITMENT_MISMATCH);
    check(KEY..FOR_PROXY, Error::ProxySignature);
    check(FOR_PROXY..FOR_RECEIVER, Error::ProxySignature);
    check(FOR_RECEIVER..FLAGS, Error::ReceiverSignature);
}

#[test]
fn refuses_other_parties() {
    for signed in ALL_FLAGS {
        let delegation = signing(signed);
        let (good, context) = (simple(&delegation), delegation.context);
        let other = DelegationV1::new(2, 1, 1).context;
        let check = |delegating, receiving, verifying, expected| {
            let context = Context {
                delegating,
                receiving,
                verifying,
            };
            assert_eq!(verify(&good, &context), expected);
        };
        let proxy_or_receiver = |signed| {
            Some(if signed {
                Error::ProxySignature
            } else {
                Error::ReceiverSignature
            })
        };
        let (a, b, v) = (context.delegating, context.receiving, context.verifying);
        check(a, b, v, None);
        check(other.delegating, b, v, proxy_or_receiver(signed.delegating));
        check(a, other.receiving, v, proxy_or_receiver(signed.receiving));
        check(a, b, other.verifying, Some(Error::ProxySignature));
        check(
            b,
            a,
            v,
            proxy_or_receiver(signed.delegating || signed.receiving),
        );
    }
}

#[test]
fn names_the_key_it_lacks() {
    for signed in ALL_FLAGS {
        let delegation = signing(signed);
        let (kfrag, context) = (&delegation.kfrags[0].frag, delegation.context);
        let check = |a: Option<_>, b: Option<_>| {
            let known = KnownKeys {
                delegating: a,
                receiving: b,
            };
            kfrag.check(&context.verifying, known).err()
        };
        let (a, b) = (Some(&context.delegating), Some(&context.receiving));
        let lacks_a = signed.delegating.then_some(Error::DelegatingKeyNotProvided);
        let lacks_b = signed.receiving.then_some(Error::ReceivingKeyNotProvided);
        assert_eq!(check(a, b), None);
        assert_eq!(check(None, b), lacks_a);
        assert_eq!(check(a, None), lacks_b);
        assert_eq!(check(None, None), lacks_a.or(lacks_b));
    }
}

#[test]
fn refuses_points_that_are_not_canonical() {
    let good = *DelegationV1::new(1, 1, 1).kfrags[0]
        .frag
        .base
        .precursor
        .bytes();
    for point in bad_points(good) {
        for (offset, field) in [
            (PRECURSOR, "kfrag precursor"),
            (COMMITMENT, "kfrag commitment"),
        ] {
            let refused = KeyFrag::from_simple(&with(offset, point)).err();
            assert_eq!(refused, Some(crate::Error::InvalidPoint { field }.into()));
        }
    }
}

#[test]
fn refuses_a_commitment_no_contract_can_judge() {
    let refused = KeyFrag::from_simple(&with(COMMITMENT, unjudgeable_point())).err();
    assert_eq!(
        refused,
        Some(
            crate::Error::PointOutOfRange {
                field: "kfrag commitment"
            }
            .into()
        )
    );
}

#[test]
fn refuses_scalars_out_of_range() {
    for scalar in bad_scalars() {
        assert!(KeyFrag::from_simple(&with(KEY, scalar)).is_err());
        for signature in [FOR_PROXY, FOR_RECEIVER] {
            assert!(KeyFrag::from_simple(&with(signature, scalar)).is_err());
            assert!(KeyFrag::from_simple(&with(signature + 32, scalar)).is_err());
        }
    }
}

#[test]
fn refuses_flag_bits_that_mean_nothing() {
    for flags in 4..=255 {
        let refused = KeyFrag::from_simple(&with(FLAGS, [flags])).err();
        assert_eq!(
            refused,
            Some(Error::InvalidFlag {
                field: "signed keys"
            })
        );
    }
}

#[test]
fn refuses_a_cleared_flag() {
    let delegation = DelegationV1::new(1, 2, 2);
    for flags in 0..3 {
        let refused = verify(&with(FLAGS, [flags]), &delegation.context);
        assert_eq!(refused, Some(Error::ProxySignature));
    }
}

#[test]
fn is_not_printed() {
    let kfrag = &DelegationV1::new(1, 1, 1).kfrags[0];
    let secret = hex::encode(kfrag.frag.base.key.to_secret_bytes());
    let printed = format!("{kfrag:?} {:?}", kfrag.frag).to_lowercase();
    assert!(printed.contains("<redacted>") && !printed.contains(&secret));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn fragments_survive_encoding(seed: u64, flags in 0..4_usize) {
        let quorum = Quorum::new(1, 1).unwrap();
        let delegation = DelegationV1::signing(seed, quorum, ALL_FLAGS[flags]);
        let kfrag = &delegation.kfrags[0];
        let (simple, msgpack) = (kfrag.to_secret_simple(), kfrag.to_secret_msgpack());
        let one = KeyFrag::from_simple(&simple).unwrap().verify(&delegation.context).unwrap();
        let two = KeyFrag::from_msgpack(&*msgpack).unwrap().verify(&delegation.context).unwrap();
        prop_assert_eq!(one.to_secret_msgpack(), msgpack);
        prop_assert_eq!(two.into_unverified().to_secret_simple(), simple);
    }

    #[test]
    fn damage_behind_a_good_header_never_panics(at in 0..310_usize, noise: Vec<u8>) {
        let delegation = DelegationV1::new(1, 1, 1);
        let mut bytes = *delegation.kfrags[0].to_secret_msgpack();
        let good = bytes;
        for (slot, byte) in bytes[at..].iter_mut().zip(&noise) {
            *slot = *byte;
        }
        if let Ok(kfrag) = KeyFrag::from_msgpack(&bytes) {
            prop_assert_eq!(*kfrag.to_secret_msgpack(), bytes);
            prop_assert!(bytes == good || kfrag.verify(&delegation.context).is_err());
        }
    }
}
