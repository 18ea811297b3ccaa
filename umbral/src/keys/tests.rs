use alloc::format;

use proptest::prelude::*;

use super::*;
use crate::testing::{BrokenRng, TestRng, bad_points, bad_scalars};

/// The generator, which is the public key of 1.
const G: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const G_Y: &str = "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";

#[test]
fn the_public_key_of_one_is_the_generator() {
    let mut one = [0; 32];
    one[31] = 1;
    let public = SecretKey::from_secret_bytes(&one).unwrap().public_key();
    assert_eq!(hex::encode(public.to_bytes()), G);
    assert_eq!(
        hex::encode(public.to_uncompressed()),
        format!("{}{G_Y}", &G[2..])
    );
}

#[test]
fn diffie_hellman_is_the_product_of_the_scalars_times_the_generator() {
    let key = |byte: u8| {
        let mut scalar = [0; 32];
        scalar[31] = byte;
        SecretKey::from_secret_bytes(&scalar).unwrap()
    };
    let product = key(2).diffie_hellman(&key(3).public_key());
    assert_eq!(*product, key(6).public_key().to_bytes());
    let one = key(1).diffie_hellman(&key(7).public_key());
    assert_eq!(*one, key(7).public_key().to_bytes());
}

#[test]
fn refuses_secret_keys_out_of_range() {
    for bytes in bad_scalars() {
        assert!(SecretKey::from_secret_bytes(&bytes).is_err());
    }
}

#[test]
fn refuses_public_keys_that_are_not_canonical() {
    let good = SecretKey::random(&mut TestRng::new(1))
        .unwrap()
        .public_key()
        .to_bytes();
    for bytes in bad_points(good) {
        let refused = PublicKey::from_bytes(&bytes);
        assert_eq!(
            refused,
            Err(Error::InvalidPoint {
                field: "public key"
            })
        );
    }
}

#[test]
fn a_broken_generator_is_an_error() {
    assert_eq!(
        SecretKey::random(&mut BrokenRng::Failing).err(),
        Some(Error::Rng)
    );
    assert_eq!(
        SecretKey::random(&mut BrokenRng::Stuck(0)).err(),
        Some(Error::RngDegenerate)
    );
}

#[test]
fn a_secret_key_is_not_printed() {
    let key = SecretKey::from_secret_bytes(&[0x5a; 32]).unwrap();
    let printed = format!("{key:?} {key:#?}");
    assert!(printed.contains("<redacted>"));
    assert!(!printed.contains("5a5a") && !printed.to_lowercase().contains("0x5a"));
}

proptest! {
    #[test]
    fn keys_survive_encoding(seed: u64) {
        let key = SecretKey::random(&mut TestRng::new(seed)).unwrap();
        let again = SecretKey::from_secret_bytes(&key.to_secret_bytes()).unwrap();
        prop_assert_eq!(again.public_key(), key.public_key());
        let public = PublicKey::from_bytes(&key.public_key().to_bytes()).unwrap();
        prop_assert_eq!(public, key.public_key());
    }

    #[test]
    fn both_ends_of_a_diffie_hellman_agree_and_a_third_does_not(seed: u64) {
        let mut rng = TestRng::new(seed);
        let [a, b, c] = [(); 3].map(|()| SecretKey::random(&mut rng).unwrap());
        let shared = a.diffie_hellman(&b.public_key());
        prop_assert_eq!(*shared, *b.diffie_hellman(&a.public_key()));
        prop_assert_ne!(*shared, *c.diffie_hellman(&a.public_key()));
        prop_assert_ne!(*shared, *c.diffie_hellman(&b.public_key()));
    }

    #[test]
    fn arbitrary_bytes_never_panic(tag: u8, x: [u8; 32]) {
        let mut bytes = [tag; 33];
        bytes[1..].copy_from_slice(&x);
        if let Ok(key) = PublicKey::from_bytes(&bytes) {
            prop_assert_eq!(key.to_bytes(), bytes);
        }
    }
}
