//! Measures `umbral` against umbral-pre 0.11 in one process: thread CPU time, medians of
//! alternating samples. Every result is checked before it is timed.
//!
//! `cargo run --release --bin umbral_bench` in `tests/peers`; writes `target/umbral_bench.json` at
//! the root of the repository.

use std::hint::black_box;
use std::path::Path;

use serde::Serialize;
use umbral::{BatchVerifier, CapsuleFrag, KeyFrag, PreparedContext, v2};
use umbral_peers::timing::{alone, compare};
use umbral_peers::{Parties, Rng, pre_capsule};
use umbral_pre as pre;
use umbral_pre::{DefaultDeserialize as _, DefaultSerialize as _};

#[derive(Serialize)]
struct Row {
    operation: String,
    ours_us: f64,
    peer_us: f64,
    ratio: f64,
    limit_us: Option<f64>,
}

#[derive(Default)]
struct Table(Vec<Row>);

impl Table {
    /// Times both; `per` of the same thing are done in one run. The limit is that of umbral.md 3.
    fn row(
        &mut self,
        (operation, limit_us, per): (&str, Option<f64>, f64),
        ours: &mut dyn FnMut(),
        peer: &mut dyn FnMut(),
    ) {
        let (ours_us, peer_us) = compare(ours, peer);
        let (ours_us, peer_us) = (ours_us / per, peer_us / per);
        let ratio = peer_us / ours_us;
        let to_limit = limit_us.map_or("-".into(), |limit| format!("{:.2}", ours_us / limit));
        let limit = limit_us.map_or("-".into(), |limit| format!("{limit:.0}"));
        println!(
            "{operation:<30} {ours_us:>10.1} {peer_us:>10.1} {ratio:>7.2}x {limit:>7} {to_limit:>8}"
        );
        self.0.push(Row {
            operation: operation.into(),
            ours_us,
            peer_us,
            ratio,
            limit_us,
        });
    }
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("--primitives") {
        return primitives(&Parties::random());
    }
    println!("thread CPU time, median of 61 alternating samples, us per operation");
    println!(
        "{:<30} {:>10} {:>10} {:>8} {:>7} {:>8}",
        "operation", "ours", "umbral-pre", "ratio", "limit", "to limit"
    );
    let mut table = Table::default();
    let parties = Parties::random();
    encryption(&mut table, &parties);
    delegation(&mut table, &parties);
    fragments(&mut table, &parties);
    opening(&mut table, &parties);
    extensions(&mut table, &parties);
    primitives(&parties);
    sizes(&parties);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/umbral_bench.json");
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("target exists");
    let json = serde_json::to_string_pretty(&table.0).expect("json");
    std::fs::write(&path, json + "\n").expect("written");
    println!("\nwritten: target/umbral_bench.json");
}

fn encryption(table: &mut Table, parties: &Parties) {
    let (key, pre_key) = (
        parties.delegating.public_key(),
        parties.pre_delegating.public_key(),
    );
    for (name, original, size, limits) in [
        ("encrypt_32", "decrypt_original_32", 32, (53.0, 30.0)),
        (
            "encrypt_1mib",
            "decrypt_original_1mib",
            1 << 20,
            (770.0, 750.0),
        ),
    ] {
        let message = vec![7_u8; size];
        let (capsule, ciphertext) = umbral::encrypt(&mut Rng {}, &key, &message).expect("encrypts");
        let theirs = pre_capsule(&capsule);
        let opened = pre::decrypt_original(&parties.pre_delegating, &theirs, &ciphertext);
        assert_eq!(&*opened.expect("the peer opens ours"), &message);
        table.row(
            (name, Some(limits.0), 1.0),
            &mut || drop(black_box(umbral::encrypt(&mut Rng {}, &key, &message))),
            &mut || drop(black_box(pre::encrypt(&pre_key, &message))),
        );
        let ours = || umbral::decrypt_original(&parties.delegating, &capsule, &ciphertext);
        assert_eq!(ours().expect("opens"), message);
        table.row(
            (original, Some(limits.1), 1.0),
            &mut || drop(black_box(ours())),
            &mut || {
                drop(black_box(pre::decrypt_original(
                    &parties.pre_delegating,
                    &theirs,
                    &ciphertext,
                )))
            },
        );
    }
    let (capsule, _) = umbral::encapsulate(&mut Rng {}, &key).expect("encapsulates");
    let (simple, packed) = (capsule.to_simple(), capsule.to_msgpack());
    assert_eq!(umbral::Capsule::from_simple(&simple), Ok(capsule));
    table.row(
        ("capsule_decode", Some(27.0), 1.0),
        &mut || drop(black_box(umbral::Capsule::from_simple(&simple))),
        &mut || drop(black_box(pre::Capsule::from_bytes(&packed))),
    );
}

fn delegation(table: &mut Table, parties: &Parties) {
    for (name, limit, threshold, shares) in [
        ("generate_kfrags_3_5", 205.0, 3, 5),
        ("generate_kfrags_30_40", 1290.0, 30, 40),
    ] {
        let context = parties.context();
        for kfrag in parties.kfrags(threshold, shares) {
            assert!(kfrag.into_unverified().verify(&context).is_ok());
        }
        table.row(
            (name, Some(limit), 1.0),
            &mut || drop(black_box(parties.kfrags(threshold, shares))),
            &mut || {
                drop(black_box(
                    parties.pre_kfrags(threshold.into(), shares.into()),
                ))
            },
        );
    }

    let context = parties.context();
    let kfrag = parties.kfrags(1, 1).remove(0);
    let (simple, packed) = (kfrag.to_secret_simple(), kfrag.to_secret_msgpack());
    let (a, b) = (
        parties.pre_delegating.public_key(),
        parties.pre_receiving.public_key(),
    );
    let verifying = parties.pre_signer.verifying_key();
    let ours = || KeyFrag::from_simple(&simple).and_then(|kfrag| kfrag.verify(&context));
    let peer = || {
        let kfrag = pre::KeyFrag::from_bytes(&*packed).expect("decodes");
        kfrag.verify(&verifying, Some(&a), Some(&b))
    };
    assert!(ours().is_ok() && peer().is_ok());
    let limit = Some(45.0);
    table.row(
        ("kfrag_verify_v1", limit, 1.0),
        &mut || drop(black_box(ours())),
        &mut || drop(black_box(peer())),
    );
    let prepared = PreparedContext::new(context);
    let ours = || KeyFrag::from_simple(&simple).and_then(|kfrag| kfrag.verify_prepared(&prepared));
    assert!(ours().is_ok());
    table.row(
        ("kfrag_verify_v1_prepared", limit, 1.0),
        &mut || drop(black_box(ours())),
        &mut || drop(black_box(peer())),
    );

    let (capsule, _) = umbral::encapsulate(&mut Rng {}, &context.delegating).expect("capsule");
    let theirs = pre_capsule(&capsule);
    let pre_kfrag = peer().expect("verified");
    let answer = umbral::reencrypt(&mut Rng {}, &capsule, &kfrag).expect("reencrypts");
    let answer = pre::CapsuleFrag::from_bytes(&answer.to_msgpack()).expect("decodes");
    assert!(answer.verify(&theirs, &verifying, &a, &b).is_ok());
    table.row(
        ("reencrypt", Some(112.0), 1.0),
        &mut || drop(black_box(umbral::reencrypt(&mut Rng {}, &capsule, &kfrag))),
        &mut || drop(black_box(pre::reencrypt(&theirs, pre_kfrag.clone()))),
    );
}

/// A capsule, n answers to it in both wire forms, and the peer's view.
struct Answers {
    capsule: umbral::Capsule,
    theirs: pre::Capsule,
    ciphertext: Vec<u8>,
    simple: Vec<[u8; umbral::CAPSULE_FRAG_BYTES]>,
    packed: Vec<Vec<u8>>,
}

const MESSAGE: &[u8] = b"32 bytes of a message, no more..";

fn answers(parties: &Parties, count: u16) -> Answers {
    let key = parties.delegating.public_key();
    let (capsule, ciphertext) = umbral::encrypt(&mut Rng {}, &key, MESSAGE).expect("encrypts");
    let kfrags = parties.kfrags(count, count);
    let answers: Vec<_> = kfrags
        .iter()
        .map(|kfrag| umbral::reencrypt(&mut Rng {}, &capsule, kfrag).expect("reencrypts"))
        .collect();
    Answers {
        theirs: pre_capsule(&capsule),
        simple: answers
            .iter()
            .map(umbral::VerifiedCapsuleFrag::to_simple)
            .collect(),
        packed: answers
            .iter()
            .map(|answer| answer.to_msgpack().to_vec())
            .collect(),
        capsule,
        ciphertext,
    }
}

impl Answers {
    fn peer_verify(&self, parties: &Parties, packed: &[u8]) -> pre::VerifiedCapsuleFrag {
        let cfrag = pre::CapsuleFrag::from_bytes(packed).expect("decodes");
        let (a, b) = (
            parties.pre_delegating.public_key(),
            parties.pre_receiving.public_key(),
        );
        let verifying = parties.pre_signer.verifying_key();
        cfrag
            .verify(&self.theirs, &verifying, &a, &b)
            .map_err(|(error, _)| error)
            .expect("verifies")
    }

    fn verify(&self, prepared: &mut PreparedContext) -> Vec<umbral::VerifiedCapsuleFrag> {
        let mut batch = BatchVerifier::new(prepared);
        for bytes in &self.simple {
            batch.push_simple(&self.capsule, bytes);
        }
        batch
            .finish()
            .into_iter()
            .map(|verdict| verdict.expect("verifies"))
            .collect()
    }
}

fn fragments(table: &mut Table, parties: &Parties) {
    let context = parties.context();
    let answers = answers(parties, 30);
    let single = || {
        let frag = CapsuleFrag::from_simple(&answers.simple[0]);
        frag.and_then(|frag| frag.verify(&answers.capsule, &context))
            .expect("verifies")
    };
    let mut peer = || drop(black_box(answers.peer_verify(parties, &answers.packed[0])));
    single();
    table.row(
        ("cfrag_verify_single", Some(131.0), 1.0),
        &mut || drop(black_box(single())),
        &mut peer,
    );
    let mut peer30 = || {
        for packed in &answers.packed {
            black_box(answers.peer_verify(parties, packed));
        }
    };
    table.row(
        ("cfrag_verify_batch30", Some(100.0), 30.0),
        &mut || {
            drop(black_box(
                answers.verify(&mut PreparedContext::new(context)),
            ))
        },
        &mut peer30,
    );
    let mut prepared = PreparedContext::new(context);
    answers.verify(&mut prepared);
    table.row(
        ("cfrag_verify_batch30_cached", Some(73.0), 30.0),
        &mut || drop(black_box(answers.verify(&mut prepared))),
        &mut peer30,
    );
}

fn opening(table: &mut Table, parties: &Parties) {
    let (key, pre_key) = (
        parties.delegating.public_key(),
        parties.pre_delegating.public_key(),
    );
    for (name, limit, count) in [
        ("open_1", 70.0, 1),
        ("open_3", 100.0, 3),
        ("open_10", 200.0, 10),
        ("open_30", 460.0, 30),
    ] {
        let answers = answers(parties, count);
        let mut prepared = PreparedContext::new(parties.context());
        let ours = answers.verify(&mut prepared);
        let verify = |packed: &Vec<u8>| answers.peer_verify(parties, packed);
        let theirs: Vec<_> = answers.packed.iter().map(verify).collect();
        let (capsule, ciphertext) = (&answers.capsule, &answers.ciphertext);
        let open =
            || umbral::decrypt_reencrypted(&parties.receiving, &key, capsule, &ours, ciphertext);
        let peer = |theirs: Vec<pre::VerifiedCapsuleFrag>| {
            let (secret, capsule) = (&parties.pre_receiving, &answers.theirs);
            pre::decrypt_reencrypted(secret, &pre_key, capsule, theirs, ciphertext)
        };
        assert_eq!(open().expect("opens"), MESSAGE);
        assert_eq!(&*peer(theirs.clone()).expect("opens"), MESSAGE);
        table.row(
            (name, Some(limit), 1.0),
            &mut || drop(black_box(open())),
            &mut || drop(black_box(peer(theirs.clone()))),
        );
    }
    readers(table, parties);
}

fn readers(table: &mut Table, parties: &Parties) {
    let (key, pre_key) = (
        parties.delegating.public_key(),
        parties.pre_delegating.public_key(),
    );
    for (count, names, limits) in [
        (
            3,
            ["reader_3_optimistic", "reader_3_verified"],
            [None, None],
        ),
        (
            10,
            ["reader_10_optimistic", "reader_10_verified"],
            [None, None],
        ),
        (
            30,
            ["reader_30_optimistic", "reader_30_verified"],
            [Some(670.0), Some(2650.0)],
        ),
    ] {
        let answers = answers(parties, count);
        let (capsule, ciphertext) = (&answers.capsule, &answers.ciphertext);
        let mut peer = || {
            let verify = |packed: &Vec<u8>| answers.peer_verify(parties, packed);
            let theirs: Vec<_> = answers.packed.iter().map(verify).collect();
            let secret = &parties.pre_receiving;
            let opened =
                pre::decrypt_reencrypted(secret, &pre_key, &answers.theirs, theirs, ciphertext);
            assert_eq!(&*opened.expect("opens"), MESSAGE);
        };
        let mut prepared = PreparedContext::new(parties.context());
        let mut optimistic = || {
            let secret = &parties.receiving;
            let opened = umbral::open_optimistic(
                secret,
                &mut prepared,
                capsule,
                &answers.simple,
                ciphertext,
            );
            assert_eq!(opened.expect("opens").value, MESSAGE);
        };
        table.row((names[0], limits[0], 1.0), &mut optimistic, &mut peer);
        let mut prepared = PreparedContext::new(parties.context());
        answers.verify(&mut prepared);
        let mut verified = || {
            let frags = answers.verify(&mut prepared);
            let secret = &parties.receiving;
            let opened = umbral::decrypt_reencrypted(secret, &key, capsule, &frags, ciphertext);
            assert_eq!(opened.expect("opens"), MESSAGE);
        };
        table.row((names[1], limits[1], 1.0), &mut verified, &mut peer);
    }
}

const MINER: v2::Miner = [7; 20];

/// What the product uses: version 2, and streams of capsules.
fn extensions(table: &mut Table, parties: &Parties) {
    let context = parties.context();
    let grant = |threshold, miners: &[v2::Miner]| {
        let shares = u16::try_from(miners.len()).expect("few");
        let policy = policy(threshold, shares);
        let params = v2::GrantParams {
            delegating: &parties.delegating,
            receiving: &context.receiving,
            signer: &parties.signer,
            policy: &policy,
            miners,
        };
        (
            policy,
            v2::generate_kfrags(&mut Rng {}, &params).expect("grants"),
        )
    };
    let (policy, granted) = grant(1, &[MINER]);
    let bytes = granted.kfrags[0].to_secret_bytes();
    let ours = || {
        let kfrag = v2::KeyFrag::from_bytes(&bytes);
        kfrag
            .and_then(|kfrag| kfrag.verify(&context, &policy, &MINER))
            .expect("verifies")
    };
    let packed = parties.kfrags(1, 1).remove(0).to_secret_msgpack();
    let (a, b) = (
        parties.pre_delegating.public_key(),
        parties.pre_receiving.public_key(),
    );
    let verifying = parties.pre_signer.verifying_key();
    let peer = || {
        let kfrag = pre::KeyFrag::from_bytes(&*packed).expect("decodes");
        kfrag
            .verify(&verifying, Some(&a), Some(&b))
            .map_err(|error| error.0)
            .expect("verifies")
    };
    table.row(
        ("kfrag_verify", Some(45.0), 1.0),
        &mut || drop(black_box(ours())),
        &mut || drop(black_box(peer())),
    );
    table.row(
        ("generate_kfrags_3_5_v2", Some(205.0), 1.0),
        &mut || drop(black_box(grant(3, &[MINER; 5]))),
        &mut || drop(black_box(parties.pre_kfrags(3, 5))),
    );
    stream(table, parties);
}

fn policy(threshold: u16, shares: u16) -> v2::Policy {
    v2::Policy {
        chain_id: 1,
        contract: [1; 20],
        policy_id: [2; 32],
        quorum: umbral::Quorum::new(threshold, shares).expect("quorum"),
        not_before: 0,
        expiry: 1,
        conditions: [0; 32],
    }
}

/// Sixteen capsules opened with ten verified fragments each; per capsule.
fn stream(table: &mut Table, parties: &Parties) {
    let (key, pre_key) = (
        parties.delegating.public_key(),
        parties.pre_delegating.public_key(),
    );
    let kfrags = parties.kfrags(10, 10);
    let sealed: Vec<_> = (0..16)
        .map(|_| {
            let (capsule, ciphertext) = umbral::encrypt(&mut Rng {}, &key, MESSAGE).expect("ok");
            let answer = |kfrag| umbral::reencrypt(&mut Rng {}, &capsule, kfrag).expect("ok");
            let frags: Vec<_> = kfrags.iter().map(answer).collect();
            (capsule, frags, ciphertext)
        })
        .collect();
    let peers: Vec<_> = sealed
        .iter()
        .map(|(capsule, frags, ciphertext)| {
            let theirs: Vec<_> = frags
                .iter()
                .map(|frag| {
                    let cfrag = pre::CapsuleFrag::from_bytes(&frag.to_msgpack()).expect("decodes");
                    cfrag.skip_verification()
                })
                .collect();
            (pre_capsule(capsule), theirs, ciphertext)
        })
        .collect();
    let items: Vec<_> = sealed
        .iter()
        .map(|(capsule, frags, ciphertext)| umbral::Sealed {
            capsule,
            frags,
            ciphertext,
        })
        .collect();
    let open = || umbral::open_many(&parties.receiving, &items);
    assert!(
        open()
            .into_iter()
            .all(|opened| opened.as_deref() == Ok(MESSAGE))
    );
    table.row(
        ("open_many_10_of_16", None, 16.0),
        &mut || drop(black_box(open())),
        &mut || {
            for (capsule, frags, ciphertext) in &peers {
                let secret = &parties.pre_receiving;
                let frags = frags.clone();
                let opened = pre::decrypt_reencrypted(secret, &pre_key, capsule, frags, ciphertext);
                assert_eq!(&*opened.expect("opens"), MESSAGE);
            }
        },
    );
}

/// libsecp256k1, in the same run.
fn primitives(parties: &Parties) {
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
    let (signer, key) = (&parties.signer, parties.signer.verifying_key());
    let ours = signer.sign(&mut Rng {}, b"message").expect("signs");
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
            black_box(key.verify(b"message", &ours)).expect("verifies");
        }),
    );
    print(
        "decompress",
        alone(&mut || {
            let _ = black_box(umbral::PublicKey::from_bytes(&bytes));
        }),
    );
    let context = parties.context();
    print(
        "prepare a context",
        alone(&mut || drop(black_box(PreparedContext::new(context)))),
    );
}

fn sizes(parties: &Parties) {
    let answers = answers(parties, 1);
    let kfrag = parties.kfrags(1, 1).remove(0);
    println!("\nsizes, bytes: simple form, MessagePack (umbral-pre writes the same MessagePack)");
    let theirs = answers.theirs.to_bytes().expect("encodes").len();
    assert_eq!(theirs, answers.capsule.to_msgpack().len());
    println!(
        "{:<30} {:>6} {theirs:>6}",
        "capsule",
        answers.capsule.to_simple().len()
    );
    let packed = kfrag.to_secret_msgpack().len();
    println!(
        "{:<30} {:>6} {packed:>6}",
        "key fragment",
        kfrag.to_secret_simple().len()
    );
    let packed = answers.packed[0].len();
    println!(
        "{:<30} {:>6} {packed:>6}",
        "capsule fragment",
        answers.simple[0].len()
    );
    let overhead = answers.ciphertext.len() - MESSAGE.len();
    println!("{:<30} {overhead:>6}", "ciphertext overhead");
}
