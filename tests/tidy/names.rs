//! Rules on names: every configuration key is in the documentation, and a contract test that the
//! documentation names exists. The commands and the refusals are in `tests/it/readme.rs`.

use std::collections::BTreeSet;

use super::sources;

fn document(path: &str) -> String {
    std::fs::read_to_string(sources::root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

#[test]
fn every_key_of_the_node_is_explained() {
    let readme = document("README.md");
    let maximal = document("node/kms-node/src/config/node.maximal.toml");
    let table = document("node/kms-node/src/config/keys.rs");
    let keys: Vec<&str> = ["required(", "optional("]
        .iter()
        .flat_map(|call| table.split(call).skip(1))
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split_once('"'))
        .map(|(key, _)| key)
        .collect();
    assert!(
        keys.len() > 10,
        "only {keys:?} were found in the table of keys"
    );
    for key in keys {
        let line = format!("{key} = ");
        let shown = maximal
            .lines()
            .any(|l| l.trim_start_matches("# ").starts_with(&line));
        assert!(shown, "node.maximal.toml lacks `{key}`");
        assert!(
            readme.contains(&format!("`{key}`")),
            "README.md lacks the key `{key}`"
        );
    }
}

/// Names in backticks that begin like those of Foundry's tests, invariants and symbolic checks.
fn contract_tests_in(text: &str) -> BTreeSet<&str> {
    const PREFIXES: [&str; 4] = ["test_", "testFuzz_", "invariant_", "check_"];
    text.split('`')
        .filter(|word| PREFIXES.iter().any(|prefix| word.starts_with(prefix)))
        .collect()
}

#[test]
fn a_contract_test_named_in_a_document_exists() {
    let tests: Vec<_> = sources::with_extension("sol")
        .into_iter()
        .filter(sources::Source::is_test)
        .filter_map(|source| Some(source.text()?.to_owned()))
        .collect();
    let exists = |name: &str| {
        let declared = format!("function {name}(");
        tests.iter().any(|text| text.contains(&declared))
    };
    let documents = sources::with_extension("md");
    let unknown: Vec<_> = documents
        .iter()
        .flat_map(|document| contract_tests_in(document.text().unwrap_or_default()))
        .filter(|name| !exists(name))
        .collect();
    assert!(unknown.is_empty(), "no contract test is called {unknown:?}");
    assert!(!contract_tests_in(&document("contracts/README.md")).is_empty());
}
