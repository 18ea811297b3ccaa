use super::*;
use crate::testing::{Delegation, MESSAGE};
use crate::{decapsulate_original, encrypt, reencrypt};

/// Some messages, each with the fragments of these proxies.
fn messages(
    delegation: &mut Delegation,
    proxies: &[&[usize]],
) -> Vec<(Capsule, Vec<VerifiedCapsuleFrag>, Vec<u8>)> {
    let public = delegation.delegating.public_key();
    let message = |set: &&[usize]| {
        let rng = &mut delegation.rng;
        let (capsule, ciphertext) = encrypt(rng, &public, MESSAGE).unwrap();
        let answer = |&i: &usize| reencrypt(rng, &capsule, &delegation.kfrags[i]).unwrap();
        let frags = set.iter().map(answer).collect();
        (capsule, frags, ciphertext)
    };
    proxies.iter().map(message).collect()
}

fn sealed(messages: &[(Capsule, Vec<VerifiedCapsuleFrag>, Vec<u8>)]) -> Vec<Sealed<'_>> {
    messages
        .iter()
        .map(|(capsule, frags, ciphertext)| Sealed {
            capsule,
            frags,
            ciphertext,
        })
        .collect()
}

#[test]
fn each_message_is_opened_as_it_would_be_alone() {
    let mut delegation = Delegation::new(1, 2, 4);
    let sets: [&[usize]; 6] = [&[0, 1], &[0, 1], &[1, 0], &[3, 2, 1], &[0], &[]];
    let mut messages = messages(&mut delegation, &sets);
    messages[1].2[40] ^= 1;
    let alone: Vec<_> = messages
        .iter()
        .map(|(capsule, frags, ciphertext)| {
            let public = delegation.delegating.public_key();
            crate::decrypt_reencrypted(&delegation.receiving, &public, capsule, frags, ciphertext)
        })
        .collect();
    assert_eq!(alone[0].as_deref(), Ok(MESSAGE));
    assert_eq!(alone[1], Err(Error::AuthenticationFailed));
    assert_eq!(alone[4], Err(Error::ValidationFailed));
    assert_eq!(open_many(&delegation.receiving, &sealed(&messages)), alone);
}

#[test]
fn an_opening_key_serves_its_proxies_only() {
    let mut delegation = Delegation::new(1, 2, 3);
    let messages = messages(&mut delegation, &[&[0, 1], &[0, 1], &[1, 0], &[0, 1, 2]]);
    let key = OpeningKey::new(&delegation.receiving, &messages[0].1).unwrap();
    for (capsule, frags, ciphertext) in &messages[..2] {
        assert_eq!(key.decrypt(capsule, frags, ciphertext).unwrap(), MESSAGE);
        let secret = decapsulate_original(&delegation.delegating, capsule).unwrap();
        assert_eq!(
            key.decapsulate(capsule, frags).unwrap().expose(),
            secret.expose()
        );
    }
    for (capsule, frags, ciphertext) in &messages[2..] {
        assert_eq!(
            key.decrypt(capsule, frags, ciphertext),
            Err(Error::OtherProxies)
        );
    }
    let (capsule, _, ciphertext) = &messages[0];
    let refused = key.decrypt(capsule, &messages[1].1, ciphertext);
    assert_eq!(refused, Err(Error::AnotherCapsule { index: 0 }));
}

#[test]
fn too_few_fragments_are_not_a_key() {
    let mut delegation = Delegation::new(1, 2, 2);
    let messages = messages(&mut delegation, &[&[0]]);
    let (capsule, frags, _) = &messages[0];
    let key = OpeningKey::new(&delegation.receiving, frags).unwrap();
    assert_eq!(
        key.decapsulate(capsule, frags).err(),
        Some(Error::ValidationFailed)
    );
    let stranger = Delegation::new(8, 1, 1).receiving;
    let refused = OpeningKey::new(&stranger, frags).err();
    assert_eq!(refused, Some(Error::AnotherContext { index: 0 }));
}
