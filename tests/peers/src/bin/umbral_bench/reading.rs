//! Checking cfrags, opening, and the reader's whole path.

use std::hint::black_box;

use umbral::CapsuleFrag;
use umbral_peers::timing::sink;
use umbral_peers::{MINER, Parties, policy};
use umbral_pre as pre;

use crate::answers::{MESSAGE, answers};
use crate::table::{Operation, Table};

pub(crate) fn cfrags(table: &mut Table, parties: &Parties) {
    let (context, policy) = (parties.context(), policy(30, 30));
    let answers = answers(parties, 30);
    let single = || {
        let frag = CapsuleFrag::from_bytes(&answers.bytes[0]);
        frag.and_then(|frag| frag.verify(&answers.capsule, &context, &policy, &MINER))
            .expect("verifies")
    };
    let mut peer = || sink(answers.peer_verify(parties, &answers.packed[0]));
    single();
    table.row(
        Operation::new("cfrag_verify_single", Some(131.0), 1.0),
        &mut || sink(single()),
        &mut peer,
    );
    let mut peer30 = || {
        for packed in &answers.packed {
            black_box(answers.peer_verify(parties, packed));
        }
    };
    table.row(
        Operation::new("cfrag_verify_batch30", Some(100.0), 30.0),
        &mut || sink(answers.verify(&mut answers.prepare(parties))),
        &mut peer30,
    );
    let mut prepared = answers.prepare(parties);
    answers.verify(&mut prepared);
    table.row(
        Operation::new("cfrag_verify_batch30_cached", Some(73.0), 30.0),
        &mut || sink(answers.verify(&mut prepared)),
        &mut peer30,
    );
}

pub(crate) fn opening(table: &mut Table, parties: &Parties) {
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
        let mut prepared = answers.prepare(parties);
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
            Operation::new(name, Some(limit), 1.0),
            &mut || sink(open()),
            &mut || sink(peer(theirs.clone())),
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
        let mut optimistic = || {
            let secret = &parties.receiving;
            let opened = umbral::decapsulate_optimistic(secret, &answers.bytes, |secret| {
                secret.decrypt(capsule, ciphertext).ok()
            });
            assert_eq!(opened.expect("opens"), MESSAGE);
        };
        table.row(
            Operation::new(names[0], limits[0], 1.0),
            &mut optimistic,
            &mut peer,
        );
        let mut prepared = answers.prepare(parties);
        answers.verify(&mut prepared);
        let mut verified = || {
            let frags = answers.verify(&mut prepared);
            let secret = &parties.receiving;
            let opened = umbral::decrypt_reencrypted(secret, &key, capsule, &frags, ciphertext);
            assert_eq!(opened.expect("opens"), MESSAGE);
        };
        table.row(
            Operation::new(names[1], limits[1], 1.0),
            &mut verified,
            &mut peer,
        );
    }
}
