use alloc::vec::Vec;

use k256::{ProjectivePoint, Scalar};
use proptest::prelude::*;

use super::*;
use crate::arithmetic::point::Point;
use crate::hashing::hash_to_scalar;

fn scalar(seed: u64) -> Scalar {
    hash_to_scalar(b"vartime test", &[&seed.to_be_bytes()])
}

fn point(seed: u64) -> Point {
    let [point] = Point::normalise(&[ProjectivePoint::mul_by_generator(&scalar(seed))]).unwrap();
    point
}

fn agrees(sum: &Jacobian, expected: &ProjectivePoint) -> bool {
    match Point::normalise(&[*expected]) {
        None => sum.is_identity(),
        Some([point]) => sum.is(&Affine::new(&point)),
    }
}

/// Sum of k_i P_i with tables of a shape, against k256.
fn check(terms: &[(Point, Scalar)], shape: Shape) {
    let points: Vec<Affine> = terms.iter().map(|(p, _)| Affine::new(p)).collect();
    let table = Table::new(&points, shape);
    let mut sum = Sum::with_capacity(terms.len());
    for (index, (_, k)) in terms.iter().enumerate() {
        sum.add(table.point(index), &PublicScalar::published(*k));
    }
    let expected: ProjectivePoint = terms.iter().map(|(p, k)| p.projective() * k).sum();
    assert!(agrees(&sum.evaluate(), &expected));
}

#[test]
fn equal_opposite_and_absent_terms_are_added() {
    let p = point(1);
    let one = Scalar::ONE;
    for shape in [Shape::ONCE, Shape::OFTEN] {
        check(&[], shape);
        check(&[(p, Scalar::ZERO)], shape);
        check(&[(p, one), (p, one)], shape);
        check(&[(p, one), (p, -one)], shape);
        check(&[(p, scalar(2)), (p, -scalar(2))], shape);
        check(&[(p, -one), (p, -one), (p, one + one)], shape);
    }
}

#[test]
fn extreme_scalars_are_multiplied() {
    let p = point(3);
    for shape in [Shape::ONCE, Shape::OFTEN] {
        for k in [1, 2, u128::MAX, u128::MAX - 1, 1 << 127, (1 << 127) - 1] {
            check(&[(p, Scalar::from(k))], shape);
            check(&[(p, -Scalar::from(k))], shape);
        }
    }
}

#[test]
fn short_multiples_are_subtracted() {
    let p = point(4);
    let table = Table::new(&[Affine::new(&p)], Shape::ONCE);
    for k in [0, 1, 77, u128::MAX, 1 << 127] {
        let mut sum = Sum::with_capacity(1);
        sum.subtract_short(table.point(0), k);
        assert!(agrees(
            &sum.evaluate(),
            &(p.projective() * -Scalar::from(k))
        ));
    }
}

#[test]
fn the_fixed_tables_hold_the_generators() {
    let k = scalar(9);
    for (table, base) in [
        (generator(), ProjectivePoint::GENERATOR),
        (point_u(), crate::arithmetic::params::point_u().projective()),
    ] {
        let mut sum = Sum::with_capacity(1);
        sum.add(table.point(0), &PublicScalar::published(k));
        assert!(agrees(&sum.evaluate(), &(base * k)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sums_agree_with_the_reference(seeds: Vec<(u64, u64)>) {
        let terms: Vec<_> = seeds.iter().take(12).map(|(p, k)| (point(*p), scalar(*k))).collect();
        check(&terms, Shape::ONCE);
        check(&terms, Shape::OFTEN);
    }
}
