//! Folders in archives: packs what is in one, and unpacks an archive into a new one, which appears
//! whole or not at all. Neighbours: `kms_format::archive` is the format, `atomic` is for files.

#[cfg(test)]
mod tests;
mod unpacked;

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use kms_format::archive::{Entry, EntryPath, Kind, Manifest, Modified};
use kms_format::{Encryptor, Summary};

use crate::error::{Error, Result};

pub use unpacked::NewFolder;

/// A folder that was looked through, to be encrypted.
#[derive(Debug)]
pub struct PackedFolder {
    root: PathBuf,
    manifest: Manifest,
}

impl PackedFolder {
    /// Looks at everything in a folder. Symbolic links are kept as links.
    ///
    /// # Errors
    /// [`Error::NotPackable`] for a link that leads out of the folder and for what is neither file,
    /// folder nor link, [`Error::Io`].
    pub fn look(root: &Path) -> Result<Self> {
        let mut entries = Vec::new();
        let mut open = vec![(root.to_path_buf(), Vec::new())];
        while let Some((folder, inside)) = open.pop() {
            let read = fs::read_dir(&folder).map_err(|source| Error::io(&folder, source))?;
            for found in read {
                let found = found.map_err(|source| Error::io(&folder, source))?;
                let path = found.path();
                let mut name = inside.clone();
                if !name.is_empty() {
                    name.push(b'/');
                }
                name.extend_from_slice(&bytes_of(&path, &found.file_name())?);
                let entry = entry(&path, &name)?;
                if entry.kind == Kind::Folder {
                    open.push((path, name));
                }
                entries.push(entry);
            }
        }
        let manifest = Manifest::new(entries)?;
        Ok(Self {
            root: root.to_path_buf(),
            manifest,
        })
    }

    /// What is in it.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Encrypts all of it into one archive, in constant memory but for the manifest.
    ///
    /// `progress` receives the bytes of content read so far.
    ///
    /// # Errors
    /// [`Error::NotPackable`] if a file is longer or shorter than it was, [`Error::Io`],
    /// [`Error::Format`].
    pub fn encrypt<W: Write>(
        &self,
        encryptor: &Encryptor,
        out: W,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Summary> {
        let mut rng = getrandom::SysRng;
        let mut archive = encryptor.archive(&mut rng, &self.manifest, out)?;
        let begin = archive.plaintext_bytes();
        for entry in self.manifest.entries() {
            let Kind::File { bytes } = entry.kind else {
                continue;
            };
            let path = self.root.join(path_of(&entry.path)?);
            let io = |source| Error::io(&path, source);
            let mut file = File::open(&path).map_err(io)?.take(bytes);
            let before = archive.plaintext_bytes();
            while archive.fill_from(&mut file)? > 0 {
                progress(archive.plaintext_bytes().saturating_sub(begin));
            }
            let read = archive.plaintext_bytes().saturating_sub(before);
            let longer = file.into_inner().read(&mut [0]).map_err(io)? > 0;
            if read != bytes || longer {
                let why = "its length changed while it was read";
                return Err(Error::NotPackable { path, why });
            }
        }
        Ok(archive.finish()?.0)
    }
}

fn entry(path: &Path, name: &[u8]) -> Result<Entry> {
    let io = |source| Error::io(path, source);
    let metadata = fs::symlink_metadata(path).map_err(io)?;
    let kind = if metadata.is_dir() {
        Kind::Folder
    } else if metadata.is_symlink() {
        let target = fs::read_link(path).map_err(io)?;
        let target = bytes_of(path, target.as_os_str())?;
        Kind::Link { target }
    } else if metadata.is_file() {
        let bytes = metadata.len();
        Kind::File { bytes }
    } else {
        return Err(not_packable(path, "it is neither file, folder nor link"));
    };
    // A link has neither rights nor a time that would be given back to it.
    let is_link = metadata.is_symlink();
    let entry = Entry {
        path: EntryPath::new(name).map_err(|_| not_packable(path, "its path is too long"))?,
        kind,
        mode: if is_link { 0o777 } else { mode_of(&metadata) },
        modified: match is_link {
            true => Modified::default(),
            false => modified(&metadata).map_err(io)?,
        },
    };
    // A link is refused here, where its place on the disk is known.
    entry
        .checked()
        .map_err(|_| not_packable(path, "the link leads out of the folder"))
}

fn not_packable(path: &Path, why: &'static str) -> Error {
    Error::NotPackable {
        path: path.to_path_buf(),
        why,
    }
}

fn modified(metadata: &Metadata) -> io::Result<Modified> {
    let time = metadata.modified()?;
    Ok(match time.duration_since(UNIX_EPOCH) {
        Ok(since) => Modified {
            seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            nanos: since.subsec_nanos(),
        },
        Err(before) => {
            let before = before.duration();
            let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            // The nanoseconds count upwards from a whole second.
            let (more, nanos) = match before.subsec_nanos() {
                0 => (0, 0),
                nanos => (1, 1_000_000_000_u32.saturating_sub(nanos)),
            };
            Modified {
                seconds: whole.saturating_neg().saturating_sub(more),
                nanos,
            }
        }
    })
}

#[cfg(unix)]
fn mode_of(metadata: &Metadata) -> u16 {
    use std::os::unix::fs::PermissionsExt as _;
    u16::try_from(metadata.permissions().mode() & 0o777).unwrap_or(0)
}

#[cfg(not(unix))]
fn mode_of(metadata: &Metadata) -> u16 {
    match metadata.permissions().readonly() {
        true => 0o555,
        false => 0o755,
    }
}

#[cfg(unix)]
fn bytes_of(_: &Path, name: &std::ffi::OsStr) -> Result<Vec<u8>> {
    use std::os::unix::ffi::OsStrExt as _;
    Ok(name.as_bytes().to_vec())
}

#[cfg(not(unix))]
fn bytes_of(path: &Path, name: &std::ffi::OsStr) -> Result<Vec<u8>> {
    let text = name.to_str();
    let text = text.ok_or_else(|| not_packable(path, "its name is no text"))?;
    Ok(text.replace('\\', "/").into_bytes())
}

/// The path of an entry inside a folder of this system.
#[cfg(unix)]
pub(crate) fn path_of(path: &EntryPath) -> Result<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    Ok(std::ffi::OsStr::from_bytes(path.as_bytes()).into())
}

/// The path of an entry inside a folder of this system, which reads some names otherwise.
#[cfg(not(unix))]
pub(crate) fn path_of(path: &EntryPath) -> Result<PathBuf> {
    let refuse = || Error::NotPackable {
        path: PathBuf::from(String::from_utf8_lossy(path.as_bytes()).into_owned()),
        why: "this system cannot have such a name",
    };
    let text = std::str::from_utf8(path.as_bytes()).map_err(|_| refuse())?;
    match text.contains(['\\', ':']) {
        true => Err(refuse()),
        false => Ok(text.into()),
    }
}
