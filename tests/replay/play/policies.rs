//! Replays the cases of `policies.json` with `kms-protocol`.

use kms_protocol::{Address, PairKey, Terms};
use serde_json::{Map, Value, json};
use umbral::SecretKey;

use crate::bytes::{exactly, number, unhex};

/// The stable code of a refusal.
type Code = &'static str;

/// Runs a case.
pub(crate) fn run(terms: &Map<String, Value>, kind: &str, given: &Value) -> Value {
    let outcome = match kind {
        "terms" => id(terms, given),
        "pair" => pair(given),
        "tag" => tag(terms, given),
        other => panic!("no cases of kind {other}"),
    };
    match outcome {
        Ok(out) => json!({ "out": out }),
        Err(code) => json!({ "error": code }),
    }
}

fn id(terms: &Map<String, Value>, given: &Value) -> Result<Value, Code> {
    let (terms, chain, contract) = placed(terms, given)?;
    Ok(json!({ "id": hex::encode(terms.id(chain, &contract).as_bytes()) }))
}

fn pair(given: &Value) -> Result<Value, Code> {
    let number = u32::try_from(number(&given["number"])).unwrap();
    let [owner, reader] = pairs(given)?;
    assert_eq!(owner.blinding(number), reader.blinding(number));
    Ok(json!({
        "blinding": hex::encode(owner.blinding(number)),
        "keys_hash": hex::encode(reader.keys_hash(number)),
    }))
}

fn tag(terms: &Map<String, Value>, given: &Value) -> Result<Value, Code> {
    let (terms, chain, contract) = placed(terms, given)?;
    let [owner, reader] = pairs(given)?;
    let known = owner.recognises(&terms, chain, &contract);
    assert_eq!(known, reader.recognises(&terms, chain, &contract));
    Ok(json!({ "recognised": known }))
}

/// The terms of a name, changed as the case says, and where they are for.
fn placed(terms: &Map<String, Value>, given: &Value) -> Result<(Terms, u64, Address), Code> {
    let mut fields = terms[given["terms"].as_str().unwrap()]
        .as_object()
        .unwrap()
        .clone();
    fields.extend(given["change"].as_object().unwrap().clone());
    if let Some(field) = given["without"].as_str() {
        fields.remove(field);
    }
    let terms = serde_json::from_value(Value::Object(fields));
    let terms = terms.map_err(|_| "terms_invalid")?;
    let contract = Address(exactly(&given["contract"]));
    Ok((terms, given["chain_id"].as_u64().unwrap(), contract))
}

/// The pair's key as the owner computes it, and as the reader does.
fn pairs(given: &Value) -> Result<[PairKey; 2], Code> {
    let secret = |name: &str| {
        let bytes = unhex(&given[name]);
        let bytes = bytes.first_chunk().filter(|_| bytes.len() == 32);
        let read = bytes.map(SecretKey::from_secret_bytes);
        read.and_then(Result::ok).ok_or("encoding_invalid")
    };
    let (a, b) = (secret("delegating_secret")?, secret("receiving_secret")?);
    Ok([
        PairKey::of_owner(&a, &b.public_key()).unwrap(),
        PairKey::of_reader(&b, &a.public_key()).unwrap(),
    ])
}
