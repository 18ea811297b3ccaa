//! Writes vectors for the contract's tests, as JSON:
//! `cargo run --release -p umbral --features compat --example fault_witness > FILE` those of cfrags
//! of version 1 (`tests/vectors/fault_witness.json`), with `-- granted` those of cfrags bound to a
//! policy and a miner (`granted_witness.json`), with `-- capsules` those of capsules
//! (`capsule_witness.json`). Each case is judged before it is written, by the Rust mirror of what
//! the contract does.

mod capsules;
mod forge;
mod granted;
mod judge;

use std::io::{self, Write as _};

use serde_json::{Value, json};

use forge::Setting;

fn main() -> io::Result<()> {
    let file = match std::env::args().nth(1).as_deref() {
        None => ungranted()?,
        Some("granted") => granted::file()?,
        Some("capsules") => capsules::file()?,
        Some(other) => return Err(io::Error::other(format!("no vectors of {other}"))),
    };
    let text = serde_json::to_string_pretty(&file).map_err(io::Error::other)?;
    writeln!(io::stdout().lock(), "{text}")
}

/// Cfrags of version 1.
#[allow(
    clippy::indexing_slicing,
    reason = "serde_json gives null for what is missing"
)]
fn ungranted() -> io::Result<Value> {
    let setting = Setting::new();
    let case = |name: &str, cfrag: &[u8; 359], code: u8, witness: &[u8]| -> Value {
        let judged = setting.case(cfrag);
        json!({
            "name": name,
            "cfrag": hex::encode(cfrag),
            "digest": hex::encode(judged.digest),
            "code": code,
            "which": u16::from_be_bytes([witness[0], witness[1]]),
            "witness": hex::encode(&witness[2..]),
            "guilty": judge::convicts(&judged, code, witness),
        })
    };
    let mut cases = Vec::new();
    for (name, cfrag, expected) in setting.forgeries() {
        let fault = setting.fault(&cfrag);
        let fault = fault.ok_or_else(|| io::Error::other("a forgery without a witness"))?;
        let value = case(name, &cfrag, fault.code(), &fault.to_bytes());
        if fault.code() != expected || value["guilty"] != true {
            return Err(io::Error::other(format!(
                "{name} is not judged as expected"
            )));
        }
        let against_honest = format!("honest, accused with the witness of: {name}");
        let innocent = case(
            &against_honest,
            &setting.honest,
            fault.code(),
            &fault.to_bytes(),
        );
        if innocent["guilty"] != false {
            return Err(io::Error::other(format!("{name} convicts an honest cfrag")));
        }
        cases.extend([value, innocent]);
    }
    for (index, name) in [(1, "E"), (2, "V"), (3, "U")] {
        let name = format!("honest, true witness of the equation over {name}");
        let witness = setting.true_witness(index);
        cases.push(case(&name, &setting.honest, index, &witness));
    }
    let context = &setting.context;
    Ok(json!({
        "format": 1,
        "capsule": hex::encode(setting.capsule_bytes),
        "u": hex::encode(umbral::fault::POINT_U_UNCOMPRESSED),
        "delegating": hex::encode(context.delegating.to_bytes()),
        "receiving": hex::encode(context.receiving.to_bytes()),
        "verifying": hex::encode(context.verifying.to_uncompressed()),
        "signer": hex::encode(judge::address(&context.verifying.to_uncompressed())),
        "cases": cases,
    }))
}
