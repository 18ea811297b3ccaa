use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::testing::{BrokenRng, Delegation, MESSAGE, TestRng};

fn key(seed: u64) -> SecretKey {
    SecretKey::random(&mut TestRng::new(seed)).unwrap()
}

#[test]
fn no_flipped_bit_decrypts() {
    let key = key(1);
    let plaintext = vec![7; 1024];
    let (capsule, good) = encrypt(&mut TestRng::new(2), &key.public_key(), &plaintext).unwrap();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let refused = decrypt_original(&key, &capsule, &bad);
        assert_eq!(refused, Err(Error::AuthenticationFailed), "bit {bit}");
    }
}

#[test]
fn refuses_the_capsule_of_another_message() {
    let (key, mut rng) = (key(1), TestRng::new(2));
    let (one, ciphertext) = encrypt(&mut rng, &key.public_key(), b"one").unwrap();
    let (two, other) = encrypt(&mut rng, &key.public_key(), b"two").unwrap();
    let refused = Err(Error::AuthenticationFailed);
    assert_eq!(decrypt_original(&key, &two, &ciphertext), refused);
    assert_eq!(decrypt_original(&key, &one, &other), refused);
}

#[test]
fn refuses_another_key() {
    let public = key(1).public_key();
    let (capsule, ciphertext) = encrypt(&mut TestRng::new(2), &public, b"message").unwrap();
    let refused = decrypt_original(&key(3), &capsule, &ciphertext);
    assert_eq!(refused, Err(Error::AuthenticationFailed));
}

/// The capsule is associated data, not only the source of the key.
#[test]
fn refuses_the_key_with_another_capsule() {
    let delegation = Delegation::new(1, 1, 1);
    let other = Delegation::new(2, 1, 1);
    let secret = decapsulate_original(&delegation.delegating, &delegation.capsule).unwrap();
    assert_eq!(
        open(&secret, &delegation.capsule, &delegation.ciphertext).unwrap(),
        MESSAGE
    );
    let refused = open(&secret, &other.capsule, &delegation.ciphertext);
    assert_eq!(refused, Err(Error::AuthenticationFailed));
}

#[test]
fn refuses_every_truncation() {
    let key = key(1);
    let (capsule, good) = encrypt(&mut TestRng::new(2), &key.public_key(), b"message").unwrap();
    for actual in 0..good.len() {
        let expected = if actual < NONCE_BYTES {
            Error::CiphertextTooShort { actual }
        } else {
            Error::AuthenticationFailed
        };
        assert_eq!(
            decrypt_original(&key, &capsule, &good[..actual]),
            Err(expected)
        );
    }
}

#[test]
fn tells_a_bad_ciphertext_from_too_few_cfrags() {
    let mut delegation = Delegation::new(1, 2, 2);
    let cfrags = delegation.cfrags(&[0, 1]);
    assert_eq!(
        delegation.decrypt(&cfrags[..1]),
        Err(Error::ValidationFailed)
    );
    delegation.ciphertext[30] ^= 1;
    assert_eq!(
        delegation.decrypt(&cfrags),
        Err(Error::AuthenticationFailed)
    );
    assert_eq!(
        delegation.decrypt(&cfrags[..1]),
        Err(Error::ValidationFailed)
    );
    delegation.ciphertext.truncate(5);
    assert_eq!(
        delegation.decrypt(&cfrags),
        Err(Error::CiphertextTooShort { actual: 5 })
    );
}

#[test]
fn a_failing_generator_is_an_error() {
    let refused = encrypt(&mut BrokenRng::Failing, &key(1).public_key(), b"message");
    assert_eq!(refused, Err(Error::Rng));
}

#[test]
fn two_encryptions_of_one_message_differ() {
    let (public, mut rng) = (key(1).public_key(), TestRng::new(2));
    let (_, one) = encrypt(&mut rng, &public, b"message").unwrap();
    let (_, two) = encrypt(&mut rng, &public, b"message").unwrap();
    assert_ne!(one, two);
}

proptest! {
    #[test]
    fn every_message_comes_back(seed: u64, plaintext: Vec<u8>) {
        let key = key(seed);
        let (capsule, ciphertext) =
            encrypt(&mut TestRng::new(!seed), &key.public_key(), &plaintext).unwrap();
        prop_assert_eq!(ciphertext.len(), plaintext.len() + CIPHERTEXT_OVERHEAD);
        prop_assert_eq!(decrypt_original(&key, &capsule, &ciphertext).unwrap(), plaintext);
    }

    #[test]
    fn arbitrary_bytes_never_decrypt(ciphertext: Vec<u8>) {
        let key = key(1);
        let (capsule, _) = encrypt(&mut TestRng::new(2), &key.public_key(), b"").unwrap();
        prop_assert!(decrypt_original(&key, &capsule, &ciphertext).is_err());
    }
}

/// Encryption works in chunks and with another implementation than decryption.
#[test]
fn every_length_around_a_chunk_is_decrypted() {
    let delegation = Delegation::new(1, 1, 1);
    let public = delegation.delegating.public_key();
    for chunks in 0..3 {
        for around in [0, 1, 15, 16, 17, SEAL_CHUNK - 17, SEAL_CHUNK - 1] {
            let message = vec![7; chunks * SEAL_CHUNK + around];
            let (capsule, ciphertext) = encrypt(&mut TestRng::new(2), &public, &message).unwrap();
            let opened = decrypt_original(&delegation.delegating, &capsule, &ciphertext);
            assert_eq!(opened.as_ref(), Ok(&message));
        }
    }
}
