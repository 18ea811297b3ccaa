//! Rules on borders: which crate may use which, where ethers, sqlx and SQL may stand, what a source
//! must not hold at all; words of that kind in `words`.

mod words;

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};

use super::sources::{self, report, walk_code};

/// One row of the table of crates (ARCHITECTURE.md): manifest, the crates of ours it may use, what
/// it must not have.
struct Crate {
    manifest: &'static str,
    may_use: &'static [&'static str],
    must_not: &'static [&'static str],
}

const CRATES: [Crate; 12] = [
    Crate {
        manifest: "umbral/Cargo.toml",
        may_use: &[],
        must_not: &["tokio", "serde_json", "anyhow", "ethers"],
    },
    Crate {
        manifest: "node/kms-format/Cargo.toml",
        may_use: &["umbral"],
        must_not: &["tokio", "ethers", "sqlx"],
    },
    Crate {
        manifest: "node/kms-protocol/Cargo.toml",
        may_use: &["umbral"],
        must_not: &["ethers", "tokio", "sqlx"],
    },
    Crate {
        manifest: "node/kms-core/Cargo.toml",
        may_use: &["umbral", "kms-format", "kms-protocol"],
        must_not: &["tokio", "ethers", "reqwest", "sqlx"],
    },
    Crate {
        manifest: "node/kms-chain/Cargo.toml",
        may_use: &["kms-protocol"],
        must_not: &["axum", "sqlx"],
    },
    Crate {
        manifest: "node/kms-node/Cargo.toml",
        may_use: &["kms-protocol", "kms-chain", "umbral"],
        must_not: &["kms-client", "ethers"],
    },
    Crate {
        manifest: "node/kms-client/Cargo.toml",
        may_use: &[
            "umbral",
            "kms-format",
            "kms-protocol",
            "kms-core",
            "kms-chain",
        ],
        must_not: &["sqlx", "ethers"],
    },
    Crate {
        manifest: "node/kms/Cargo.toml",
        may_use: &[
            "umbral",
            "kms-format",
            "kms-protocol",
            "kms-chain",
            "kms-node",
            "kms-client",
        ],
        must_not: &["ethers", "sqlx", "axum"],
    },
    Crate {
        manifest: "scripts/Cargo.toml",
        // umbral: the table of gas convicts a miner of a real fragment. kms-format: `bench-files`
        // reads ranges of a file.
        may_use: &[
            "umbral",
            "kms-format",
            "kms-protocol",
            "kms-chain",
            "kms-kit",
        ],
        must_not: &["ethers", "sqlx"],
    },
    Crate {
        // Below the crates whose tests use it.
        manifest: "tests/kit/Cargo.toml",
        may_use: &["umbral", "kms-protocol", "kms-chain"],
        must_not: &["ethers", "sqlx"],
    },
    Crate {
        manifest: "tests/Cargo.toml",
        may_use: &[
            "umbral",
            "kms-format",
            "kms-protocol",
            "kms-chain",
            "kms-node",
            "kms-client",
            "kms-kit",
        ],
        must_not: &["ethers", "sqlx"],
    },
    Crate {
        manifest: "tests/tidy/Cargo.toml",
        // It reads sources: whatever is broken in them, it can be built.
        may_use: &[],
        must_not: &["ethers", "sqlx", "tokio"],
    },
];

/// The folder of each crate.
pub(super) fn folders() -> impl Iterator<Item = String> {
    let manifests = CRATES.iter().map(|row| row.manifest);
    manifests.filter_map(|path| Some(path.strip_suffix("/Cargo.toml")?.to_owned()))
}

/// path, reason.
const PANICS: [(&str, &str); 2] = [
    ("umbral/fuzz/src/lib.rs", "a fuzzer's own set-up"),
    ("umbral/fuzz/src/smoke.rs", "a fuzzer's own set-up"),
];
const SQL_OUTSIDE_THE_STORE: [(&str, &str); 0] = [];

fn manifest(path: &str) -> toml::Table {
    let text = std::fs::read_to_string(sources::root().join(path)).unwrap();
    text.parse()
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn dependencies(manifest: &toml::Table, section: &str) -> BTreeSet<String> {
    let table = manifest.get(section).and_then(toml::Value::as_table);
    table
        .map(|table| table.keys().cloned().collect())
        .unwrap_or_default()
}

#[test]
fn crates_use_only_what_the_table_allows() {
    let workspace = manifest("Cargo.toml");
    let members = workspace["workspace"]["members"].as_array().unwrap();
    assert_eq!(
        members.len(),
        CRATES.len(),
        "a crate is missing from the table"
    );
    let ours: BTreeSet<String> = CRATES
        .iter()
        .map(|row| {
            manifest(row.manifest)["package"]["name"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let mut findings = Vec::new();
    for row in &CRATES {
        let manifest = manifest(row.manifest);
        for name in dependencies(&manifest, "dependencies") {
            if ours.contains(&name) && !row.may_use.contains(&name.as_str()) {
                findings.push(format!("{}: must not use {name}", row.manifest));
            }
            if row.must_not.contains(&name.as_str()) {
                findings.push(format!("{}: must not have {name}", row.manifest));
            }
        }
        for name in dependencies(&manifest, "dev-dependencies") {
            if matches!(name.as_str(), "kms-scripts" | "kms-tests" | "kms-tidy") {
                findings.push(format!("{}: nothing depends on {name}", row.manifest));
            }
        }
    }
    report("arrows between crates", findings, &[]);
}

#[test]
fn versions_stand_in_the_root_manifest_only() {
    let mut findings = Vec::new();
    for row in &CRATES {
        let manifest = manifest(row.manifest);
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(table) = manifest.get(section).and_then(toml::Value::as_table) else {
                continue;
            };
            for (name, value) in table {
                let inherited = value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                if !inherited && value.get("path").is_none() {
                    findings.push(format!("{}: {name} has its own version", row.manifest));
                }
            }
        }
    }
    report("one list of versions", findings, &[]);
}

fn identifiers(stream: TokenStream, wanted: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    for tree in stream {
        match tree {
            TokenTree::Ident(ident) if ident == wanted => lines.push(ident.span().start().line),
            TokenTree::Group(group) => lines.extend(identifiers(group.stream(), wanted)),
            _ => {}
        }
    }
    lines
}

fn named_outside(word: &str, allowed: &[&str]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources::with_extension("rs") {
        if allowed.iter().any(|prefix| source.path.starts_with(prefix)) {
            continue;
        }
        for line in identifiers(sources::tokens(&source), word) {
            findings.push(format!("{}:{line}: names {word}", source.path));
        }
    }
    findings
}

#[test]
fn only_kms_chain_names_ethers() {
    report(
        "ethers is fenced",
        named_outside("ethers", &["node/kms-chain/"]),
        &[],
    );
}

#[test]
fn only_the_store_names_sqlx() {
    report(
        "SQL is fenced",
        named_outside("sqlx", &["node/kms-node/src/store"]),
        &[],
    );
}

#[test]
fn only_servers_name_axum() {
    let client = ["node/kms-client/src/daemon", "node/kms-client/src/testkit"];
    let servers = [
        &client[..],
        &["node/kms-node/", "node/kms-chain/", "tests/"],
    ]
    .concat();
    let findings = named_outside("axum", &servers);
    report("the client serves by its daemon alone", findings, &[]);
}

#[test]
fn sql_text_stands_in_the_store_only() {
    let mut findings = Vec::new();
    for source in sources::with_extension("rs") {
        if source.path.starts_with("node/kms-node/src/store") || source.is_test() {
            continue;
        }
        walk_code(sources::tokens(&source), &mut |token, _| {
            if let TokenTree::Literal(literal) = token
                && is_sql(&literal.to_string())
            {
                let line = literal.span().start().line;
                findings.push(format!("{}:{line}: SQL text", source.path));
            }
        });
    }
    report("SQL is fenced", findings, &SQL_OUTSIDE_THE_STORE);
}

fn is_sql(literal: &str) -> bool {
    let text = literal
        .trim_start_matches(['r', 'b', '#', '"'])
        .trim_start()
        .to_lowercase();
    let pairs = [
        ("select ", " from "),
        ("insert into ", " values"),
        ("update ", " set "),
        ("delete from ", ""),
        ("create table ", ""),
        ("pragma ", ""),
    ];
    pairs
        .iter()
        .any(|(begin, middle)| text.starts_with(begin) && text.contains(middle))
}

#[test]
fn recognises_sql_and_lets_prose_pass() {
    for sql in [
        "\"select a from b\"",
        "r#\"INSERT INTO a values (1)\"#",
        "\"update a set b = 1\"",
    ] {
        assert!(is_sql(sql), "{sql}");
    }
    for prose in [
        "\"update the node\"",
        "\"select a miner\"",
        "\"from a set\"",
    ] {
        assert!(!is_sql(prose), "{prose}");
    }
}

#[test]
fn no_source_panics_by_design() {
    let mut findings = Vec::new();
    for source in sources::with_extension("rs")
        .into_iter()
        .filter(|source| !source.is_test())
    {
        walk_code(sources::tokens(&source), &mut |token, next| {
            let TokenTree::Ident(ident) = token else {
                return;
            };
            let group_follows = matches!(next, Some(TokenTree::Group(_)));
            let bang_follows = matches!(next, Some(TokenTree::Punct(p)) if p.as_char() == '!');
            let name = ident.to_string();
            let wrong = match name.as_str() {
                "unwrap" => group_follows,
                "expect" => takes_a_message(next),
                "todo" | "unimplemented" | "dbg" | "panic" => bang_follows,
                _ => false,
            };
            if wrong {
                let line = ident.span().start().line;
                findings.push(format!("{}:{line}: {name}", source.path));
            }
        });
    }
    report(
        "an impossible case is an error that says BUG",
        findings,
        &PANICS,
    );
}

/// `expect("...")`: a parser's own `expect` takes something else.
fn takes_a_message(arguments: Option<&TokenTree>) -> bool {
    let Some(TokenTree::Group(group)) = arguments else {
        return false;
    };
    group.stream().to_string().starts_with('"')
}
