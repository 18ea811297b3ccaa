use proptest::prelude::*;

use super::*;
use crate::hashing::hash_to_scalar;

fn check(k: &Scalar) {
    let [k1, k2] = decompose(k).map(|half| {
        let value = Scalar::from(half.magnitude);
        if bool::from(half.negative) {
            -value
        } else {
            value
        }
    });
    assert_eq!(k1 + k2 * lambda(), *k);
}

#[test]
fn the_extremes_are_recomposed() {
    let one = Scalar::ONE;
    let small = [Scalar::ZERO, one, Scalar::from(u128::MAX), lambda()];
    small.iter().for_each(check);
    small.iter().for_each(|k| check(&-k));
    check(&(Scalar::from(u128::MAX) * lambda()));
    check(&(one + one).invert().unwrap());
}

proptest! {
    #[test]
    fn every_scalar_is_recomposed(seed: [u8; 32]) {
        check(&hash_to_scalar(b"test", &[&seed]));
    }
}
