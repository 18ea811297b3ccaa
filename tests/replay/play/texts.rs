//! Replays the cases of `texts.json` with `kms-core`, as `kms-client` shows it.

use kms_client::{Card, CoreError as Error, Label, LabelKey, OwnerKeys, Seed};
use serde_json::{Value, json};

use crate::bytes::exactly;

/// Runs a case.
pub(crate) fn run(kind: &str, given: &Value) -> Value {
    let outcome = match kind {
        "seed" => seed(given),
        "keys" => keys(given),
        "label" => label(given),
        "card" => card(given),
        "label_key" => label_key(given),
        other => panic!("no cases of kind {other}"),
    };
    match outcome {
        Ok(out) => json!({ "out": out }),
        Err(error) => json!({ "error": error.code() }),
    }
}

fn field<'a>(given: &'a Value, name: &str) -> &'a str {
    given[name].as_str().unwrap()
}

fn owner(given: &Value) -> Result<OwnerKeys, Error> {
    OwnerKeys::from_seed(&Seed::from_bytes(&exactly(&given["seed"]))?)
}

fn seed(given: &Value) -> Result<Value, Error> {
    let seed = Seed::from_words(field(given, "words"))?;
    Ok(json!({ "fingerprint": seed.fingerprint() }))
}

fn keys(given: &Value) -> Result<Value, Error> {
    let keys = owner(given)?;
    let label = Label::new(field(given, "label"))?;
    Ok(json!({
        "label": hex::encode(keys.label_key(&label)?.to_bytes()),
        "reader": hex::encode(keys.reader(0)?.receiving_key().to_bytes()),
        "wallet": hex::encode(keys.wallet()?.address().0),
    }))
}

fn label(given: &Value) -> Result<Value, Error> {
    let label = Label::new(field(given, "typed"))?;
    Ok(json!({ "name": label.as_str() }))
}

fn card(given: &Value) -> Result<Value, Error> {
    let card: Card = field(given, "line").parse()?;
    Ok(json!({
        "name": card.name(),
        "key": hex::encode(card.receiving_key().to_bytes()),
        "fingerprint": card.fingerprint(),
    }))
}

fn label_key(given: &Value) -> Result<Value, Error> {
    let read: LabelKey = field(given, "line").parse()?;
    Ok(json!({
        "key": hex::encode(read.public_key().to_bytes()),
        "sealed": hex::encode(read.sealed_name().as_bytes()),
        "fingerprint": read.fingerprint(),
    }))
}
