//! The committed compiler output, `deployments/artifacts/<Contract>.json`, from which the Rust
//! bindings and deployments are made. `contracts build` (see `compile.rs`) writes it, byte for byte
//! the same for the same sources and settings, so that `contracts check` can compare whole files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use kms_protocol::keccak256;
use serde_json::{Map, Value, json};

/// The folder of the artifacts in the workspace at `root`.
pub(crate) fn folder(root: &Path) -> PathBuf {
    root.join("deployments/artifacts")
}

/// Makes the artifact of a contract from solc's standard JSON output.
///
/// `deployedBytecodeHash` is the keccak-256 of the runtime code with its immutables zero;
/// `immutables` are their places in it, as [offset, length] in bytes.
pub(crate) fn from_solc(name: &str, output: &Value, compiler: &Value) -> Result<Value> {
    let abi = output
        .get("abi")
        .with_context(|| format!("{name}: solc gave no abi"))?;
    let bytecode = code(output, "bytecode").with_context(|| format!("{name}: bytecode"))?;
    let deployed = code(output, "deployedBytecode").with_context(|| format!("{name}: runtime"))?;
    Ok(json!({
        "contract": name,
        "compiler": compiler,
        "abi": abi,
        "bytecode": format!("0x{}", hex::encode(&bytecode)),
        "deployedBytecodeHash": keccak256(&deployed).to_string(),
        "deployedBytecodeBytes": deployed.len(),
        "immutables": immutables(output, deployed.len())
            .with_context(|| format!("{name}: immutables"))?,
    }))
}

/// Lists every place of every immutable, by ascending offset.
fn immutables(output: &Value, code_bytes: usize) -> Result<Vec<[usize; 2]>> {
    let references = output.pointer("/evm/deployedBytecode/immutableReferences");
    let mut places = Vec::new();
    for list in references
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::values)
    {
        for place in list.as_array().context("no list of places")? {
            let number = |key: &str| {
                let value = place.get(key).and_then(Value::as_u64);
                value.and_then(|value| usize::try_from(value).ok())
            };
            let (start, length) = number("start").zip(number("length")).context("no place")?;
            ensure!(start + length <= code_bytes, "a place outside the code");
            places.push([start, length]);
        }
    }
    places.sort_unstable();
    Ok(places)
}

fn code(output: &Value, which: &str) -> Result<Vec<u8>> {
    let object = output
        .pointer(&format!("/evm/{which}/object"))
        .and_then(Value::as_str)
        .context("solc gave no code")?;
    let bytes = hex::decode(object.trim_start_matches("0x"))
        .context("the code is not hex: is a library unlinked?")?;
    ensure!(
        !bytes.is_empty(),
        "the code is empty: is the contract abstract?"
    );
    Ok(bytes)
}

/// Renders pretty JSON with sorted keys and a final newline.
pub(crate) fn render(value: &Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(&sorted(value))? + "\n")
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let pairs = keys
                .into_iter()
                .filter_map(|key| Some((key.clone(), sorted(map.get(key)?))));
            Value::Object(pairs.collect::<Map<String, Value>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// Writes `artifacts`; returns the names of the files that changed.
pub(crate) fn write(root: &Path, artifacts: &[(String, Value)]) -> Result<Vec<String>> {
    let folder = folder(root);
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let mut changed = Vec::new();
    for (name, value) in artifacts {
        let path = folder.join(format!("{name}.json"));
        let text = render(value)?;
        if fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
            fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
            changed.push(name.clone());
        }
    }
    Ok(changed)
}

/// Compares `artifacts` with the committed files; the error names each file that differs.
pub(crate) fn check(root: &Path, artifacts: &[(String, Value)]) -> Result<()> {
    let mut stale = Vec::new();
    for (name, value) in artifacts {
        let path = folder(root).join(format!("{name}.json"));
        if fs::read_to_string(&path).ok().as_deref() != Some(render(value)?.as_str()) {
            stale.push(name.as_str());
        }
    }
    if !stale.is_empty() {
        bail!(
            "deployments/artifacts is stale for {}; run `cargo run --release -p kms-scripts \
             --features compile -- contracts build` and commit the result",
            stale.join(", ")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
