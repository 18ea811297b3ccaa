//! Rules on names: what a user can meet (a refusal code, a command, a configuration key) is in
//! the documentation, and a contract test that the documentation names exists.

use std::collections::BTreeSet;

use kms_protocol::Refusal;

use super::sources;
use crate::harness::kms::Kms;

fn document(path: &str) -> String {
    std::fs::read_to_string(sources::root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn missing<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    names
        .into_iter()
        .filter(|name| !text.contains(&format!("`{name}`")))
        .collect()
}

#[test]
fn the_readme_names_every_refusal_code() {
    let missing = missing(
        &document("README.md"),
        Refusal::ALL.iter().map(|r| r.code()),
    );
    assert!(
        missing.is_empty(),
        "README.md lacks the refusal codes {missing:?}"
    );
}

#[test]
fn the_readme_names_every_command() {
    let readme = document("README.md");
    let commands = sub_commands(&[]);
    assert!(commands.len() > 10, "the help lists only {commands:?}");
    let names: Vec<String> = commands.iter().map(|name| format!("kms {name}")).collect();
    let missing = missing(&readme, names.iter().map(String::as_str));
    assert!(missing.is_empty(), "README.md lacks {missing:?}");
}

#[test]
fn every_command_documents_itself() {
    let mut unread = sub_commands(&[])
        .into_iter()
        .map(|name| vec![name])
        .collect::<Vec<_>>();
    let mut poor = Vec::new();
    while let Some(command) = unread.pop() {
        let help = help(&command);
        let sentence = help.lines().next().unwrap_or_default();
        if sentence.len() < 15 || sentence.starts_with("Usage:") {
            poor.push(command.join(" "));
        }
        let inner = sub_commands(&command).into_iter();
        unread.extend(inner.map(|name| [&command[..], &[name]].concat()));
    }
    assert!(
        poor.is_empty(),
        "commands without a sentence of help: {poor:?}"
    );
}

fn help(command: &[String]) -> String {
    let mut words: Vec<&str> = command.iter().map(String::as_str).collect();
    words.push("--help");
    Kms::anywhere().run(&words).assert_success().stdout
}

/// The commands a help text lists.
fn sub_commands(command: &[String]) -> Vec<String> {
    help(command)
        .lines()
        .skip_while(|line| line.trim() != "Commands:")
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("    "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
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
