use alloc::format;
use std::collections::HashSet;

use super::*;
use crate::testing::{BrokenRng, TestRng};

fn key(seed: u64) -> SecretKey {
    SecretKey::random(&mut TestRng::new(seed)).unwrap()
}

#[test]
fn the_owner_opens_what_was_made_for_it() {
    let key = key(1);
    let (capsule, secret) = encapsulate(&mut TestRng::new(2), &key.public_key()).unwrap();
    assert_eq!(
        decapsulate_original(&key, &capsule).unwrap().expose(),
        secret.expose()
    );
    assert!(Capsule::from_bytes(&capsule.to_bytes()).is_ok());
}

#[test]
fn another_key_and_another_capsule_give_another_secret() {
    let (one, two, mut rng) = (key(1), key(2), TestRng::new(3));
    let (capsule, secret) = encapsulate(&mut rng, &one.public_key()).unwrap();
    let (other, _) = encapsulate(&mut rng, &one.public_key()).unwrap();
    assert_ne!(
        decapsulate_original(&two, &capsule).unwrap().expose(),
        secret.expose()
    );
    assert_ne!(
        decapsulate_original(&one, &other).unwrap().expose(),
        secret.expose()
    );
}

#[test]
fn a_broken_generator_is_an_error() {
    let public = key(1).public_key();
    let refused = |mut rng| encapsulate(&mut rng, &public).err();
    assert_eq!(refused(BrokenRng::Failing), Some(Error::Rng));
    assert_eq!(refused(BrokenRng::Stuck(0)), Some(Error::RngDegenerate));
}

#[test]
fn secrets_and_capsules_do_not_repeat() {
    let (public, mut rng) = (key(1).public_key(), TestRng::new(2));
    let (mut secrets, mut capsules) = (HashSet::new(), HashSet::new());
    for _ in 0..1_000 {
        let (capsule, secret) = encapsulate(&mut rng, &public).unwrap();
        assert!(secrets.insert(*secret.expose()));
        assert!(capsules.insert(capsule.to_bytes()));
    }
}

#[test]
fn is_not_printed() {
    let (_, secret) = encapsulate(&mut TestRng::new(2), &key(1).public_key()).unwrap();
    assert_eq!(format!("{secret:?}"), "SharedSecret(<redacted>)");
}
