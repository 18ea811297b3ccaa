use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Every string literal of the text that has the form of an error code.
fn codes(text: &str) -> impl Iterator<Item = String> {
    let quoted = text.split('"').skip(1).step_by(2);
    let is_code =
        |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    quoted.filter(is_code).map(str::to_owned)
}

/// The codes of an error type, read from its source.
fn codes_of(type_name: &str, folder: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in rust_files(&root().join(folder)) {
        let text = std::fs::read_to_string(path).unwrap();
        for part in text.split(&format!("\nimpl {type_name} {{")).skip(1) {
            for name in ["fn code(", "fn row("] {
                if let Some((_, body)) = part.split_once(name) {
                    let end = body.find("\n    }\n").unwrap();
                    found.extend(codes(&body[..end]));
                }
            }
        }
    }
    assert!(!found.is_empty(), "{type_name} of {folder} has no codes");
    found
}

/// The codes of the failures that this crate creates itself.
fn codes_of_this_crate() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in rust_files(&root().join("node/kms/src")) {
        let text = std::fs::read_to_string(path).unwrap();
        for maker in ["Failure::new(", "Self::new("] {
            let made = text.split(maker).skip(1);
            found.extend(made.filter_map(|rest| codes(rest.get(..60)?).next()));
        }
    }
    found
}

#[test]
fn every_error_of_every_crate_has_an_exit_code() {
    let mut errors = codes_of_this_crate();
    errors.extend(
        kms_client::Error::TABLE
            .iter()
            .map(|(code, _)| (*code).to_owned()),
    );
    let of_core = kms_client::CoreError::TABLE.iter();
    errors.extend(of_core.map(|(code, _)| (*code).to_owned()));
    for (type_name, folder) in [
        ("Error", "umbral/src"),
        ("Error", "node/kms-format/src"),
        ("Error", "node/kms-protocol/src"),
        ("JudgeError", "node/kms-client/src/judge"),
        ("GroupError", "node/kms-client/src"),
        ("ChainError", "node/kms-chain/src"),
        ("IdentityPart", "node/kms-chain/src"),
        ("JsonFile", "node/kms-chain/src"),
        ("TxRejection", "node/kms-chain/src"),
        ("ConfigError", "node/kms-node/src"),
        ("NodeError", "node/kms-node/src"),
        ("StoreError", "node/kms-node/src"),
    ] {
        errors.extend(codes_of(type_name, folder));
    }
    let listed = TABLE.iter().flat_map(|row| row.errors);
    let listed: BTreeSet<String> = listed.map(|code| (*code).to_owned()).collect();
    let missing: Vec<_> = errors.difference(&listed).collect();
    assert!(missing.is_empty(), "without an exit code: {missing:?}");
    let unknown: Vec<_> = listed.difference(&errors).collect();
    assert!(unknown.is_empty(), "errors of no crate: {unknown:?}");
}

#[test]
fn an_error_ends_with_one_exit_code() {
    let errors: Vec<_> = TABLE.iter().flat_map(|row| row.errors).collect();
    let distinct: BTreeSet<_> = errors.iter().collect();
    assert_eq!(distinct.len(), errors.len());
    assert!(TABLE.is_sorted_by_key(|row| row.number));
}

#[test]
fn the_readme_has_the_table_cell_by_cell() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let head = "| exit | meaning | errors |\n|---|---|---|\n";
    let (_, rest) = readme
        .split_once(head)
        .expect("README.md has a table of exit codes");
    let written: Vec<&str> = rest
        .lines()
        .take_while(|line| line.starts_with('|'))
        .collect();
    let row = |row: &Exit| {
        let errors: Vec<_> = row.errors.iter().map(|code| format!("`{code}`")).collect();
        format!(
            "| {} | {} | {} |",
            row.number,
            row.meaning,
            errors.join(", ")
        )
    };
    let expected: Vec<_> = TABLE.iter().map(row).collect();
    assert_eq!(
        written,
        expected,
        "write README's table anew:\n{}",
        expected.join("\n")
    );
}
