use alloc::format;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::testing::{BrokenRng, TestRng, bad_points, bad_scalars, flip};

fn signer(seed: u64) -> Signer {
    Signer::random(&mut TestRng::new(seed)).unwrap()
}

fn high_s(signature: &Signature) -> [u8; 64] {
    let mut bytes = signature.to_bytes();
    bytes[32..].copy_from_slice(&(-signature.s).to_bytes());
    bytes
}

#[test]
fn refuses_another_message_and_another_key() {
    let (signer, other) = (signer(1), signer(2));
    let signature = signer.sign(&mut TestRng::new(3), b"message").unwrap();
    assert_eq!(
        signer.verifying_key().verify(b"message", &signature),
        Ok(())
    );
    assert_eq!(
        signer.verifying_key().verify(b"messagf", &signature),
        Err(Error::Signature)
    );
    assert_eq!(
        other.verifying_key().verify(b"message", &signature),
        Err(Error::Signature)
    );
}

#[test]
fn refuses_the_malleable_twin() {
    let signature = signer(1).sign(&mut TestRng::new(3), b"message").unwrap();
    let refused = Signature::from_bytes(&high_s(&signature));
    assert_eq!(refused, Err(Error::HighS { field: "signature" }));
}

#[test]
fn refuses_r_and_s_out_of_range() {
    let good = signer(1)
        .sign(&mut TestRng::new(3), b"message")
        .unwrap()
        .to_bytes();
    for bad in bad_scalars() {
        for half in [0, 32] {
            let mut bytes = good;
            bytes[half..half + 32].copy_from_slice(&bad);
            let refused = Signature::from_bytes(&bytes);
            assert_eq!(refused, Err(Error::InvalidSignature { field: "signature" }));
        }
    }
}

#[test]
fn no_flipped_bit_verifies() {
    let signer = signer(1);
    let good = signer
        .sign(&mut TestRng::new(3), b"message")
        .unwrap()
        .to_bytes();
    for bit in 0..512 {
        if let Ok(signature) = Signature::from_bytes(&flip(&good, bit)) {
            assert!(
                signer
                    .verifying_key()
                    .verify(b"message", &signature)
                    .is_err()
            );
        }
    }
}

#[test]
fn refuses_verifying_keys_that_are_not_canonical() {
    for bytes in bad_points(signer(1).verifying_key().to_bytes()) {
        let refused = VerifyingKey::from_bytes(&bytes);
        assert_eq!(
            refused,
            Err(Error::InvalidPoint {
                field: "verifying key"
            })
        );
    }
}

#[test]
fn refuses_signing_keys_out_of_range() {
    for bytes in bad_scalars() {
        assert!(Signer::from_secret_bytes(&bytes).is_err());
    }
}

#[test]
fn two_signatures_of_one_message_differ() {
    let (signer, mut rng) = (signer(1), TestRng::new(3));
    let one = signer.sign(&mut rng, b"message").unwrap();
    let two = signer.sign(&mut rng, b"message").unwrap();
    assert_ne!(one, two);
}

/// With a generator stuck at zero the nonce is still a function of key and message.
#[test]
fn a_stuck_generator_repeats_no_nonce() {
    let signer = signer(1);
    let sign = |message| {
        signer
            .sign(&mut BrokenRng::Stuck(0), message)
            .unwrap()
            .to_bytes()
    };
    assert_eq!(sign(b"one".as_slice()), sign(b"one"));
    assert_ne!(sign(b"one")[..32], sign(b"two")[..32]);
}

#[test]
fn a_failing_generator_is_an_error() {
    assert_eq!(
        signer(1).sign(&mut BrokenRng::Failing, b"message"),
        Err(Error::Rng)
    );
    assert_eq!(
        Signer::random(&mut BrokenRng::Failing).err(),
        Some(Error::Rng)
    );
}

#[test]
fn a_signing_key_is_not_printed() {
    let signer = Signer::from_secret_bytes(&[0x5a; 32]).unwrap();
    let printed = format!("{signer:?}");
    assert!(printed.contains("<redacted>") && !printed.contains("5a5a"));
}

proptest! {
    #[test]
    fn signatures_survive_encoding(seed: u64, message: Vec<u8>) {
        let signer = signer(seed);
        let signature = signer.sign(&mut TestRng::new(seed), &message).unwrap();
        let again = Signature::from_bytes(&signature.to_bytes()).unwrap();
        prop_assert_eq!(signer.verifying_key().verify(&message, &again), Ok(()));
        let signer = Signer::from_secret_bytes(&signer.to_secret_bytes()).unwrap();
        let key = VerifyingKey::from_bytes(&signer.verifying_key().to_bytes()).unwrap();
        prop_assert_eq!(key, signer.verifying_key());
        prop_assert_eq!(key.verify(&message, &signature), Ok(()));
    }

    #[test]
    fn arbitrary_bytes_never_panic(r: [u8; 32], s: [u8; 32]) {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&r);
        bytes[32..].copy_from_slice(&s);
        if let Ok(signature) = Signature::from_bytes(&bytes) {
            prop_assert_eq!(signature.to_bytes(), bytes);
            prop_assert!(signer(1).verifying_key().verify(b"message", &signature).is_err());
        }
    }
}
