//! Measures `umbral` against umbral-pre 0.11 in one process: thread CPU time, medians of
//! alternating samples. Every result is checked before it is timed.
//!
//! `cargo run --release --bin umbral_bench` in `tests/peers`; writes `target/umbral_bench.json` at
//! the root of the repository.

mod answers;
mod extensions;
mod primitives;
mod reading;
mod table;

use std::path::Path;

use umbral::compat::{self, KeyFrag};
use umbral_peers::timing::sink;
use umbral_peers::{Parties, Rng, pre_capsule};
use umbral_pre as pre;
use umbral_pre::DefaultDeserialize as _;

use extensions::extensions;
use primitives::{primitives, sizes};
use reading::{cfrags, opening};
use table::{Operation, Table};

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
    cfrags(&mut table, &parties);
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
            Operation::new(name, Some(limits.0), 1.0),
            &mut || sink(umbral::encrypt(&mut Rng {}, &key, &message)),
            &mut || sink(pre::encrypt(&pre_key, &message)),
        );
        let ours = || umbral::decrypt_original(&parties.delegating, &capsule, &ciphertext);
        assert_eq!(ours().expect("opens"), message);
        table.row(
            Operation::new(original, Some(limits.1), 1.0),
            &mut || sink(ours()),
            &mut || {
                sink(pre::decrypt_original(
                    &parties.pre_delegating,
                    &theirs,
                    &ciphertext,
                ))
            },
        );
    }
    let (capsule, _) = umbral::encapsulate(&mut Rng {}, &key).expect("encapsulates");
    let (bytes, packed) = (capsule.to_bytes(), capsule.to_msgpack());
    assert_eq!(umbral::Capsule::from_bytes(&bytes), Ok(capsule));
    table.row(
        Operation::new("capsule_decode", Some(27.0), 1.0),
        &mut || sink(umbral::Capsule::from_bytes(&bytes)),
        &mut || sink(pre::Capsule::from_bytes(&packed)),
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
            Operation::new(name, Some(limit), 1.0),
            &mut || sink(parties.kfrags(threshold, shares)),
            &mut || sink(parties.pre_kfrags(threshold.into(), shares.into())),
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
        kfrag
            .verify(&verifying, Some(&a), Some(&b))
            .map_err(|error| error.0)
    };
    assert!(ours().is_ok() && peer().is_ok());
    table.row(
        Operation::new("kfrag_verify_v1", Some(45.0), 1.0),
        &mut || sink(ours()),
        &mut || sink(peer()),
    );
    let (capsule, _) = umbral::encapsulate(&mut Rng {}, &context.delegating).expect("capsule");
    let theirs = pre_capsule(&capsule);
    let pre_kfrag = peer().expect("verified");
    let answer = compat::reencrypt(&mut Rng {}, &capsule, &kfrag).expect("reencrypts");
    let answer = pre::CapsuleFrag::from_bytes(&answer.to_msgpack()).expect("decodes");
    assert!(answer.verify(&theirs, &verifying, &a, &b).is_ok());
    let granted = &parties.grant(1, 1).kfrags[0];
    table.row(
        Operation::new("reencrypt", Some(112.0), 1.0),
        &mut || sink(umbral::reencrypt(&mut Rng {}, &capsule, granted)),
        &mut || sink(pre::reencrypt(&theirs, pre_kfrag.clone())),
    );
}
