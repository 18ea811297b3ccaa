//! What umbral-pre has no counterpart of, against what it does instead.

use umbral::v2;
use umbral_peers::timing::sink;
use umbral_peers::{Parties, Rng, pre_capsule};
use umbral_pre as pre;
use umbral_pre::DefaultDeserialize as _;

use crate::answers::MESSAGE;
use crate::table::Table;

const MINER: v2::Miner = [7; 20];

/// What the product uses: version 2, and streams of capsules.
pub(crate) fn extensions(table: &mut Table, parties: &Parties) {
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
        &mut || sink(ours()),
        &mut || sink(peer()),
    );
    table.row(
        ("generate_kfrags_3_5_v2", Some(205.0), 1.0),
        &mut || sink(grant(3, &[MINER; 5])),
        &mut || sink(parties.pre_kfrags(3, 5)),
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
        &mut || sink(open()),
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
