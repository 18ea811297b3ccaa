//! The root folder of the workspace and its crates, from the root manifest.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the workspace, the parent of this crate's folder.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A crate of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// Path of the folder, relative to the root.
    pub(crate) folder: String,
    pub(crate) name: String,
    /// Whether the crate has a library or a binary, hence possibly unit tests.
    pub(crate) has_unit_tests: bool,
    /// Whether the crate has a library: cargo refuses `--lib` when no chosen crate has one.
    pub(crate) has_library: bool,
}

/// Lists the crates of the workspace at `root`, in the order of the root manifest.
pub(crate) fn members(root: &Path) -> Result<Vec<Member>> {
    let listed = manifest(&root.join("Cargo.toml"))?;
    let listed = listed.get("workspace").and_then(|w| w.get("members"));
    let listed = listed.and_then(toml::Value::as_array);
    let folders = listed.context("Cargo.toml lists no members")?.iter();
    folders
        .filter_map(toml::Value::as_str)
        .map(|folder| {
            let package = manifest(&root.join(folder).join("Cargo.toml"))?;
            let name = package.get("package").and_then(|p| p.get("name"));
            let name = name.and_then(toml::Value::as_str);
            Ok(Member {
                folder: folder.to_owned(),
                name: name.context("a package has a name")?.to_owned(),
                has_unit_tests: root.join(folder).join("src").is_dir(),
                has_library: root.join(folder).join("src/lib.rs").is_file(),
            })
        })
        .collect()
}

fn manifest(path: &Path) -> Result<toml::Table> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("reading {}", path.display()))?;
    text.parse().with_context(|| path.display().to_string())
}
