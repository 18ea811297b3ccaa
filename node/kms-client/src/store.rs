//! Small private files: directories 0700, files 0600, atomic writes, bounded reads, versioned JSON
//! that refuses what it does not know. Used by the home directory and the journal.

use std::io::{self, Read as _, Write as _};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Longest file of the home that is read, in bytes.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// A JSON file with a version in it.
pub(crate) trait Versioned {
    /// The version this program writes.
    const VERSION: u32;
}

/// Only the version, whatever else the file holds.
#[derive(serde::Deserialize)]
struct Envelope {
    version: u32,
}

/// Creates a directory, and those above it, for the owner alone.
pub(crate) fn create_private_dir(path: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder
        .create(path)
        .map_err(|source| Error::io(path, source))
}

/// Writes a file of mode 0600 whole or not at all, durably.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = part_of(path, bytes)?;
    file.as_file_mut()
        .sync_all()
        .map_err(|source| Error::io(path, source))?;
    file.persist(path)
        .map_err(|error| Error::io(path, error.error))?;
    sync_parent(path)
}

fn part_of(path: &Path, bytes: &[u8]) -> Result<tempfile::NamedTempFile> {
    let dir = parent(path);
    let mut file = tempfile::Builder::new()
        .prefix(".part-")
        .tempfile_in(dir)
        .map_err(|source| Error::io(path, source))?;
    file.write_all(bytes)
        .map_err(|source| Error::io(path, source))?;
    Ok(file)
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

/// Makes a rename in the file's directory durable.
pub(crate) fn sync_parent(path: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        let dir = parent(path);
        std::fs::File::open(dir)
            .and_then(|file| file.sync_all())
            .map_err(|source| Error::io(dir, source))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Reads a file of at most 4 MiB; `None` if it does not exist.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::io(path, source)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| Error::io(path, source))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_FILE_BYTES {
        return Err(corrupt(path, "longer than 4 MiB"));
    }
    Ok(Some(bytes))
}

/// Refuses a file or directory that others can read or write.
pub(crate) fn require_private(path: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = path.metadata().map_err(|source| Error::io(path, source))?;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(Error::PermissionsTooOpen {
                path: path.to_path_buf(),
                mode,
            });
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Reads a versioned JSON file; `None` if it does not exist.
pub(crate) fn read_json<T: DeserializeOwned + Versioned>(path: &Path) -> Result<Option<T>> {
    let Some(bytes) = read(path)? else {
        return Ok(None);
    };
    let envelope: Envelope = serde_json::from_slice(&bytes)
        .map_err(|error| corrupt(path, &format!("not a versioned JSON file ({error})")))?;
    if envelope.version != T::VERSION {
        let reason = format!(
            "version {}, this program knows version {}",
            envelope.version,
            T::VERSION
        );
        return Err(corrupt(path, &reason));
    }
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| corrupt(path, &error.to_string()))
}

/// Writes a versioned JSON file, private and atomic.
pub(crate) fn write_json<T: Serialize + Versioned>(path: &Path, value: &T) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| Error::io(path, io::Error::other(error)))?;
    bytes.push(b'\n');
    write_private(path, &bytes)
}

/// A file that cannot be understood.
pub(crate) fn corrupt(path: &Path, reason: &str) -> Error {
    Error::HomeCorrupt {
        path: path.to_path_buf(),
        reason: reason.to_owned(),
    }
}
