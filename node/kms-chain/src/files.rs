//! Files that must be whole or absent, even through a power cut: written beside their place,
//! flushed, then put in place. Used by `keystore`, `journal` and `deployment`.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{ChainError, FileAction};

/// What to do when the file exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Keep the old file and fail with `FileExists`.
    Refuse,
    /// Replace the old file in one step.
    Replace,
}

pub(crate) fn fault(
    action: FileAction,
    path: &Path,
) -> impl FnOnce(std::io::Error) -> ChainError + use<'_> {
    move |source| ChainError::File {
        action,
        path: path.to_owned(),
        source,
    }
}

/// Writes `bytes` to `path`, mode 0600 (that of a temporary file), durably.
pub(crate) fn write(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), ChainError> {
    let directory = directory_of(path);
    let write = FileAction::Write;
    let mut file = NamedTempFile::new_in(&directory).map_err(fault(write, path))?;
    file.write_all(bytes).map_err(fault(write, path))?;
    file.as_file().sync_all().map_err(fault(write, path))?;
    match existing {
        Existing::Replace => file
            .persist(path)
            .map_err(|error| fault(write, path)(error.error))?,
        Existing::Refuse => file.persist_noclobber(path).map_err(|error| {
            if error.error.kind() == std::io::ErrorKind::AlreadyExists {
                return ChainError::FileExists {
                    path: path.to_owned(),
                };
            }
            fault(write, path)(error.error)
        })?,
    };
    sync_directory(&directory)
}

/// Removes a file durably; does nothing if it is absent.
pub(crate) fn remove(path: &Path) -> Result<(), ChainError> {
    match fs::remove_file(path) {
        Ok(()) => sync_directory(&directory_of(path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(fault(FileAction::Remove, path)(error)),
    }
}

/// Reads a file of text.
pub(crate) fn read(path: &Path) -> Result<String, ChainError> {
    fs::read_to_string(path).map_err(fault(FileAction::Read, path))
}

fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn sync_directory(directory: &Path) -> Result<(), ChainError> {
    File::open(directory)
        .and_then(|handle| handle.sync_all())
        .map_err(fault(FileAction::Write, directory))
}
