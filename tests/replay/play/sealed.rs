//! Replays the cases of `sealed.json` with `kms-client`.

use kms_client::{OwnerKeys, Seed};
use kms_format::SealedName;
use kms_protocol::{Address, B256};
use serde_json::{Value, json};
use umbral::PublicKey;

use crate::bytes::{Drawn, exactly, unhex};
use crate::make::policies::terms;

/// Runs a case.
pub(crate) fn run(kind: &str, given: &Value) -> Value {
    let seed = Seed::from_bytes(&exactly(&given["seed"])).unwrap();
    let keys = OwnerKeys::from_seed(&seed).unwrap();
    let outcome = match kind {
        "name" => name(&keys, given),
        "memo" => memo(&keys, given),
        other => panic!("no cases of kind {other}"),
    };
    match outcome {
        Ok(out) => json!({ "out": out }),
        Err(code) => json!({ "error": code }),
    }
}

/// Opens a label's name that was sealed beside the label's key.
fn name(keys: &OwnerKeys, given: &Value) -> Result<Value, &'static str> {
    let key = PublicKey::from_bytes(&exactly(&given["key"])).unwrap();
    let sealed = SealedName::from_bytes(&unhex(&given["sealed"])).map_err(|error| error.code())?;
    let label = keys.open_name(&sealed, &key).unwrap();
    let label = label.ok_or("sealed_name_foreign")?;
    Ok(json!({ "label": label.as_str() }))
}

/// Opens the memo that was left beside a policy of these terms.
fn memo(keys: &OwnerKeys, given: &Value) -> Result<Value, &'static str> {
    let mut terms = terms(&mut Drawn::new("any"), 1);
    terms.keys_hash = B256(exactly(&given["keys_hash"]));
    terms.author = Address(exactly(&given["author"]));
    let memo = keys.memos().open(&unhex(&given["sealed"]), &terms);
    let memo = memo.ok_or("memo_unknown")?;
    Ok(json!({
        "number": memo.number,
        "receiving": hex::encode(memo.receiving_key.to_bytes()),
        "label": memo.label.as_str(),
        "reader": memo.reader,
    }))
}
