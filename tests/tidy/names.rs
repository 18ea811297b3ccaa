//! Rule on names: a contract test that the documentation names exists.

use std::collections::BTreeSet;

use super::sources;

fn document(path: &str) -> String {
    std::fs::read_to_string(sources::root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
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
