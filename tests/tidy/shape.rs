//! Rules on shape: length of files, functions and lines, heads of files, size of blobs.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::Visit;

use super::sources::{self, Source, report};

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;
const HEAD_LINES_MAX: usize = 6;
const SHELL_LINES_MAX: usize = 60;
const RUST_COLUMNS_MAX: usize = 100;
const SOLIDITY_COLUMNS_MAX: usize = 110;
const ARCHITECTURE_LINES_MAX: usize = 200;
const BLOB_BYTES_MAX: usize = 64 * 1024;

/// path, reason.
const LONG_FILES: [(&str, &str); 0] = [];
const LONG_FUNCTIONS: [(&str, &str); 0] = [];
const WIDE_LINES: [(&str, &str); 0] = [];
const LONG_HEADS: [(&str, &str); 2] = [
    (
        "node/kms-node/src/gate.rs",
        "the table of rules and their codes",
    ),
    (
        "umbral/src/lib.rs",
        "the documentation of the crate, with its whole story as a tested example",
    ),
];
const LARGE_BLOBS: [(&str, &str); 10] = [
    ("Cargo.lock", "written by cargo"),
    ("tests/fuzz/Cargo.lock", "written by cargo"),
    (
        "deployments/artifacts/Adjudicator.json",
        "compiler output, checked fresh by scripts/test",
    ),
    (
        "deployments/artifacts/StakingEscrow.json",
        "compiler output, checked fresh by scripts/test",
    ),
    (
        "deployments/artifacts/PolicyManager.json",
        "compiler output, checked fresh by scripts/test",
    ),
    (
        "deployments/artifacts/MiningRewards.json",
        "compiler output, checked fresh by scripts/test",
    ),
    (
        "tests/vectors/contents.json",
        "the public test kit, checked fresh by tests/replay",
    ),
    (
        "tests/vectors/files.json",
        "the public test kit, checked fresh by tests/replay",
    ),
    (
        "tests/vectors/grants.json",
        "the public test kit, checked fresh by tests/replay",
    ),
    (
        "tests/vectors/umbral.json",
        "shared vectors, replayed by umbral's example and tests",
    ),
];

fn code() -> impl Iterator<Item = Source> {
    sources::with_extension("rs")
        .into_iter()
        .chain(sources::with_extension("sol"))
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let findings = code()
        .filter_map(|source| {
            let lines = source.text()?.lines().count();
            (lines > FILE_LINES_MAX).then(|| format!("{}: {lines} lines", source.path))
        })
        .collect();
    report("a file does one thing", findings, &LONG_FILES);
}

#[test]
fn no_function_is_longer_than_70_lines() {
    let mut findings = Vec::new();
    for source in sources::with_extension("rs") {
        let file = syn::parse_file(source.text().unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", source.path));
        let mut functions = Functions(Vec::new());
        functions.visit_file(&file);
        findings.extend(
            functions
                .0
                .into_iter()
                .map(|(name, lines)| format!("{}: {name} has {lines} lines", source.path)),
        );
    }
    for source in sources::with_extension("sol") {
        findings.extend(
            long_solidity_functions(source.text().unwrap())
                .into_iter()
                .map(|(name, lines)| format!("{}: {name} has {lines} lines", source.path)),
        );
    }
    report("a function does one thing", findings, &LONG_FUNCTIONS);
}

/// Collects the Rust functions that are too long.
struct Functions(Vec<(String, usize)>);

impl Functions {
    fn note(&mut self, name: &syn::Ident, whole: Span) {
        let lines = whole.end().line - whole.start().line + 1;
        if lines > FUNCTION_LINES_MAX {
            self.0.push((name.to_string(), lines));
        }
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note(
            &item.sig.ident,
            item.sig.span().join(item.block.span()).unwrap(),
        );
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(
            &item.sig.ident,
            item.sig.span().join(item.block.span()).unwrap(),
        );
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.note(&item.sig.ident, item.span());
        syn::visit::visit_trait_item_fn(self, item);
    }
}

/// Formatted Solidity: a function begins on a line `    function name(` and ends with the first
/// line `    }` of the same indent.
fn long_solidity_functions(text: &str) -> Vec<(String, usize)> {
    let mut long = Vec::new();
    let mut open: Option<(String, String, usize)> = None;
    for (number, line) in text.lines().enumerate() {
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        let begins = ["function ", "constructor(", "modifier "]
            .iter()
            .any(|keyword| line.trim_start().starts_with(keyword));
        if let Some((name, end, first)) = &open {
            if line == end {
                let lines = number - first + 1;
                if lines > FUNCTION_LINES_MAX {
                    long.push((name.clone(), lines));
                }
                open = None;
            } else if line.ends_with(';') && line.trim_start() == "external;" {
                open = None;
            }
        } else if begins && !line.ends_with(';') && !line.ends_with('}') {
            open = Some((line.trim().to_owned(), indent + "}", number));
        }
    }
    long
}

#[test]
fn no_line_is_wider_than_the_limit() {
    let mut findings = Vec::new();
    for source in code() {
        let limit = if source.path.ends_with(".rs") {
            RUST_COLUMNS_MAX
        } else {
            SOLIDITY_COLUMNS_MAX
        };
        for (number, line) in source.text().unwrap().lines().enumerate() {
            let columns = line.chars().count();
            if columns > limit {
                findings.push(format!("{}:{}: {columns} columns", source.path, number + 1));
            }
        }
    }
    report("lines fit beside each other", findings, &WIDE_LINES);
}

#[test]
fn every_rust_file_says_what_it_is_in_at_most_six_lines() {
    let mut findings = Vec::new();
    for source in sources::with_extension("rs")
        .into_iter()
        .filter(|source| !source.is_test())
    {
        let text = source.text().unwrap();
        let head = text
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .count();
        if head == 0 || head > HEAD_LINES_MAX {
            findings.push(format!("{}: {head} lines of `//!`", source.path));
        }
    }
    report("`//!` names purpose and neighbours", findings, &LONG_HEADS);
}

#[test]
fn shell_is_short_and_the_architecture_fits_its_page() {
    let mut findings = Vec::new();
    for source in sources::all() {
        let Some(text) = source.text() else { continue };
        let lines = text.lines().count();
        let shell = text.starts_with("#!/usr/bin/env bash") || text.starts_with("#!/bin/");
        if shell && lines > SHELL_LINES_MAX {
            findings.push(format!("{}: {lines} lines of shell", source.path));
        }
        if shell && !text.contains("set -euo pipefail") {
            findings.push(format!("{}: no strict mode", source.path));
        }
        if source.path == "ARCHITECTURE.md" && lines > ARCHITECTURE_LINES_MAX {
            findings.push(format!("{}: {lines} lines", source.path));
        }
    }
    report("what has a branch belongs to kms-scripts", findings, &[]);
}

#[test]
fn no_blob_is_larger_than_64_kib() {
    let findings = sources::all()
        .into_iter()
        .filter(|source| source.bytes.len() > BLOB_BYTES_MAX)
        .map(|source| format!("{}: {} bytes", source.path, source.bytes.len()))
        .collect();
    report("large data is listed", findings, &LARGE_BLOBS);
}
