use k256::Scalar;
use proptest::prelude::*;

use super::*;
use crate::testing::{bad_points, unjudgeable_point};

fn generator() -> [u8; POINT_BYTES] {
    Point::normalise(&[ProjectivePoint::GENERATOR]).unwrap()[0].bytes
}

#[test]
fn accepts_both_parities() {
    let mut bytes = generator();
    assert_eq!(
        Point::decode(&bytes, "g").unwrap().projective(),
        ProjectivePoint::GENERATOR
    );
    bytes[0] ^= 1;
    assert_eq!(
        Point::decode(&bytes, "g").unwrap().projective(),
        -ProjectivePoint::GENERATOR
    );
}

#[test]
fn refuses_every_other_encoding() {
    for bytes in bad_points(generator()) {
        assert_eq!(
            Point::decode(&bytes, "g"),
            Err(Error::InvalidPoint { field: "g" })
        );
    }
}

#[test]
fn refuses_a_point_no_contract_can_judge() {
    let bytes = unjudgeable_point();
    assert!(!Point::decode(&bytes, "p").unwrap().is_judgeable());
    let refused = Point::judgeable(Point::decode(&bytes, "p").ok(), "p");
    assert_eq!(refused, Err(Error::PointOutOfRange { field: "p" }));
    assert!(Point::judgeable(Point::decode(&generator(), "g").ok(), "g").is_ok());
}

#[test]
fn refuses_to_normalise_the_identity() {
    let points = [ProjectivePoint::GENERATOR, ProjectivePoint::IDENTITY];
    assert!(Point::normalise(&points).is_none());
    assert!(Point::normalise_all(&points).is_none());
}

#[test]
fn refuses_a_constant_off_the_curve() {
    let point = Point::decode(&generator(), "g").unwrap();
    let mut xy = point.to_uncompressed();
    let constant = Point::from_constant(point.bytes(), &xy);
    assert_eq!(constant.affine(), point.affine());
    xy[63] ^= 1;
    let constant = Point::from_constant(point.bytes(), &xy);
    assert_eq!(constant.affine(), &AffinePoint::IDENTITY);
}

proptest! {
    #[test]
    fn what_is_decoded_is_what_was_encoded(tag in 0..5_u8, x in any::<[u8; 32]>()) {
        let mut bytes = [tag; POINT_BYTES];
        bytes[1..].copy_from_slice(&x);
        if let Ok(point) = Point::decode(&bytes, "p") {
            prop_assert!(tag == 2 || tag == 3);
            prop_assert_eq!(Point::from_affine(point.affine).bytes, bytes);
            prop_assert_eq!(&point.to_uncompressed()[..32], &x);
        }
    }

    #[test]
    fn normalising_together_is_normalising_alone(scalars in prop::array::uniform4(1..u64::MAX)) {
        let points = scalars.map(|scalar| ProjectivePoint::GENERATOR * Scalar::from(scalar));
        let together = Point::normalise(&points).unwrap();
        for (point, alone) in together.iter().zip(points) {
            prop_assert_eq!(point.projective(), alone);
            prop_assert_eq!(&point.bytes, &*compress_secret(&alone));
        }
        prop_assert_eq!(Point::normalise_all(&points).unwrap(), together);
    }
}
