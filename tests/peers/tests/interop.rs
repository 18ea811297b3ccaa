//! Live exchange with umbral-pre 0.11, in both directions: what either makes, the other accepts.

use umbral::compat::{self, KeyFrag};
use umbral::{Capsule, CapsuleFrag, decrypt_original, decrypt_reencrypted, encrypt};
use umbral_peers::{Parties, Rng, pre_capsule};
use umbral_pre as pre;
use umbral_pre::{DefaultDeserialize as _, DefaultSerialize as _};

const MESSAGE: &[u8] = b"said by one, heard by the other";

fn keys(parties: &Parties) -> (pre::PublicKey, pre::PublicKey, pre::PublicKey) {
    let (a, b) = (
        parties.pre_delegating.public_key(),
        parties.pre_receiving.public_key(),
    );
    (a, b, parties.pre_signer.verifying_key())
}

#[test]
fn keys_are_the_same() {
    for _ in 0..20 {
        let parties = Parties::random();
        let (a, b, verifying) = keys(&parties);
        let context = parties.context();
        assert_eq!(&*a.to_compressed_bytes(), &context.delegating.to_bytes());
        assert_eq!(&*b.to_compressed_bytes(), &context.receiving.to_bytes());
        assert_eq!(
            &*verifying.to_compressed_bytes(),
            &context.verifying.to_bytes()
        );
    }
}

#[test]
fn each_decrypts_what_the_other_encrypted() {
    let parties = Parties::random();
    let (a, ..) = keys(&parties);
    for size in [0, 1, 31, 32, 100, 16_383, 16_384, 16_385, 100_000] {
        let message = vec![3; size];
        let key = parties.delegating.public_key();
        let (capsule, ciphertext) = encrypt(&mut Rng {}, &key, &message).unwrap();
        let theirs = pre_capsule(&capsule);
        let opened = pre::decrypt_original(&parties.pre_delegating, &theirs, &ciphertext).unwrap();
        assert_eq!(&*opened, message);

        let (capsule, ciphertext) = pre::encrypt(&a, &message).unwrap();
        let capsule = Capsule::from_msgpack(&capsule.to_bytes().unwrap()).unwrap();
        let opened = decrypt_original(&parties.delegating, &capsule, &ciphertext).unwrap();
        assert_eq!(opened, message);
    }
}

#[test]
fn signatures_are_accepted_both_ways() {
    let parties = Parties::random();
    let (.., verifying) = keys(&parties);
    for byte in 0..50 {
        let message = [byte; 40];
        let ours = parties.signer.sign(&mut Rng {}, &message).unwrap();
        let theirs = pre::Signature::try_from_be_bytes(&ours.to_bytes()).unwrap();
        assert!(theirs.verify(&verifying, &message));

        let theirs = parties.pre_signer.sign(&message).to_be_bytes();
        let ours = umbral::Signature::from_bytes(&(&*theirs).try_into().unwrap()).unwrap();
        assert_eq!(parties.context().verifying.verify(&message, &ours), Ok(()));
    }
}

/// Who makes the kfrags, re-encrypts and opens: every mixture opens the message.
#[test]
fn every_mixture_of_parties_opens() {
    let parties = Parties::random();
    let (a, b, verifying) = keys(&parties);
    let context = parties.context();
    let (capsule, ciphertext) = encrypt(&mut Rng {}, &context.delegating, MESSAGE).unwrap();
    let theirs = pre_capsule(&capsule);
    let ours = parties.kfrags(2, 3);
    let ours: Vec<Vec<u8>> = ours
        .iter()
        .map(|kfrag| kfrag.to_secret_msgpack().to_vec())
        .collect();
    let peers = parties.pre_kfrags(2, 3);
    let peers: Vec<Vec<u8>> = peers
        .iter()
        .map(|kfrag| kfrag.clone().unverify().to_bytes().unwrap().to_vec())
        .collect();
    for kfrags in [ours, peers] {
        let mut answers: Vec<Vec<u8>> = Vec::new();
        for (index, bytes) in kfrags.iter().enumerate() {
            if index % 2 == 0 {
                let kfrag = KeyFrag::from_msgpack(bytes)
                    .unwrap()
                    .verify(&context)
                    .unwrap();
                let answer = compat::reencrypt(&mut Rng {}, &capsule, &kfrag).unwrap();
                answers.push(answer.to_msgpack().to_vec());
            } else {
                let kfrag = pre::KeyFrag::from_bytes(bytes).unwrap();
                let kfrag = kfrag
                    .verify(&verifying, Some(&a), Some(&b))
                    .map_err(|e| e.0)
                    .unwrap();
                let answer = pre::reencrypt(&theirs, kfrag).unverify();
                answers.push(answer.to_bytes().unwrap().to_vec());
            }
        }
        for pair in [[0, 1], [1, 2], [0, 2]] {
            open_both_ways(
                &parties,
                &capsule,
                &ciphertext,
                pair.map(|i| answers[i].as_slice()),
            );
        }
    }
}

fn open_both_ways(parties: &Parties, capsule: &Capsule, ciphertext: &[u8], answers: [&[u8]; 2]) {
    let (a, b, verifying) = keys(parties);
    let (context, theirs) = (parties.context(), pre_capsule(capsule));
    let verified = answers.map(|bytes| {
        CapsuleFrag::from_msgpack(bytes)
            .unwrap()
            .verify_v1(capsule, &context)
            .unwrap()
    });
    let key = &context.delegating;
    let opened = decrypt_reencrypted(&parties.receiving, key, capsule, &verified, ciphertext);
    assert_eq!(opened.unwrap(), MESSAGE);

    let verified = answers.map(|bytes| {
        let cfrag = pre::CapsuleFrag::from_bytes(bytes).unwrap();
        cfrag
            .verify(&theirs, &verifying, &a, &b)
            .map_err(|e| e.0)
            .unwrap()
    });
    let secret = &parties.pre_receiving;
    let opened = pre::decrypt_reencrypted(secret, &a, &theirs, verified, ciphertext).unwrap();
    assert_eq!(&*opened, MESSAGE);
}

/// Both refuse the same changed cfrags, but for what umbral-pre is known to let through.
#[test]
fn what_we_accept_the_peer_accepts() {
    let parties = Parties::random();
    let (a, b, verifying) = keys(&parties);
    let context = parties.context();
    let (capsule, _) = umbral::encapsulate(&mut Rng {}, &context.delegating).unwrap();
    let kfrag = parties.kfrags(1, 1).remove(0);
    let good = compat::reencrypt(&mut Rng {}, &capsule, &kfrag)
        .unwrap()
        .to_msgpack();
    for bit in (0..good.len() * 8).step_by(7) {
        let mut bytes = good;
        bytes[bit / 8] ^= 1 << (bit % 8);
        let ours = CapsuleFrag::from_msgpack(&bytes).and_then(|f| f.verify_v1(&capsule, &context));
        let theirs = pre::CapsuleFrag::from_bytes(&bytes).ok().and_then(|cfrag| {
            cfrag
                .verify(&pre_capsule(&capsule), &verifying, &a, &b)
                .ok()
        });
        assert_eq!(ours.is_ok(), theirs.is_some(), "bit {bit}");
    }
}
