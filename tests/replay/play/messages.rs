//! Replays the cases of `messages.json` with `kms-protocol`.

use kms_protocol::messages::AnswerStatement;
use kms_protocol::{
    Address, Destination, Domain, Error, EthSignature, Exchange, TransportSecret, TypedData as _,
    keccak256,
};
use serde_json::{Value, json};

use crate::bytes::{exactly, unhex};

/// Runs a case.
pub(crate) fn run(kind: &str, given: &Value) -> Value {
    let outcome = match kind {
        "digest" => digest(given),
        "envelope" => opened(given).map(|(plain, _)| json!({ "plain": hex::encode(plain) })),
        "reply" => reply(given),
        other => panic!("no cases of kind {other}"),
    };
    match outcome {
        Ok(out) => json!({ "out": out }),
        Err(error) => json!({ "error": error.code() }),
    }
}

fn domain(name: &str, given: &Value) -> Domain {
    let chain = given["chain_id"].as_u64().unwrap();
    let contract = Address(exactly(&given["contract"]));
    let domains = [
        Domain::node(chain, contract),
        Domain::policy_manager(chain, contract),
        Domain::mining_rewards(chain, contract),
        Domain::adjudicator(chain, contract),
        Domain::silence_challenges(chain, contract),
    ];
    domains
        .into_iter()
        .find(|domain| domain.name == name)
        .unwrap()
}

/// The digest of a statement of any type, and who signed it.
fn digest(given: &Value) -> Result<Value, Error> {
    let text = given["type"].as_str().unwrap();
    let fields = text.trim_end_matches(')').split_once('(').unwrap().1;
    let values = given["values"].as_array().unwrap();
    let mut words = keccak256(text.as_bytes()).0.to_vec();
    for (field, value) in fields.split(',').zip(values) {
        let word = match field.split(' ').next().unwrap() {
            "address" | "bytes32" => unhex(value),
            "bytes" => keccak256(&unhex(value)).0.to_vec(),
            "string" => keccak256(value.as_str().unwrap().as_bytes()).0.to_vec(),
            _ => value
                .as_str()
                .unwrap()
                .parse::<u128>()
                .unwrap()
                .to_be_bytes()
                .to_vec(),
        };
        words.extend([vec![0; 32 - word.len()], word].concat());
    }
    let domain = domain(given["domain"].as_str().unwrap(), given);
    let digest = domain.digest(&keccak256(&words));
    let signer = EthSignature(exactly(&given["signature"])).recover(&digest)?;
    Ok(json!({ "digest": hex::encode(digest.0), "signer": hex::encode(signer.0) }))
}

fn opened(given: &Value) -> Result<(Vec<u8>, Exchange), Error> {
    let secret = TransportSecret::derive(&exactly(&given["ikm"]));
    let destination = Destination {
        domain: &domain("KMS Node", given),
        miner: &Address(exactly(&given["miner"])),
    };
    let (plain, exchange) = secret.open(&destination, &unhex(&given["sealed"]))?;
    Ok((plain.to_vec(), exchange))
}

/// The text of an answer, and who signed it.
fn reply(given: &Value) -> Result<Value, Error> {
    let (_, exchange) = opened(given)?;
    let plain = exchange.open_reply(&unhex(&given["reply"]))?;
    let (signature, text) = plain
        .split_first_chunk::<65>()
        .ok_or(Error::MessageFormat)?;
    let statement = AnswerStatement {
        miner: Address(exactly(&given["miner"])),
        message_hash: exchange.message_hash(),
        answer_hash: keccak256(text),
    };
    let digest = statement.digest(&domain("KMS Node", given));
    let signer = EthSignature(*signature).recover(&digest)?;
    let answer = std::str::from_utf8(text).unwrap();
    Ok(json!({ "answer": answer, "signer": hex::encode(signer.0) }))
}
