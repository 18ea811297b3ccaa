use alloc::format;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::testing::{BrokenRng, ORDER, TestRng, bad_scalars, order_plus};

#[test]
fn refuses_scalars_out_of_range() {
    for bytes in bad_scalars() {
        let expected = if bytes == [0; 32] {
            Error::ZeroScalar { field: "s" }
        } else {
            Error::InvalidScalar { field: "s" }
        };
        assert_eq!(decode_scalar(&bytes, "s"), Err(expected));
        assert_eq!(SecretScalar::decode(&bytes, "s").err(), Some(expected));
    }
}

#[test]
fn accepts_the_ends_of_the_range() {
    let mut one = [0; 32];
    one[31] = 1;
    assert_eq!(decode_scalar(&one, "s"), Ok(Scalar::ONE));
    assert_eq!(decode_scalar(&order_plus(-1), "s"), Ok(-Scalar::ONE));
}

#[test]
fn a_broken_generator_is_an_error() {
    let draw = |mut rng| SecretScalar::random(&mut rng).err();
    assert_eq!(draw(BrokenRng::Failing), Some(Error::Rng));
    assert_eq!(draw(BrokenRng::Stuck(0)), Some(Error::RngDegenerate));
    assert_eq!(draw(BrokenRng::Stuck(0xff)), Some(Error::RngDegenerate));
    assert_eq!(draw(BrokenRng::Stuck(1)), None);
}

#[test]
fn draws_again_when_out_of_range() {
    struct Sequence(Vec<[u8; 32]>);
    impl rand_core::TryRng for Sequence {
        type Error = core::convert::Infallible;
        fn try_next_u32(&mut self) -> core::result::Result<u32, Self::Error> {
            Ok(0)
        }
        fn try_next_u64(&mut self) -> core::result::Result<u64, Self::Error> {
            Ok(0)
        }
        fn try_fill_bytes(&mut self, out: &mut [u8]) -> core::result::Result<(), Self::Error> {
            out.copy_from_slice(&self.0.remove(0));
            Ok(())
        }
    }
    impl TryCryptoRng for Sequence {}

    let mut rng = Sequence([[0; 32], ORDER, [0xff; 32], [7; 32]].into());
    assert_eq!(
        *SecretScalar::random(&mut rng).unwrap().to_secret_bytes(),
        [7; 32]
    );
    assert!(rng.0.is_empty());
}

#[test]
fn zero_becomes_the_error_asked_for() {
    assert_eq!(
        SecretScalar::new(Scalar::ZERO, Error::Rng).err(),
        Some(Error::Rng)
    );
}

#[test]
fn is_not_printed() {
    let secret = SecretScalar::decode(&[0x5a; 32], "s").unwrap();
    assert_eq!(format!("{secret:?}"), "<redacted>");
}

#[test]
fn the_inverse_times_the_scalar_is_one() {
    let secret = SecretScalar::random(&mut TestRng::new(1)).unwrap();
    assert_eq!(
        secret.invert().unwrap().expose() * secret.expose(),
        Scalar::ONE
    );
}

proptest! {
    #[test]
    fn what_is_decoded_is_what_was_encoded(bytes: [u8; 32]) {
        if let Ok(scalar) = decode_scalar(&bytes, "s") {
            prop_assert_eq!(<[u8; 32]>::from(scalar.to_bytes()), bytes);
            let secret = SecretScalar::decode(&bytes, "s").unwrap();
            prop_assert_eq!(*secret.to_secret_bytes(), bytes);
        }
    }

    #[test]
    fn evaluates_the_sum_of_powers(coefficients: Vec<u64>, x: u64) {
        let coefficients: Vec<Scalar> = coefficients.into_iter().map(Scalar::from).collect();
        let x = Scalar::from(x);
        let (mut power, mut sum) = (Scalar::ONE, Scalar::ZERO);
        for coefficient in &coefficients {
            sum += coefficient * &power;
            power *= x;
        }
        prop_assert_eq!(evaluate(&coefficients, &x), sum);
    }
}
