//! The lock that allows one node per data directory: an exclusive advisory lock on a file, which
//! the operating system releases when the process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::NodeError;

const LOCK_FILE: &str = "node.lock";

/// The lock of a data directory, released on drop.
#[derive(Debug)]
pub(crate) struct DirLock {
    _file: File,
}

impl DirLock {
    /// Takes the lock. Fails at once if another process holds it.
    pub(crate) fn take(data_dir: &Path) -> Result<Self, NodeError> {
        let path: PathBuf = data_dir.join(LOCK_FILE);
        let failed = |source| NodeError::File {
            path: path.clone(),
            source,
        };
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(NodeError::AlreadyRunning { path }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // Informative only: the process id of the holder.
        file.set_len(0).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests;
