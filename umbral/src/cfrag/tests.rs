use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::testing::{Delegation, bad_points, bad_scalars, flip, unjudgeable_point};

/// The points of the simple form: offset, and the field named when it is refused.
const POINTS: [(usize, &str); 7] = [
    (0, "capsule fragment point E1"),
    (33, "capsule fragment point V1"),
    (98, "capsule fragment precursor"),
    (131, "capsule fragment point E2"),
    (164, "capsule fragment point V2"),
    (197, "capsule fragment point U1"),
    (230, "capsule fragment point U2"),
];
const Z: usize = 263;
const SIGNATURE: usize = 295;

struct Setting {
    delegation: Delegation,
    good: [u8; CAPSULE_FRAG_BYTES],
    other: [u8; CAPSULE_FRAG_BYTES],
}

impl Setting {
    fn new() -> Self {
        let mut delegation = Delegation::new(1, 2, 2);
        let cfrags = delegation.cfrags(&[0, 1]);
        Self {
            delegation,
            good: cfrags[0].to_simple(),
            other: cfrags[1].to_simple(),
        }
    }

    fn verify(&self, bytes: &[u8; CAPSULE_FRAG_BYTES]) -> Option<Error> {
        let Delegation {
            capsule, context, ..
        } = &self.delegation;
        CapsuleFrag::from_simple(bytes)
            .and_then(|cfrag| cfrag.verify(capsule, context))
            .err()
    }

    fn with<const N: usize>(&self, offset: usize, part: [u8; N]) -> [u8; CAPSULE_FRAG_BYTES] {
        let mut bytes = self.good;
        bytes[offset..offset + N].copy_from_slice(&part);
        bytes
    }
}

#[test]
fn k06_no_flipped_bit_verifies() {
    let setting = Setting::new();
    assert_eq!(setting.verify(&setting.good), None);
    for bit in 0..CAPSULE_FRAG_BYTES * 8 {
        assert!(
            setting.verify(&flip(&setting.good, bit)).is_some(),
            "bit {bit}"
        );
    }
}

#[test]
fn names_the_part_of_another_fragment() {
    let setting = Setting::new();
    let check = |offset: usize, len: usize, expected| {
        let mut bytes = setting.good;
        bytes[offset..offset + len].copy_from_slice(&setting.other[offset..offset + len]);
        assert_eq!(setting.verify(&bytes), Some(expected), "offset {offset}");
    };
    for offset in [0, 33, 131, 164, 230] {
        check(offset, 33, Error::Reencryption(Equation::E));
    }
    check(Z, 32, Error::Reencryption(Equation::E));
    check(66, 32, Error::KeyFragSignature);
    check(197, 33, Error::KeyFragSignature);
    check(SIGNATURE, 64, Error::KeyFragSignature);
}

/// A prover who changes one image and answers honestly otherwise fails in that equation alone.
#[test]
fn names_the_equation_that_fails() {
    let setting = Setting::new();
    let Delegation {
        capsule,
        context,
        kfrags,
        ..
    } = &setting.delegation;
    let honest = CapsuleFrag::from_simple(&setting.good).unwrap();
    let rk = *kfrags[0].frag.key.expose();
    let t = honest.z - honest.challenge(capsule) * rk;
    let foreign = CapsuleFrag::from_simple(&setting.other).unwrap();
    let answer = |mut cfrag: CapsuleFrag| {
        cfrag.z = t + cfrag.challenge(capsule) * rk;
        cfrag.verify(capsule, context).err()
    };

    assert_eq!(answer(honest.clone()), None);
    let e = CapsuleFrag {
        e1: foreign.e1,
        ..honest.clone()
    };
    assert_eq!(answer(e), Some(Error::Reencryption(Equation::E)));
    let v = CapsuleFrag {
        v1: foreign.v1,
        ..honest.clone()
    };
    assert_eq!(answer(v), Some(Error::Reencryption(Equation::V)));
    let u = CapsuleFrag {
        u2: foreign.u2,
        ..honest
    };
    assert_eq!(answer(u), Some(Error::Reencryption(Equation::U)));
}

#[test]
fn k01_refuses_points_that_are_not_canonical() {
    let setting = Setting::new();
    let good = *setting.good.first_chunk().unwrap();
    for point in bad_points(good) {
        for (offset, field) in POINTS {
            let refused = CapsuleFrag::from_simple(&setting.with(offset, point));
            assert_eq!(refused, Err(Error::InvalidPoint { field }));
        }
    }
}

#[test]
fn refuses_points_no_contract_can_judge() {
    let (setting, point) = (Setting::new(), unjudgeable_point());
    for (offset, field) in POINTS {
        let read = CapsuleFrag::from_simple(&setting.with(offset, point));
        if field == "capsule fragment precursor" {
            assert!(
                read.is_ok(),
                "the precursor is hashed and signed, never multiplied"
            );
        } else {
            assert_eq!(read, Err(Error::PointOutOfRange { field }));
        }
    }
}

#[test]
fn k02_refuses_scalars_out_of_range() {
    let setting = Setting::new();
    for scalar in bad_scalars() {
        for offset in [Z, SIGNATURE, SIGNATURE + 32] {
            assert!(CapsuleFrag::from_simple(&setting.with(offset, scalar)).is_err());
        }
    }
}

#[test]
fn refuses_another_capsule_and_other_parties() {
    let setting = Setting::new();
    let Delegation {
        capsule, context, ..
    } = &setting.delegation;
    let other = Delegation::new(2, 1, 1);
    let check = |capsule: &Capsule, context, expected| {
        let cfrag = CapsuleFrag::from_simple(&setting.good).unwrap();
        assert_eq!(cfrag.verify(capsule, &context).err(), Some(expected));
    };
    check(&other.capsule, *context, Error::Reencryption(Equation::E));
    let (delegating, receiving, verifying) = (
        other.context.delegating,
        other.context.receiving,
        other.context.verifying,
    );
    check(
        capsule,
        Context {
            delegating,
            ..*context
        },
        Error::KeyFragSignature,
    );
    check(
        capsule,
        Context {
            receiving,
            ..*context
        },
        Error::KeyFragSignature,
    );
    check(
        capsule,
        Context {
            verifying,
            ..*context
        },
        Error::KeyFragSignature,
    );
}

#[test]
fn k12_refuses_every_other_length() {
    let msgpack = CapsuleFrag::from_simple(&Setting::new().good)
        .unwrap()
        .to_msgpack();
    let longer = [msgpack.as_slice(), &[0]].concat();
    for bytes in [&[], &msgpack[1..], &msgpack[..380], &longer] {
        let (expected, actual) = (CAPSULE_FRAG_MSGPACK_BYTES, bytes.len());
        let length = Error::Length {
            object: "capsule fragment",
            expected,
            actual,
        };
        assert_eq!(CapsuleFrag::from_msgpack(bytes), Err(length));
    }
}

#[test]
fn k12_no_other_header_is_read() {
    let setting = Setting::new();
    let msgpack = CapsuleFrag::from_simple(&setting.good)
        .unwrap()
        .to_msgpack();
    for at in [0, 1, 2, 36, 71, 105, 140, 141, 142, 281, 315] {
        for bit in 0..8 {
            let refused = CapsuleFrag::from_msgpack(&flip(&msgpack, at * 8 + bit));
            assert_eq!(
                refused,
                Err(Error::Framing {
                    object: "capsule fragment"
                }),
                "byte {at}"
            );
        }
    }
}

#[test]
fn remembers_what_it_was_verified_against() {
    let mut delegation = Delegation::new(1, 1, 1);
    let cfrag = delegation.cfrags(&[0]).remove(0);
    assert_eq!(cfrag.context(), &delegation.context);
    assert!(cfrag.is_for(&delegation.capsule));
    assert!(!cfrag.is_for(&Delegation::new(2, 1, 1).capsule));
    assert_eq!(cfrag.id(), delegation.kfrags[0].id());
    let again = cfrag
        .as_unverified()
        .clone()
        .verify(&delegation.capsule, &delegation.context);
    assert_eq!(again, Ok(cfrag));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn fragments_survive_encoding(seed: u64) {
        let mut delegation = Delegation::new(seed, 1, 1);
        let cfrag = delegation.cfrags(&[0]).remove(0).frag;
        prop_assert_eq!(CapsuleFrag::from_simple(&cfrag.to_simple()), Ok(cfrag.clone()));
        prop_assert_eq!(CapsuleFrag::from_msgpack(&cfrag.to_msgpack()), Ok(cfrag));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        prop_assert!(CapsuleFrag::from_msgpack(&bytes).is_err());
    }

    #[test]
    fn damage_behind_a_good_header_never_panics(at in 0..359_usize, noise: Vec<u8>) {
        let setting = Setting::new();
        let mut bytes = setting.good;
        for (slot, byte) in bytes[at..].iter_mut().zip(&noise) {
            *slot = *byte;
        }
        if let Ok(cfrag) = CapsuleFrag::from_simple(&bytes) {
            prop_assert_eq!(cfrag.to_simple(), bytes);
            prop_assert!(bytes == setting.good || setting.verify(&bytes).is_some());
        }
    }
}
