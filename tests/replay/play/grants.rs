//! Replays the cases of `grants.json` with `umbral`.

use kms_format::{Decryptor, Header};
use serde_json::{Map, Value, json};
use umbral::{
    Capsule, CapsuleFrag, Commitments, Context, Error, KeyFrag, Miner, Policy, PublicKey, Quorum,
    SecretKey, VerifyingKey,
};

use super::verdict;
use crate::bytes::{exactly, number, sha256, unhex};

/// The grant of a case, with what the case says otherwise.
struct Grant {
    context: Context,
    policy: Policy,
    miners: Vec<Miner>,
    receiving: SecretKey,
    commitments: Vec<u8>,
    file: Vec<u8>,
}

impl Grant {
    fn read(json: &Value) -> Self {
        let policy = &json["policy"];
        let small = |field: &str| u16::try_from(number(&policy[field])).unwrap();
        let large = |field: &str| policy[field].as_u64().unwrap();
        Self {
            context: Context {
                delegating: PublicKey::from_bytes(&exactly(&json["delegating"])).unwrap(),
                receiving: PublicKey::from_bytes(&exactly(&json["receiving"])).unwrap(),
                verifying: VerifyingKey::from_bytes(&exactly(&json["verifying"])).unwrap(),
            },
            policy: Policy {
                chain_id: large("chain_id"),
                contract: exactly(&policy["contract"]),
                policy_id: exactly(&policy["policy_id"]),
                quorum: Quorum::new(small("threshold"), small("shares")).unwrap(),
                not_before: large("not_before"),
                expiry: large("expiry"),
                conditions: exactly(&policy["conditions"]),
            },
            miners: json["miners"]
                .as_array()
                .unwrap()
                .iter()
                .map(exactly)
                .collect(),
            receiving: super::secret(&json["receiving_secret"]),
            commitments: unhex(&json["commitments"]),
            file: unhex(&json["file"]),
        }
    }

    fn capsule(&self) -> Capsule {
        let header = Header::read(&mut &*self.file).unwrap();
        header.capsule().clone()
    }
}

/// Runs a case of these grants.
pub(crate) fn run(grants: &Map<String, Value>, kind: &str, given: &Value) -> Value {
    let mut json = grants[given["grant"].as_str().unwrap()].clone();
    let changed = given.as_object().unwrap().clone();
    json.as_object_mut().unwrap().extend(changed);
    let grant = Grant::read(&json);
    match kind {
        "kfrag" => verdict(kfrag(&grant, &json)),
        "commitments" => verdict(commitments(&grant)),
        "cfrag" => verdict(cfrag(&grant, &json)),
        "open" => verdict(open(&grant, &json)),
        other => panic!("no cases of kind {other}"),
    }
}

fn exact<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Error> {
    bytes.try_into().map_err(|_| Error::Length {
        object: "object of the kit",
        expected: N,
        actual: bytes.len(),
    })
}

fn kfrag(grant: &Grant, given: &Value) -> umbral::Result<Value> {
    let kfrag = KeyFrag::from_bytes(&exact(&unhex(&given["kfrag"]))?)?;
    let miner = &grant.miners[number(&given["miner"])];
    let kfrag = kfrag.verify(&grant.context, &grant.policy, miner)?;
    Ok(json!({ "id": hex::encode(kfrag.id()) }))
}

fn commitments(grant: &Grant) -> umbral::Result<Value> {
    let commitments = Commitments::from_bytes(&grant.commitments)?;
    commitments.check_origin(&grant.receiving, &grant.context, &grant.policy)?;
    Ok(json!({ "threshold": commitments.threshold() }))
}

/// Checks the cfrag, then that its share lies on the polynomial.
fn cfrag(grant: &Grant, given: &Value) -> umbral::Result<Value> {
    let cfrag = CapsuleFrag::from_bytes(&exact(&unhex(&given["cfrag"]))?)?;
    let miner = &grant.miners[number(&given["miner"])];
    let verified = cfrag
        .clone()
        .verify(&grant.capsule(), &grant.context, &grant.policy, miner)?;
    let commitments = Commitments::from_bytes(&grant.commitments)?;
    commitments.check_capsule_frag(&grant.receiving, &cfrag)?;
    Ok(json!({ "id": hex::encode(verified.id()) }))
}

/// Checks every cfrag, and opens the file with all of them.
fn open(grant: &Grant, given: &Value) -> umbral::Result<Value> {
    let capsule = grant.capsule();
    let mut cfrags = Vec::new();
    for piece in given["cfrags"].as_array().unwrap() {
        let cfrag = CapsuleFrag::from_bytes(&exactly(&piece["cfrag"]))?;
        let miner = &grant.miners[number(&piece["miner"])];
        cfrags.push(cfrag.verify(&capsule, &grant.context, &grant.policy, miner)?);
    }
    let delegating = &grant.context.delegating;
    let secret = umbral::decapsulate_reencrypted(&grant.receiving, delegating, &capsule, &cfrags)?;
    let mut rest = &*grant.file;
    let header = Header::read(&mut rest).unwrap();
    let data_key = header.unlock(&secret).unwrap();
    let mut plain = Vec::new();
    let decryptor = Decryptor::new(&header, &data_key, rest).unwrap();
    decryptor.decrypt(&mut plain, &mut |_| ()).unwrap();
    Ok(json!({ "length": plain.len(), "sha256": sha256(&plain) }))
}
