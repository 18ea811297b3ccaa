//! Vectors of cfrags that are good for one policy and one miner.

use std::io;

use serde_json::{Value, json};
use umbral::fault::CapsuleWitness;
use umbral::{Policy, Quorum};

use crate::forge::Setting;
use crate::judge;

/// Delegations whose honest answers are written beside the judged one's.
const FURTHER: u64 = 3;

const MINERS: [[u8; 20]; 2] = [[0x11; 20], [0x22; 20]];

fn setting(seed: u64) -> io::Result<Setting> {
    let policy = Policy {
        chain_id: 31_337,
        contract: [0xc0; 20],
        policy_id: [0x1d; 32],
        quorum: Quorum::new(2, 2).map_err(io::Error::other)?,
        not_before: 11,
        expiry: 41,
        conditions: [0; 32],
    };
    Ok(Setting::granted(seed, &policy, &MINERS))
}

/// The file: what was granted, every way to forge, and honest answers.
pub(crate) fn file() -> io::Result<Value> {
    let judged = setting(0)?;
    let cases = forgeries(&judged)?;
    let mut honest = Vec::new();
    for seed in 0..=FURTHER {
        honest.push(honest_answers(&setting(seed)?)?);
    }
    let Some(grant) = &judged.grant else {
        return Err(io::Error::other("version 2 grants something"));
    };
    let policy = &grant.policy;
    Ok(json!({
        "format": 1,
        "grant": {
            "chain_id": policy.chain_id,
            "contract": hex::encode(policy.contract),
            "policy_id": hex::encode(policy.policy_id),
            "miner": hex::encode(grant.miner),
            "threshold": policy.quorum.threshold(),
            "shares": policy.quorum.shares(),
            "not_before": policy.not_before,
            "expiry": policy.expiry,
        },
        "cases": cases,
        "honest": honest,
    }))
}

/// All against the first honest answer's capsule and keys.
fn forgeries(setting: &Setting) -> io::Result<Vec<Value>> {
    let mut cases = Vec::new();
    let all = setting.forgeries().into_iter();
    for (name, cfrag, expected) in all.chain(setting.misgranted()) {
        let fault = setting.fault(&cfrag);
        let fault = fault.ok_or_else(|| io::Error::other("a forgery without a witness"))?;
        let (code, witness) = (fault.code(), fault.to_bytes());
        let guilty = judge::convicts(&setting.case(&cfrag), code, &witness);
        let innocent = !judge::convicts(&setting.case(&setting.honest), code, &witness);
        if code != expected || !guilty || !innocent {
            return Err(io::Error::other(format!(
                "{name} is not judged as expected"
            )));
        }
        cases.push(json!({
            "name": name,
            "cfrag": hex::encode(cfrag),
            "digest": hex::encode(setting.case(&cfrag).digest),
            "code": code,
            "witness": hex::encode(&witness),
        }));
    }
    Ok(cases)
}

/// One delegation: its keys, its capsule, honest answers, and the true witness of each equation.
fn honest_answers(setting: &Setting) -> io::Result<Value> {
    for cfrag in [&setting.honest, &setting.again] {
        if setting.fault(cfrag).is_some() {
            return Err(io::Error::other("an honest cfrag with a fault"));
        }
    }
    let context = &setting.context;
    let witness = CapsuleWitness::new(&setting.capsule).map_err(io::Error::other)?;
    let true_witnesses: Vec<String> = (1..=3)
        .map(|index| hex::encode(setting.true_witness(index)))
        .collect();
    Ok(json!({
        "delegating": hex::encode(context.delegating.to_bytes()),
        "receiving": hex::encode(context.receiving.to_bytes()),
        // Keys of vectors: known to everybody.
        "receiving_secret": hex::encode(*setting.receiving.to_secret_bytes()),
        "signer_secret": hex::encode(*setting.signer.to_secret_bytes()),
        "signer": hex::encode(judge::address(&context.verifying.to_uncompressed())),
        "capsule": hex::encode(setting.capsule_bytes),
        "roots": hex::encode(witness.roots().concat()),
        "capsule_witness": hex::encode(witness.equation.to_bytes()),
        "digest": hex::encode(setting.case(&setting.honest).digest),
        "cfrag": hex::encode(setting.honest),
        "again": hex::encode(setting.again),
        "other": hex::encode(setting.other),
        "true_witnesses": true_witnesses,
    }))
}
