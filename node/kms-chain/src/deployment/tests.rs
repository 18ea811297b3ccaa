use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Artifact, Deployment};
use crate::contracts::Contract;
use crate::error::{ChainError, JsonFile};
use crate::test_support::{deployment, hash};

#[test]
fn round_trips_through_a_file_and_replaces_an_older_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("31337.json");
    let mut deployment = deployment();
    deployment.save(&path).unwrap();
    deployment.block = 99;
    deployment.save(&path).unwrap();
    assert_eq!(Deployment::load(&path).unwrap(), deployment);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn shows_amounts_with_their_unit_and_the_genesis_as_a_number() {
    let value: Value = serde_json::from_str(&deployment().to_json().unwrap()).unwrap();
    assert_eq!(value["params"]["cap"], json!("38900000 KMS"));
    assert_eq!(value["params"]["genesis"], json!(1_700_000_000));
    assert_eq!(
        value["contracts"]["token"]["constructor_args"],
        json!("0x70")
    );
}

#[test]
fn refuses_what_lacks_or_adds_a_field_or_mistypes_an_address() {
    let good: Value = serde_json::from_str(&deployment().to_json().unwrap()).unwrap();
    let refused = |value: &Value| Deployment::from_json(&value.to_string()).is_err();
    assert!(!refused(&good));
    for field in good.as_object().unwrap().keys() {
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove(field);
        assert!(refused(&without), "{field}");
    }
    let mut added = good.clone();
    added["version"] = json!(1);
    assert!(refused(&added));
    let mut mistyped = good.clone();
    mistyped["contracts"]["token"]["address"] = json!("0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    assert!(refused(&mistyped));
    assert!(Deployment::from_json(&format!("{good} trailing")).is_err());
}

#[test]
fn names_the_file_it_cannot_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("1.json");
    let missing = Deployment::load(&path).unwrap_err();
    assert!(matches!(missing, ChainError::File { .. }));
    assert!(missing.to_string().contains("1.json"));
    std::fs::write(&path, "{").unwrap();
    assert!(matches!(
        Deployment::load(&path),
        Err(ChainError::Json {
            what: JsonFile::Deployment,
            ..
        })
    ));
}

#[test]
fn has_bytecode_for_every_contract() {
    for artifact in Contract::ALL.map(Artifact::of) {
        assert!(
            artifact.bytecode().unwrap().len() > 1_000,
            "{}",
            artifact.contract
        );
    }
}

#[test]
fn refuses_an_artifact_without_bytecode() {
    for json in [
        "{}",
        r#"{"bytecode":"0x"}"#,
        r#"{"bytecode":"60"}"#,
        "garbage",
    ] {
        let artifact = Artifact {
            contract: "X",
            json,
        };
        let result = artifact.bytecode();
        assert!(
            matches!(result, Err(ChainError::Artifact { contract: "X" })),
            "{json}"
        );
    }
}

proptest! {
    #[test]
    fn round_trips_as_json(
        chain_id in any::<u64>(),
        block in any::<u64>(),
        byte in any::<u8>(),
        args in any::<Vec<u8>>(),
    ) {
        let mut deployment = deployment();
        deployment.chain_id = chain_id;
        deployment.block = block;
        deployment.genesis_hash = hash(byte);
        deployment.contracts.escrow.constructor_args = args;
        let text = deployment.to_json().unwrap();
        prop_assert_eq!(Deployment::from_json(&text).unwrap(), deployment);
    }
}
