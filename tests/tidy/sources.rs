//! The files the tidy rules look at, and small readers of them: which folder is which kind of code,
//! what is test code, where a token stands.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

/// Folders that hold nothing of ours: built, installed, or the history (a file in a worktree).
const SKIPPED: [&str; 8] = [
    ".git",
    "target",
    "node_modules",
    "out",
    "cache",
    "corpus",
    "broadcast",
    "proptest-regressions",
];

/// One file of the workspace.
pub(super) struct Source {
    /// Path below the workspace root, with `/`.
    pub(super) path: String,
    /// Its bytes; not every file is text.
    pub(super) bytes: Vec<u8>,
    /// Whether the whole file is test code.
    test: bool,
}

impl Source {
    /// The text, if it is text.
    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }

    /// Whether the whole file is test code: it stands where tests stand, or below a module that is
    /// declared under `#[cfg(test)]`.
    pub(super) fn is_test(&self) -> bool {
        self.test
    }
}

/// Folders of tests and examples.
fn stands_among_tests(path: &str) -> bool {
    path.starts_with("tests/")
        || path.starts_with("contracts/test/")
        || path.contains("/tests/")
        || path.contains("/examples/")
}

/// The modules a Rust file declares under `#[cfg(test)]`, as paths without `.rs`.
fn test_modules(source: &Source) -> Vec<String> {
    let (Some(text), Some(stem)) = (source.text(), source.path.strip_suffix(".rs")) else {
        return Vec::new();
    };
    let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
    let below = if matches!(name, "lib" | "main" | "mod") {
        folder
    } else {
        stem
    };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines
        .windows(2)
        .filter(|pair| pair[0] == "#[cfg(test)]")
        .filter_map(|pair| pair[1].strip_suffix(';')?.rsplit_once("mod "))
        .map(|(_, module)| format!("{below}/{module}"))
        .collect()
}

/// The workspace root.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file of the workspace, sorted by path.
pub(super) fn all() -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root(), "", &mut found);
    let modules: Vec<String> = found.iter().flat_map(test_modules).collect();
    for source in &mut found {
        let path = &source.path;
        let declared = modules.iter().any(|module| {
            path.strip_prefix(module.as_str())
                .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        });
        source.test = declared || stands_among_tests(path);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(
        found.len() > 50,
        "the walk found only {} files",
        found.len()
    );
    found
}

/// Every file whose name ends in `.extension`.
pub(super) fn with_extension(extension: &str) -> Vec<Source> {
    let suffix = format!(".{extension}");
    all()
        .into_iter()
        .filter(|source| source.path.ends_with(&suffix))
        .collect()
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let kind = entry.file_type().unwrap();
        let path = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}/{name}")
        };
        if SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if kind.is_dir() {
            collect(&entry.path(), &path, found);
        } else if kind.is_file() && !ignored(&path) {
            found.push(Source {
                path,
                bytes: fs::read(entry.path()).unwrap(),
                test: false,
            });
        }
    }
}

/// Files that .gitignore names outside the skipped folders.
fn ignored(path: &str) -> bool {
    path == "deployments/31337.json" || path.ends_with(".part")
}

/// The Rust file as a tree of tokens: comments are gone, documentation is a literal in `#[doc]`.
pub(super) fn tokens(source: &Source) -> TokenStream {
    let text = source
        .text()
        .unwrap_or_else(|| panic!("{} is not text", source.path));
    text.parse()
        .unwrap_or_else(|error| panic!("{}: {error}", source.path))
}

/// The trees of one level without attributes and items under `#[cfg(test)]`.
pub(super) fn code(stream: TokenStream) -> Vec<TokenTree> {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut kept = Vec::new();
    let mut at = 0;
    while at < trees.len() {
        if let Some(test_only) = attribute_at(&trees, at) {
            at += 2;
            if test_only {
                at = skip_item(&trees, at);
            }
            continue;
        }
        kept.push(trees[at].clone());
        at += 1;
    }
    kept
}

/// Calls `visit` for every token that is neither in an attribute nor in an item under
/// `#[cfg(test)]`, with the token after it.
pub(super) fn walk_code(
    stream: TokenStream,
    visit: &mut dyn FnMut(&TokenTree, Option<&TokenTree>),
) {
    let trees = code(stream);
    for (at, tree) in trees.iter().enumerate() {
        visit(tree, trees.get(at + 1));
        if let TokenTree::Group(group) = tree {
            walk_code(group.stream(), visit);
        }
    }
}

/// Whether an attribute starts here, and if so whether it marks test code.
fn attribute_at(trees: &[TokenTree], at: usize) -> Option<bool> {
    match (&trees[at], trees.get(at + 1)) {
        (TokenTree::Punct(punct), Some(TokenTree::Group(group)))
            if punct.as_char() == '#' && group.delimiter() == proc_macro2::Delimiter::Bracket =>
        {
            let text = group.stream().to_string().replace(' ', "");
            Some(text == "cfg(test)" || text == "test" || text == "tokio::test")
        }
        _ => None,
    }
}

/// The position after the item that starts at `at`: past its `;` or its braces.
fn skip_item(trees: &[TokenTree], mut at: usize) -> usize {
    while at < trees.len() {
        match &trees[at] {
            TokenTree::Punct(punct) if punct.as_char() == ';' => return at + 1,
            TokenTree::Group(group) if group.delimiter() == proc_macro2::Delimiter::Brace => {
                return at + 1;
            }
            _ => at += 1,
        }
    }
    at
}

/// Fails with every finding that no exception covers, and with every exception nothing needs: the
/// lists may only shrink. A finding starts with the path it is in.
pub(super) fn report(rule: &str, findings: Vec<String>, exceptions: &[(&str, &str)]) {
    let covers = |path: &str, finding: &str| {
        finding
            .strip_prefix(path)
            .is_some_and(|rest| rest.starts_with(':') || rest.is_empty())
    };
    let mut wrong: Vec<String> = findings
        .iter()
        .filter(|finding| !exceptions.iter().any(|(path, _)| covers(path, finding)))
        .cloned()
        .collect();
    for (path, reason) in exceptions {
        assert!(!reason.is_empty(), "{path}: an exception needs a reason");
        if !findings.iter().any(|finding| covers(path, finding)) {
            wrong.push(format!(
                "{path}: the exception is not needed any more, take it out"
            ));
        }
    }
    assert!(wrong.is_empty(), "{rule}:\n  {}\n", wrong.join("\n  "));
}
