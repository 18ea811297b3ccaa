use proptest::prelude::*;

use super::fixed::signed_digits;
use super::*;
use crate::hashing::hash_to_scalar;

fn check(k: &Scalar) {
    let g = ProjectivePoint::GENERATOR;
    let u = crate::arithmetic::params::point_u().projective();
    assert_eq!(mul_generator(k), g * k);
    assert_eq!(mul_point_u(k), u * k);
    assert_eq!(SharedBase::new(&u).mul(k), u * k);
}

#[test]
fn extreme_scalars_are_multiplied() {
    let one = Scalar::ONE;
    let half = (one + one).invert().unwrap();
    for k in [
        Scalar::ZERO,
        one,
        half,
        Scalar::from(u128::MAX),
        Scalar::from(1_u64 << 32),
    ] {
        check(&k);
        check(&-k);
    }
    for shift in 0..128 {
        check(&Scalar::from(1_u128 << shift));
        check(&-Scalar::from(15_u128 << shift));
    }
}

#[test]
fn digits_stay_within_the_tables() {
    let k = -Scalar::from(17_u64);
    assert!(
        signed_digits(&k)
            .iter()
            .all(|digit| (-16..=16).contains(digit))
    );
    for k in [0, u128::MAX, 0x8888_8888_8888_8888_8888_8888_8888_8888] {
        assert!(half_digits(k).iter().all(|digit| (-8..=8).contains(digit)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn products_agree_with_the_reference(seed: [u8; 32]) {
        check(&hash_to_scalar(b"test", &[&seed]));
    }
}
