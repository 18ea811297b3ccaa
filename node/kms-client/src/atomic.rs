//! Output that appears whole or not at all: bytes go to `OUT.<random>.part` in the same directory,
//! are flushed to disk, and take the output's name in one step. A failure removes the part file and
//! leaves an existing output untouched. Used by every command that writes a file.

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Bytes buffered between two writes to the file.
const BUFFER_BYTES: usize = 256 * 1024;
/// Random names tried for the part file; there are 2^64, so a second is hardly ever needed.
const NAME_ATTEMPTS: u32 = 8;

/// Who may read the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// The owner alone (mode 0600): decrypted data, keys.
    Private,
    /// Whoever could read the file that it replaces, or else whoever the umask of the process lets
    /// in: encrypted data.
    Shared,
}

/// What happens to a file that has the output's name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is replaced when the new content is complete.
    Replace,
    /// The operation is refused, at the start and again at the end.
    Refuse,
}

/// The part file as it is written to; tests put a full disk in its place.
trait Sink: Write + Send {
    fn sync(&self) -> io::Result<()>;
}

impl Sink for File {
    fn sync(&self) -> io::Result<()> {
        self.sync_all()
    }
}

/// A file written under a temporary name; dropped before [`AtomicFile::commit`], it is removed.
pub struct AtomicFile {
    sink: BufWriter<Box<dyn Sink>>,
    part: PathBuf,
    target: PathBuf,
    existing: Existing,
    done: bool,
}

impl AtomicFile {
    /// Opens the part file beside `target`.
    ///
    /// # Errors
    /// [`Error::OutputExists`] if the target is there and must not be replaced, [`Error::Io`].
    pub fn create(target: &Path, visibility: Visibility, existing: Existing) -> Result<Self> {
        Self::with_sink(target, visibility, existing, |file| Box::new(file))
    }

    fn with_sink(
        target: &Path,
        visibility: Visibility,
        existing: Existing,
        wrap: impl FnOnce(File) -> Box<dyn Sink>,
    ) -> Result<Self> {
        if existing == Existing::Refuse && target.symlink_metadata().is_ok() {
            return Err(Error::OutputExists {
                path: target.to_path_buf(),
            });
        }
        let (part, file) = open_part(target, visibility)?;
        if visibility == Visibility::Shared {
            keep_mode(target, &file);
        }
        Ok(Self {
            sink: BufWriter::with_capacity(BUFFER_BYTES, wrap(file)),
            part,
            target: target.to_path_buf(),
            existing,
            done: false,
        })
    }

    /// The temporary name, for a signal handler that wants to remove it.
    pub fn part_path(&self) -> &Path {
        &self.part
    }

    /// Flushes everything to disk and gives the file its name.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::OutputExists`] if the name was taken meanwhile; the part file is
    /// removed then.
    pub fn commit(mut self) -> Result<()> {
        let target = self.target.clone();
        self.sink
            .flush()
            .map_err(|source| Error::io(&target, source))?;
        self.sink
            .get_ref()
            .sync()
            .map_err(|source| Error::io(&target, source))?;
        self.take_name()?;
        self.done = true;
        crate::store::sync_parent(&target)
    }

    fn take_name(&self) -> Result<()> {
        match self.existing {
            Existing::Replace => std::fs::rename(&self.part, &self.target)
                .map_err(|source| Error::io(&self.target, source)),
            // A hard link fails if the name exists, which a rename would overwrite.
            Existing::Refuse => match std::fs::hard_link(&self.part, &self.target) {
                Ok(()) => {
                    std::fs::remove_file(&self.part).map_err(|source| Error::io(&self.part, source))
                }
                Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
                    Err(Error::OutputExists {
                        path: self.target.clone(),
                    })
                }
                Err(source) => Err(Error::io(&self.target, source)),
            },
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if !self.done {
            // Nothing can be reported from here; a leftover part file does no harm.
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

fn open_part(target: &Path, visibility: Visibility) -> Result<(PathBuf, File)> {
    let name = target.file_name().ok_or_else(|| {
        Error::io(
            target,
            io::Error::new(io::ErrorKind::InvalidInput, "not a file name"),
        )
    })?;
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for _ in 0..NAME_ATTEMPTS {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| kms_core::Error::Random)?;
        let mut part = name.to_os_string();
        part.push(format!(".{}.part", hex::encode(random)));
        let part = target.with_file_name(part);
        match options(visibility).open(&part) {
            Ok(file) => return Ok((part, file)),
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => last = source,
            Err(source) => return Err(Error::io(target, source)),
        }
    }
    Err(Error::io(target, last))
}

/// Gives the part file the mode of the file that it will replace. A file system without modes is
/// no reason to fail.
fn keep_mode(target: &Path, part: &File) {
    if let Ok(replaced) = std::fs::metadata(target) {
        let _ = part.set_permissions(replaced.permissions());
    }
}

fn options(visibility: Visibility) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if visibility == Visibility::Private {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = visibility;
    options
}
