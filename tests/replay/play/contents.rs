//! Replays the cases of `contents.json` with `kms-protocol`.

use kms_protocol::messages::{Answer, Message, NodeInfo};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::bytes::{edited, sha256};
use crate::make::sorted;

/// Runs a case.
pub(crate) fn run(bases: &Map<String, Value>, kind: &str, given: &Value) -> Value {
    let base = |name: &str| bases[name]["text"].as_str().unwrap().as_bytes().to_vec();
    let edits = given["edits"].as_array().unwrap();
    let text = edited(base(given["base"].as_str().unwrap()), edits, &base);
    match kind {
        "message" => read::<Message>(&text),
        "answer" => read::<Answer>(&text),
        "info" => read::<NodeInfo>(&text),
        other => panic!("no cases of kind {other}"),
    }
}

/// The one form of a text, or its refusal.
fn read<T: Serialize + DeserializeOwned>(text: &[u8]) -> Value {
    match serde_json::from_slice::<T>(text) {
        Ok(read) => {
            let text = sorted(&serde_json::to_value(read).unwrap()).to_string();
            json!({ "out": { "sha256": sha256(text.as_bytes()) } })
        }
        Err(_) => json!({ "error": "message_malformed" }),
    }
}
