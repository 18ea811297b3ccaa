//! Kfrags bound to a policy and a miner, with commitments, as the product uses them. umbral-pre has
//! no counterpart and makes its own kfrags instead.

use umbral::KeyFrag;
use umbral_peers::timing::sink;
use umbral_peers::{MINER, Parties, policy};
use umbral_pre as pre;
use umbral_pre::DefaultDeserialize as _;

use crate::table::{Operation, Table};

pub(crate) fn extensions(table: &mut Table, parties: &Parties) {
    let (context, policy) = (parties.context(), policy(1, 1));
    let bytes = parties.grant(1, 1).kfrags[0].to_secret_bytes();
    let ours = || {
        let kfrag = KeyFrag::from_bytes(&bytes);
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
        Operation::new("kfrag_verify", Some(45.0), 1.0),
        &mut || sink(ours()),
        &mut || sink(peer()),
    );
    table.row(
        Operation::new("generate_kfrags_3_5_v2", Some(205.0), 1.0),
        &mut || sink(parties.grant(3, 5)),
        &mut || sink(parties.pre_kfrags(3, 5)),
    );
}
