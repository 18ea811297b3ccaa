use k256::elliptic_curve::ff::PrimeField as _;
use k256::{ProjectivePoint, U256};

use super::*;
use crate::arithmetic::point::Point;
use crate::arithmetic::vartime::{Affine, Shape, Table};
use crate::testing::order_plus;

/// A key chosen after the signature: Q = (s R - e G) / r for an R with n <= x < p.
#[test]
fn a_point_above_the_order_is_valid_but_not_judgeable() {
    let candidates = (1..100).map(|small| {
        let mut point = [2; 33];
        point[1..].copy_from_slice(&order_plus(small));
        Point::decode(&point, "R").ok()
    });
    let r_point = candidates.flatten().next().unwrap();
    let [_, x @ ..] = r_point.bytes();
    let r = Scalar::reduce(&U256::from_be_slice(x));
    let (digest, s) = ([3; 32], Scalar::from(5_u64));
    let e = Scalar::reduce(&FieldBytes::from(digest));
    let sum = r_point.projective() * s - ProjectivePoint::GENERATOR * e;
    let [key] = Point::normalise(&[sum * r.invert().unwrap()]).unwrap();

    let table = Table::new(&[Affine::new(&key)], Shape::ONCE);
    let parts = Parts {
        r: PublicScalar::published(r),
        inverse_of_s: PublicScalar::published(s.invert().unwrap()),
    };
    assert!(verify(table.point(0), &digest, &parts));
    assert!(!verify_judgeable(table.point(0), &digest, &parts));
    assert!(!verify(table.point(0), &[4; 32], &parts));
    assert!(r.to_repr().as_slice() < P_MINUS_ORDER.as_slice());
}
