//! Input and output of data. `-` is stdin or stdout; a regular file is written under another name
//! and renamed when complete (`kms_client::AtomicFile`); devices and pipes are written in place.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal as _, Read, StdoutLock, Write};
use std::path::{Path, PathBuf};

use kms_client::{AtomicFile, Existing, Visibility};
use zeroize::Zeroizing;

use crate::failure::{Failure, Outcome};
use crate::interrupt::{PARTS, PartGuard};
use crate::output::stdout_failure;
use crate::terminal::{Guarded, Rule};

/// Longest secret text that is read from a file, in bytes.
const SECRET_BYTES_MAX: u64 = 4096;

/// An open input: a file or stdin.
pub(crate) struct Source {
    reader: Box<dyn Read>,
    /// Length in bytes; `None` unless the input is a regular file.
    pub(crate) length: Option<u64>,
}

impl Source {
    /// Opens a file, or stdin for `-`.
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        if is_dash(path) {
            if io::stdin().is_terminal() {
                crate::output::complain("reading from the terminal; end with Ctrl-D");
            }
            return Ok(Self {
                reader: Box::new(io::stdin().lock()),
                length: None,
            });
        }
        let fail = |error: io::Error| Failure::io(path.display(), &error);
        let metadata = std::fs::metadata(path).map_err(fail)?;
        if metadata.is_dir() {
            return Err(Failure::usage(format!("{} is a directory", path.display()))
                .hint("encrypt all that is in it: kms encrypt -r DIR"));
        }
        let file = File::open(path).map_err(fail)?;
        let length = metadata.is_file().then_some(metadata.len());
        Ok(Self {
            reader: Box::new(file),
            length,
        })
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// Reads a secret text from a file, or stdin for `-`; zeroised on drop.
pub(crate) fn read_secret(path: &Path) -> Outcome<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    let source = Source::open(path)?;
    let read = source.take(SECRET_BYTES_MAX).read_to_string(&mut text);
    read.map_err(|error| Failure::io(path.display(), &error))?;
    Ok(text)
}

/// The kind of data written, which decides file mode and what a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Encrypted bytes: never shown on a terminal; the file's mode follows the umask.
    Encrypted,
    /// Decrypted bytes or secrets: file mode 0600; on a terminal only if they are text.
    Secret,
}

/// An open output. A regular file is replaced whole or not at all.
pub(crate) enum Sink {
    /// Standard output; if it is a terminal, only text passes.
    Stdout(BufWriter<Guarded<StdoutLock<'static>>>),
    /// A regular file. Boxed: it holds a buffer.
    File(Box<AtomicFile>, PartGuard<'static>),
    /// A device or a pipe, written in place.
    Special(PathBuf, File),
}

impl Sink {
    /// Opens a file, or stdout for `-`. A regular file keeps its old content until `finish`.
    pub(crate) fn open(path: &Path, content: Content, existing: Existing) -> Outcome<Self> {
        if is_dash(path) || is_stdout(path) {
            return stdout(content);
        }
        if is_of_system(path) {
            return Self::in_place(path);
        }
        let path = &resolve(path)?;
        if let Ok(metadata) = std::fs::metadata(path) {
            if metadata.is_dir() {
                return Err(Failure::usage(format!("{} is a directory", path.display())));
            }
            if !metadata.is_file() {
                return Self::in_place(path);
            }
        }
        let visibility = match content {
            Content::Encrypted => Visibility::Shared,
            Content::Secret => Visibility::Private,
        };
        let file = AtomicFile::create(path, visibility, existing)?;
        let guard = PARTS.guard(file.part_path());
        Ok(Self::File(Box::new(file), guard))
    }

    fn in_place(path: &Path) -> Outcome<Self> {
        // A file behind a descriptor has content of others, as of a log that is appended to.
        let append = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
        let file = OpenOptions::new().write(true).append(append).open(path);
        let file = file.map_err(|error| Failure::io(path.display(), &error))?;
        Ok(Self::Special(path.to_path_buf(), file))
    }

    /// True if the data goes to stdout, which then must carry nothing else.
    pub(crate) fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout(_))
    }

    /// Flushes the data; renames a regular file to its final name.
    pub(crate) fn finish(self) -> Outcome {
        match self {
            Self::Stdout(mut out) => out.flush().map_err(|error| stdout_failure(&error)),
            Self::File(file, guard) => {
                file.commit()?;
                drop(guard);
                Ok(())
            }
            Self::Special(path, mut file) => file
                .flush()
                .map_err(|error| Failure::io(path.display(), &error)),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::File(file, _) => file.write(bytes),
            Self::Special(_, file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::File(file, _) => file.flush(),
            Self::Special(_, file) => file.flush(),
        }
    }
}

fn is_dash(path: &Path) -> bool {
    path == Path::new("-")
}

/// Whether it is a name for the standard output. What stands behind is written to as it is: a pipe
/// has no name, and a file behind a redirection is not to be replaced by another.
fn is_stdout(path: &Path) -> bool {
    let names = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
    names.iter().any(|name| path == Path::new(name))
}

/// Whether it is a device or an open file by its descriptor, which nothing is put in the place of.
fn is_of_system(path: &Path) -> bool {
    let behind_proc = path.strip_prefix("/proc");
    let is_descriptor = behind_proc.is_ok_and(|rest| {
        let parts: Vec<_> = rest.iter().take(2).collect();
        matches!(parts.as_slice(), [_, folder] if *folder == "fd")
    });
    is_descriptor || (path.starts_with("/dev") && !path.starts_with("/dev/shm"))
}

fn stdout(content: Content) -> Outcome<Sink> {
    let terminal = io::stdout().is_terminal();
    if terminal && content == Content::Encrypted {
        return Err(
            Failure::usage("encrypted data is not written to a terminal")
                .hint("name a file with -o FILE, or send the output to a pipe"),
        );
    }
    let rule = if terminal {
        Rule::TextOnly
    } else {
        Rule::Anything
    };
    let out = Guarded::new(io::stdout().lock(), rule);
    Ok(Sink::Stdout(BufWriter::new(out)))
}

/// Follows symbolic links, so that replacing the file keeps the link.
fn resolve(path: &Path) -> Outcome<PathBuf> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_symlink() => path
            .canonicalize()
            .map_err(|error| Failure::io(path.display(), &error)),
        _ => Ok(path.to_path_buf()),
    }
}

#[cfg(test)]
mod tests;
