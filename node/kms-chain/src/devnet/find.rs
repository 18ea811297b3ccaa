//! Finds the anvil binary.

use std::path::{Path, PathBuf};

use crate::error::ChainError;

/// Folder into which npm installs the binary, below a folder with `contracts/`.
const NPM_PATH: &str = "contracts/node_modules/@foundry-rs";

/// Finds the anvil binary: `KMS_ANVIL`, else on PATH, else in the npm package below the working
/// directory, this program's, or one above either.
///
/// # Errors
/// `AnvilMissing`.
pub fn find_anvil() -> Result<PathBuf, ChainError> {
    if let Some(path) = std::env::var_os("KMS_ANVIL") {
        return Some(PathBuf::from(path))
            .filter(|p| p.is_file())
            .ok_or(ChainError::AnvilMissing);
    }
    let on_path = std::env::var_os("PATH").and_then(|paths| {
        std::env::split_paths(&paths)
            .map(|folder| folder.join("anvil"))
            .find(|p| p.is_file())
    });
    let places = [std::env::current_dir(), std::env::current_exe()];
    let installed = || {
        let mut folders = places.iter().flatten().flat_map(|place| place.ancestors());
        folders.find_map(npm_anvil)
    };
    on_path.or_else(installed).ok_or(ChainError::AnvilMissing)
}

/// Finds the binary of the npm package for this platform; npm installs that one alone.
fn npm_anvil(folder: &Path) -> Option<PathBuf> {
    let packages = std::fs::read_dir(folder.join(NPM_PATH)).ok()?;
    packages
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with("anvil-"))
        })
        .map(|package| package.join("bin/anvil"))
        .find(|path| path.is_file())
}
