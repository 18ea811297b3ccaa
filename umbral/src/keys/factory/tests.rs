use alloc::format;
use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::testing::{BrokenRng, TestRng};

#[test]
fn every_label_and_use_gives_another_secret() {
    let factory = SecretKeyFactory::from_secret_bytes(&[7; 32]);
    let mut seen = HashSet::new();
    for label in [b"".as_slice(), b"a", b"b", b"ab", b"a/b"] {
        let sub = factory.make_factory(label).unwrap();
        assert!(seen.insert(factory.make_key(label).unwrap().to_secret_bytes().to_vec()));
        assert!(seen.insert(sub.to_secret_bytes().to_vec()));
        assert!(seen.insert(sub.make_key(label).unwrap().to_secret_bytes().to_vec()));
        assert!(seen.insert(factory.make_secret(label).unwrap().to_vec()));
    }
}

#[test]
fn another_seed_gives_another_key() {
    let key = |seed| {
        SecretKeyFactory::from_secret_bytes(&seed)
            .make_key(b"label")
            .unwrap()
    };
    assert_ne!(key([1; 32]).public_key(), key([2; 32]).public_key());
}

#[test]
fn a_failing_generator_is_an_error() {
    assert_eq!(
        SecretKeyFactory::random(&mut BrokenRng::Failing).err(),
        Some(Error::Rng)
    );
}

#[test]
fn a_seed_is_not_printed() {
    let factory = SecretKeyFactory::from_secret_bytes(&[0x5a; 32]);
    assert_eq!(format!("{factory:?}"), "SecretKeyFactory(<redacted>)");
}

proptest! {
    #[test]
    fn a_seed_and_a_label_always_give_the_same_key(seed: u64, label: Vec<u8>) {
        let factory = SecretKeyFactory::random(&mut TestRng::new(seed)).unwrap();
        let again = SecretKeyFactory::from_secret_bytes(&factory.to_secret_bytes());
        let (one, two) = (factory.make_key(&label).unwrap(), again.make_key(&label).unwrap());
        prop_assert_eq!(one.public_key(), two.public_key());
    }
}
