use proptest::prelude::*;

use super::*;

#[test]
fn weights_are_the_textbook_ones() {
    let arguments: Vec<Scalar> = [3_u64, 5, 8, 1_000].map(Scalar::from).into();
    let d = Scalar::from(77_u64);
    let weights = lagrange_weights(&arguments, &d).unwrap();
    for (i, weight) in weights.iter().enumerate() {
        let mut expected = d;
        for j in (0..arguments.len()).filter(|&j| j != i) {
            expected *= arguments[j] * (arguments[j] - arguments[i]).invert().unwrap();
        }
        assert_eq!(*weight, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn inverts_all_or_says_that_one_is_zero(values: Vec<u64>) {
        let mut scalars: Vec<Scalar> = values.iter().copied().map(Scalar::from).collect();
        let inverted = invert_all(&mut scalars);
        prop_assert_eq!(inverted.is_some(), !values.contains(&0));
        if inverted.is_some() {
            for (value, inverse) in values.into_iter().zip(scalars) {
                prop_assert_eq!(Scalar::from(value) * inverse, Scalar::ONE);
            }
        }
    }
}
