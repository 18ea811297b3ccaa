use serde_json::json;

use super::{check, from_solc, render, write};

fn solc_output(code: &str) -> serde_json::Value {
    json!({
        "abi": [],
        "evm": { "bytecode": { "object": code }, "deployedBytecode": { "object": "6001" } }
    })
}

#[test]
fn refuses_an_abstract_contract() {
    assert!(from_solc("A", &solc_output(""), &json!({})).is_err());
}

#[test]
fn refuses_an_unlinked_library() {
    assert!(from_solc("A", &solc_output("60__$ab$__"), &json!({})).is_err());
}

#[test]
fn refuses_output_without_abi() {
    assert!(from_solc("A", &json!({ "evm": {} }), &json!({})).is_err());
}

#[test]
fn renders_keys_sorted_with_a_final_newline() {
    let text = render(&json!({ "b": 1, "a": { "d": 2, "c": 3 } })).unwrap();
    assert!(text.find("\"a\"") < text.find("\"b\""));
    assert!(text.find("\"c\"") < text.find("\"d\""));
    assert!(text.ends_with("}\n"));
}

#[test]
fn names_a_stale_file_until_it_is_written_again() {
    let root = tempfile::tempdir().unwrap();
    let artifact = |code| {
        vec![(
            "A".to_owned(),
            from_solc("A", &solc_output(code), &json!({})).unwrap(),
        )]
    };
    assert!(check(root.path(), &artifact("6001")).is_err());
    assert_eq!(write(root.path(), &artifact("6001")).unwrap(), ["A"]);
    check(root.path(), &artifact("6001")).unwrap();
    let error = check(root.path(), &artifact("6002")).unwrap_err();
    assert!(error.to_string().contains("stale for A"), "{error}");
    assert_eq!(write(root.path(), &artifact("6002")).unwrap(), ["A"]);
    assert!(write(root.path(), &artifact("6002")).unwrap().is_empty());
}
