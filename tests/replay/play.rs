//! Replays a case with the product: what comes of what is given.

use kms_client::{Labels, OwnerKeys, Seed};
use kms_format::{Decryptor, Error, Header, SegmentRecord};
use serde_json::{Map, Value, json};
use umbral::SecretKey;

use crate::bytes::{edited, exactly, number, sha256, unhex};
use crate::make::{files, forged};

pub(crate) mod contents;
pub(crate) mod grants;
pub(crate) mod messages;
pub(crate) mod policies;
pub(crate) mod sealed;
pub(crate) mod texts;

/// What a case says: `out`, or `error` and where it is.
pub(crate) fn expected(case: &Value) -> Value {
    let kept = ["out", "error", "at"];
    let fields = case.as_object().unwrap().iter();
    let fields = fields.filter(|(name, _)| kept.contains(&name.as_str()));
    Value::Object(
        fields
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

/// Runs a case of this file.
pub(crate) fn case(whole: &Value, case: &Value) -> Value {
    let given = &case["in"];
    let kind = case["kind"].as_str().unwrap();
    match kind {
        "file" => {
            let file = file(whole["bases"].as_object().unwrap(), given);
            let sha = given["sha256"].as_str().unwrap();
            assert_eq!(sha256(&file), sha, "{}", case["name"]);
            open(&file, &files::label_key(given["label"].as_str().unwrap()))
        }
        "restore" => {
            let file = file(whole["bases"].as_object().unwrap(), given);
            let sha = given["sha256"].as_str().unwrap();
            assert_eq!(sha256(&file), sha, "{}", case["name"]);
            restored(&file, given["words"].as_str().unwrap())
        }
        "name" | "memo" => sealed::run(kind, given),
        "message" | "answer" | "info" => {
            contents::run(whole["bases"].as_object().unwrap(), kind, given)
        }
        "terms" | "pair" | "tag" => policies::run(whole["terms"].as_object().unwrap(), kind, given),
        "digest" | "envelope" | "reply" => messages::run(kind, given),
        kind if whole["grants"].is_object() => {
            grants::run(whole["grants"].as_object().unwrap(), kind, given)
        }
        kind => texts::run(kind, given),
    }
}

/// The bytes of a base.
fn base(bases: &Map<String, Value>, name: &str) -> Vec<u8> {
    let base = &bases[name];
    let (byte, length) = (
        &base["plaintext"]["byte"],
        number(&base["plaintext"]["length"]),
    );
    let header = unhex(&base["header"]);
    if base["body"].is_string() {
        return [header, unhex(&base["body"])].concat();
    }
    let plaintext = vec![u8::try_from(number(byte)).unwrap(); length];
    let parameters = forged::parameters(&header);
    let body = forged::body(parameters, &unhex(&base["data_key"]), &plaintext);
    [header, body].concat()
}

/// The file that a case describes.
pub(crate) fn file(bases: &Map<String, Value>, given: &Value) -> Vec<u8> {
    let start = base(bases, given["base"].as_str().unwrap());
    let edits = given["edits"].as_array().unwrap();
    edited(start, edits, &|name| base(bases, name))
}

/// Opens a file with the key of its label.
pub(crate) fn open(mut file: &[u8], label: &SecretKey) -> Value {
    let mut plain = Vec::new();
    let outcome = (|| {
        let header = Header::read(&mut file)?;
        let secret = umbral::decapsulate_original(label, header.capsule()).unwrap();
        let data_key = header.unlock(&secret)?;
        let mut keys = |records: &[SegmentRecord]| {
            let secret = umbral::decapsulate_original(label, records[0].capsule()).unwrap();
            records[0].unlock(&secret)
        };
        let decryptor = Decryptor::new(&header, &data_key, file)?.with_keys(&mut keys);
        decryptor.decrypt(&mut plain, &mut |_| ())
    })();
    match outcome {
        Ok(summary) => {
            let mut out = json!({ "length": summary.plaintext_bytes, "sha256": sha256(&plain) });
            if let Some(signer) = summary.signer {
                out["signer"] = hex::encode(signer).into();
            }
            json!({ "out": out })
        }
        Err(error) => refused(&error),
    }
}

/// Opens a file with nothing but the 24 words of its owner's seed.
pub(crate) fn restored(mut file: &[u8], words: &str) -> Value {
    let mut plain = Vec::new();
    let outcome = (|| {
        let keys = OwnerKeys::from_seed(&Seed::from_words(words)?)?;
        let header = Header::read(&mut file)?;
        let data_key = kms_client::data_key(&keys, &Labels::default(), &header)?;
        let decryptor = Decryptor::new(&header, &data_key, file)?;
        Ok(decryptor.decrypt(&mut plain, &mut |_| ())?)
    })();
    match outcome {
        Ok(summary) => json!({ "out": {
            "length": summary.plaintext_bytes, "sha256": sha256(&plain),
        } }),
        Err(kms_client::Error::Format(error)) => refused(&error),
        Err(error) => json!({ "error": error.code() }),
    }
}

fn refused(error: &Error) -> Value {
    let mut out = json!({ "error": error.code() });
    let at = match error {
        Error::ChunkTampered { chunk } => Some(*chunk),
        Error::SegmentTampered { segment } => Some(u64::from(*segment)),
        Error::Truncated { offset } | Error::TrailingData { offset } => Some(*offset),
        _ => None,
    };
    if let Some(at) = at {
        out["at"] = at.into();
    }
    out
}

/// The outcome of a check by `umbral`, which is `out` if it holds.
pub(crate) fn verdict(outcome: umbral::Result<Value>) -> Value {
    match outcome {
        Ok(out) => json!({ "out": out }),
        Err(error) => json!({ "error": error.code() }),
    }
}

/// A secret key in hexadecimal.
pub(crate) fn secret(value: &Value) -> SecretKey {
    SecretKey::from_secret_bytes(&exactly(value)).unwrap()
}
