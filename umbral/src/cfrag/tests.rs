use alloc::vec::Vec;

use proptest::prelude::*;

use super::proof::Points;
use super::*;
use crate::testing::{Delegation, bad_points, bad_scalars, flip, miner, policy, unjudgeable_point};
use crate::{Capsule, Error, fault::Equation};

/// The points of the encoding: offset, and the field named when it is refused.
const POINTS: [(usize, &str); 7] = [
    (0, "cfrag point E1"),
    (33, "cfrag point V1"),
    (98, "cfrag precursor"),
    (131, "cfrag point E2"),
    (164, "cfrag point V2"),
    (197, "cfrag point U1"),
    (230, "cfrag point U2"),
];
const Z: usize = 263;
const SIGNATURE: usize = 295;

struct Setting {
    delegation: Delegation,
    good: [u8; CapsuleFrag::BYTES],
    other: [u8; CapsuleFrag::BYTES],
}

impl Setting {
    fn new() -> Self {
        let mut delegation = Delegation::new(1, 2, 2);
        let cfrags = delegation.cfrags(&[0, 1]);
        Self {
            delegation,
            good: cfrags[0].to_bytes(),
            other: cfrags[1].to_bytes(),
        }
    }

    fn verify(&self, bytes: &[u8; CapsuleFrag::BYTES]) -> Option<Error> {
        CapsuleFrag::from_bytes(bytes)
            .and_then(|cfrag| self.delegation.verify(cfrag, 0))
            .err()
    }

    fn with<const N: usize>(&self, offset: usize, part: [u8; N]) -> [u8; CapsuleFrag::BYTES] {
        let mut bytes = self.good;
        bytes[offset..offset + N].copy_from_slice(&part);
        bytes
    }
}

#[test]
fn no_flipped_bit_verifies() {
    let setting = Setting::new();
    assert_eq!(setting.verify(&setting.good), None);
    for bit in 0..CapsuleFrag::BYTES * 8 {
        assert!(
            setting.verify(&flip(&setting.good, bit)).is_some(),
            "bit {bit}"
        );
    }
}

#[test]
fn names_the_part_of_another_cfrag() {
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
    check(66, 32, Error::CapsuleFragSignature);
    check(197, 33, Error::CapsuleFragSignature);
    check(SIGNATURE, 64, Error::CapsuleFragSignature);
}

/// A prover who changes one image and answers honestly otherwise fails in that equation alone.
#[test]
fn names_the_equation_that_fails() {
    let setting = Setting::new();
    let Delegation {
        capsule, kfrags, ..
    } = &setting.delegation;
    let honest = CapsuleFrag::from_bytes(&setting.good).unwrap();
    let rk = *kfrags[0].frag.key.expose();
    let challenge = |cfrag: &CapsuleFrag| Points::of(cfrag).challenge(capsule);
    let t = honest.z - challenge(&honest) * rk;
    let foreign = CapsuleFrag::from_bytes(&setting.other).unwrap();
    let answer = |mut cfrag: CapsuleFrag| {
        cfrag.z = t + challenge(&cfrag) * rk;
        setting.delegation.verify(cfrag, 0).err()
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
fn refuses_points_that_are_not_canonical() {
    let setting = Setting::new();
    let good = *setting.good.first_chunk().unwrap();
    for point in bad_points(good) {
        for (offset, field) in POINTS {
            let refused = CapsuleFrag::from_bytes(&setting.with(offset, point));
            assert_eq!(refused, Err(Error::InvalidPoint { field }));
        }
    }
}

#[test]
fn refuses_points_no_contract_can_judge() {
    let (setting, point) = (Setting::new(), unjudgeable_point());
    for (offset, field) in POINTS {
        let read = CapsuleFrag::from_bytes(&setting.with(offset, point));
        if field == "cfrag precursor" {
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
fn refuses_scalars_out_of_range() {
    let setting = Setting::new();
    for scalar in bad_scalars() {
        for offset in [Z, SIGNATURE, SIGNATURE + 32] {
            assert!(CapsuleFrag::from_bytes(&setting.with(offset, scalar)).is_err());
        }
    }
}

#[test]
fn refuses_another_capsule_other_parties_another_policy_and_another_miner() {
    let setting = Setting::new();
    let Delegation {
        capsule,
        context,
        policy: granted,
        ..
    } = &setting.delegation;
    let other = Delegation::new(2, 1, 1);
    let verdict = |capsule: &Capsule, context: &Context, policy: &Policy, number| {
        let cfrag = CapsuleFrag::from_bytes(&setting.good).unwrap();
        cfrag.verify(capsule, context, policy, &miner(number)).err()
    };
    let equation = Error::Reencryption(Equation::E);
    assert_eq!(verdict(&other.capsule, context, granted, 0), Some(equation));
    let parties = [
        Context {
            delegating: other.context.delegating,
            ..*context
        },
        Context {
            receiving: other.context.receiving,
            ..*context
        },
        Context {
            verifying: other.context.verifying,
            ..*context
        },
    ];
    let refused = Some(Error::CapsuleFragSignature);
    for parties in parties {
        assert_eq!(verdict(capsule, &parties, granted, 0), refused);
    }
    assert_eq!(verdict(capsule, context, &policy(1, 2), 0), refused);
    assert_eq!(verdict(capsule, context, granted, 1), refused);
    assert_eq!(verdict(capsule, context, granted, 0), None);
}

#[test]
fn remembers_what_it_was_verified_against() {
    let mut delegation = Delegation::new(1, 1, 1);
    let cfrag = delegation.cfrags(&[0]).remove(0);
    assert_eq!(cfrag.context(), &delegation.context);
    assert!(cfrag.is_for(&delegation.capsule));
    assert!(!cfrag.is_for(&Delegation::new(2, 1, 1).capsule));
    assert_eq!(cfrag.id(), delegation.kfrags[0].id());
    let again = delegation.verify(cfrag.as_unverified().clone(), 0);
    assert_eq!(again, Ok(cfrag));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cfrags_survive_encoding(seed: u64) {
        let mut delegation = Delegation::new(seed, 1, 1);
        let cfrag = delegation.cfrags(&[0]).remove(0).frag;
        prop_assert_eq!(CapsuleFrag::from_bytes(&cfrag.to_bytes()), Ok(cfrag));
    }

    #[test]
    fn damage_behind_a_good_header_never_panics(at in 0..359_usize, noise: Vec<u8>) {
        let setting = Setting::new();
        let mut bytes = setting.good;
        for (slot, byte) in bytes[at..].iter_mut().zip(&noise) {
            *slot = *byte;
        }
        if let Ok(cfrag) = CapsuleFrag::from_bytes(&bytes) {
            prop_assert_eq!(cfrag.to_bytes(), bytes);
            prop_assert!(bytes == setting.good || setting.verify(&bytes).is_some());
        }
    }
}
