//! Primitives alone, and sizes.

use std::hint::black_box;

use umbral::PreparedContext;
use umbral_peers::timing::{alone, sink};
use umbral_peers::{Parties, Rng, policy};
use umbral_pre::DefaultSerialize as _;

use crate::answers::{MESSAGE, answers};

/// libsecp256k1, in the same run.
pub(crate) fn primitives(parties: &Parties) {
    use secp256k1::{Message, PublicKey, Scalar, Secp256k1, SecretKey};
    let secp = Secp256k1::new();
    let secret = SecretKey::from_byte_array(*parties.delegating.to_secret_bytes()).expect("key");
    let public = PublicKey::from_secret_key(&secp, &secret);
    let bytes = public.serialize();
    let scalar = Scalar::from(secret);
    let message = Message::from_digest([7; 32]);
    let signature = secp.sign_ecdsa(message, &secret);
    println!("\nlibsecp256k1, us");
    let print = |name: &str, us: f64| println!("{name:<30} {us:>10.2}");
    print(
        "fixed-base multiple",
        alone(&mut || {
            black_box(PublicKey::from_secret_key(&secp, &secret));
        }),
    );
    print(
        "multiple, variable time",
        alone(&mut || {
            let _ = black_box(public.mul_tweak(&secp, &scalar));
        }),
    );
    print(
        "ecdh, constant time",
        alone(&mut || {
            black_box(secp256k1::ecdh::SharedSecret::new(&public, &secret));
        }),
    );
    print(
        "decompress",
        alone(&mut || {
            let _ = black_box(PublicKey::from_slice(&bytes));
        }),
    );
    print(
        "ecdsa sign",
        alone(&mut || {
            black_box(secp.sign_ecdsa(message, &secret));
        }),
    );
    print(
        "ecdsa verify",
        alone(&mut || {
            let _ = black_box(secp.verify_ecdsa(message, &signature, &public));
        }),
    );
    ours(parties, &bytes);
}

fn ours(parties: &Parties, bytes: &[u8; 33]) {
    let print = |name: &str, us: f64| println!("{name:<30} {us:>10.2}");
    let (signer, key) = (&parties.signer, parties.signer.verifying_key());
    let signature = signer.sign(&mut Rng {}, b"message").expect("signs");
    println!("\nours, us");
    print(
        "ecdsa sign",
        alone(&mut || {
            let _ = black_box(signer.sign(&mut Rng {}, b"message"));
        }),
    );
    print(
        "ecdsa verify",
        alone(&mut || {
            black_box(key.verify(b"message", &signature)).expect("verifies");
        }),
    );
    print(
        "decompress",
        alone(&mut || {
            let _ = black_box(umbral::PublicKey::from_bytes(bytes));
        }),
    );
    let (context, policy) = (parties.context(), policy(1, 1));
    print(
        "prepare a context",
        alone(&mut || sink(PreparedContext::new(context, policy))),
    );
}

pub(crate) fn sizes(parties: &Parties) {
    let answers = answers(parties, 1);
    let kfrag = &parties.grant(1, 1).kfrags[0];
    let v1 = parties.kfrags(1, 1).remove(0);
    println!("\nsizes, bytes: ours, MessagePack of version 1 as umbral-pre writes it");
    let theirs = answers.theirs.to_bytes().expect("encodes").len();
    assert_eq!(theirs, answers.capsule.to_msgpack().len());
    println!(
        "{:<30} {:>6} {theirs:>6}",
        "capsule",
        answers.capsule.to_bytes().len()
    );
    let packed = v1.to_secret_msgpack().len();
    println!(
        "{:<30} {:>6} {packed:>6}",
        "kfrag",
        kfrag.to_secret_bytes().len()
    );
    let packed = answers.packed[0].len();
    println!("{:<30} {:>6} {packed:>6}", "cfrag", answers.bytes[0].len());
    let overhead = answers.ciphertext.len() - MESSAGE.len();
    println!("{:<30} {overhead:>6}", "ciphertext overhead");
}
