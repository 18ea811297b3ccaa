use alloc::vec::Vec;

use k256::ProjectivePoint;
use proptest::prelude::*;

use super::*;
use crate::capsule::kem::encapsulate;
use crate::keys::SecretKey;
use crate::testing::{TestRng, bad_points, bad_scalars, flip, unjudgeable_point};

fn capsule(seed: u64) -> Capsule {
    let mut rng = TestRng::new(seed);
    let key = SecretKey::random(&mut rng).unwrap().public_key();
    encapsulate(&mut rng, &key).unwrap().0
}

fn with<const N: usize>(offset: usize, part: [u8; N]) -> [u8; Capsule::BYTES] {
    let mut bytes = capsule(1).to_bytes();
    bytes[offset..offset + N].copy_from_slice(&part);
    bytes
}

#[test]
fn no_flipped_bit_is_a_capsule() {
    let bytes = capsule(1).to_bytes();
    for bit in 0..Capsule::BYTES * 8 {
        assert!(
            Capsule::from_bytes(&flip(&bytes, bit)).is_err(),
            "bit {bit}"
        );
    }
}

#[test]
fn refuses_parts_of_two_capsules() {
    let other = capsule(2);
    for mixed in [
        with(0, *other.e.bytes()),
        with(33, *other.v.bytes()),
        with(66, other.s.to_bytes().into()),
        with(0, *capsule(1).v.bytes()),
    ] {
        assert_eq!(Capsule::from_bytes(&mixed), Err(Error::CapsuleInvalid));
    }
}

#[test]
fn refuses_points_that_are_not_canonical() {
    let good = *capsule(1).e.bytes();
    for point in bad_points(good) {
        let field = "capsule point E";
        assert_eq!(
            Capsule::from_bytes(&with(0, point)),
            Err(Error::InvalidPoint { field })
        );
        let field = "capsule point V";
        assert_eq!(
            Capsule::from_bytes(&with(33, point)),
            Err(Error::InvalidPoint { field })
        );
    }
}

#[test]
fn refuses_points_no_contract_can_judge() {
    let (point, field) = (unjudgeable_point(), "capsule point E");
    assert_eq!(
        Capsule::from_bytes(&with(0, point)),
        Err(Error::PointOutOfRange { field })
    );
}

#[test]
fn refuses_scalars_out_of_range() {
    for scalar in bad_scalars() {
        assert!(Capsule::from_bytes(&with(66, scalar)).is_err());
    }
}

/// E = rG, V = -E, s = r(h - 1) satisfies the equation; its shared point would be the identity.
#[test]
fn refuses_a_capsule_whose_key_everyone_knows() {
    let r = Scalar::from(9_u32);
    let e = ProjectivePoint::GENERATOR * r;
    let [e, v] = Point::normalise(&[e, -e]).unwrap();
    let s = r * (capsule_hash_scalar(&e, &v) - Scalar::ONE);
    let bytes = Capsule { e, v, s }.to_bytes();
    assert_eq!(Capsule::from_bytes(&bytes), Err(Error::CapsuleInvalid));
}

proptest! {
    #[test]
    fn capsules_survive_encoding(seed: u64) {
        let capsule = capsule(seed);
        prop_assert_eq!(Capsule::from_bytes(&capsule.to_bytes()), Ok(capsule));
    }

    #[test]
    fn arbitrary_bytes_never_panic(part in prop::array::uniform32(any::<u8>())) {
        prop_assert!(Capsule::from_bytes(&with(33, part)).is_err());
    }

    #[test]
    fn damage_behind_a_good_header_never_panics(at in 0..98_usize, noise: Vec<u8>) {
        let mut bytes = capsule(1).to_bytes();
        for (slot, byte) in bytes[at..].iter_mut().zip(&noise) {
            *slot = *byte;
        }
        if let Ok(again) = Capsule::from_bytes(&bytes) {
            prop_assert_eq!(again.to_bytes(), bytes);
        }
    }
}
