//! The manifest of an archive: which entries it has, in one order, each once.

use std::collections::HashSet;

use crate::chunk::offset;
use crate::error::{Error, Result};

/// Longest manifest that is read.
pub const MANIFEST_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Longest path in bytes, and longest name in it.
const PATH_BYTES_MAX: usize = 4096;
const NAME_BYTES_MAX: usize = 255;
/// The permission bits of an entry.
const MODE_MAX: u16 = 0o777;
const NANOS_MAX: u32 = 999_999_999;

const FOLDER: u8 = 1;
const FILE: u8 = 2;
const LINK: u8 = 3;

/// The place of an entry in its archive: names with `/` between them, none of them empty, `.` or
/// `..`. Bytes, as file systems have them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntryPath(Vec<u8>);

impl EntryPath {
    /// Takes a path that leads into the folder it is read in, and nowhere else.
    ///
    /// # Errors
    /// [`Error::ArchiveMalformed`].
    pub fn new(bytes: &[u8]) -> Result<Self> {
        let names = bytes.split(|byte| *byte == b'/');
        let is_name = |name: &[u8]| {
            let special = matches!(name, b"" | b"." | b"..");
            !special && name.len() <= NAME_BYTES_MAX && !name.contains(&0)
        };
        if bytes.len() > PATH_BYTES_MAX || !names.into_iter().all(is_name) {
            return Err(malformed("a path leads out of the archive, or is no path"));
        }
        Ok(Self(bytes.to_vec()))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The names from the first to the last.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/')
    }

    /// The folder it is in; `None` at the top.
    pub fn parent(&self) -> Option<&[u8]> {
        let at = self.0.iter().rposition(|byte| *byte == b'/')?;
        self.0.get(..at)
    }

    /// Whether it is `folder`, or inside it.
    pub fn is_within(&self, folder: &Self) -> bool {
        let rest = self.0.strip_prefix(&*folder.0);
        rest.is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
    }
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A folder; what is in it has entries of its own.
    Folder,
    /// A file of this length.
    File {
        /// Bytes of its content.
        bytes: u64,
    },
    /// A symbolic link that leads to a place inside the archive.
    Link {
        /// Where it leads, from its own folder on: `..` at the beginning only.
        target: Vec<u8>,
    },
}

/// When an entry was modified, since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modified {
    /// Whole seconds.
    pub seconds: i64,
    /// Nanoseconds, below a second.
    pub nanos: u32,
}

/// A file, a folder or a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: EntryPath,
    /// What it is.
    pub kind: Kind,
    /// Its permission bits, at most 0777.
    pub mode: u16,
    /// When it was modified.
    pub modified: Modified,
}

impl Entry {
    /// Bytes of content that it has in the archive.
    pub const fn content_bytes(&self) -> u64 {
        match self.kind {
            Kind::File { bytes } => bytes,
            Kind::Folder | Kind::Link { .. } => 0,
        }
    }

    fn to_bytes(&self, out: &mut Vec<u8>) {
        let (kind, size, target) = match &self.kind {
            Kind::Folder => (FOLDER, 0, &[][..]),
            Kind::File { bytes } => (FILE, *bytes, &[][..]),
            Kind::Link { target } => (LINK, offset(target.len()), &**target),
        };
        out.push(kind);
        out.extend_from_slice(&self.mode.to_be_bytes());
        out.extend_from_slice(&self.modified.seconds.to_be_bytes());
        out.extend_from_slice(&self.modified.nanos.to_be_bytes());
        out.extend_from_slice(&size.to_be_bytes());
        let length = u16::try_from(self.path.0.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&self.path.0);
        out.extend_from_slice(target);
    }

    /// The entry, if an archive can hold it.
    ///
    /// # Errors
    /// [`Error::ArchiveMalformed`] for a mode or a time that there is not, or a link that leads out
    /// of the archive.
    pub fn checked(self) -> Result<Self> {
        self.check()?;
        Ok(self)
    }

    fn check(&self) -> Result<()> {
        if self.mode > MODE_MAX || self.modified.nanos > NANOS_MAX {
            return Err(malformed("an entry has a mode or a time that there is not"));
        }
        match &self.kind {
            Kind::Link { target } if !stays_inside(&self.path, target) => {
                Err(malformed("a link leads out of the archive"))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a link leads to a place inside the archive, whatever other links there are: it climbs
/// only from its own folder, which is no link, and at the beginning.
fn stays_inside(link: &EntryPath, target: &[u8]) -> bool {
    let mut above = link.names().count().saturating_sub(1);
    let mut climbing = true;
    let right_length = (1..=PATH_BYTES_MAX).contains(&target.len());
    let mut names = target.split(|byte| *byte == b'/');
    right_length
        && names.all(|name| match name {
            b".." if climbing && above > 0 => {
                above -= 1;
                true
            }
            b"" | b"." | b".." => false,
            name => {
                climbing = false;
                !name.contains(&0)
            }
        })
}

/// The entries of an archive, in order of their names; every one is in a folder that is one of
/// them, or at the top.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest(Vec<Entry>);

impl Manifest {
    /// Takes entries in any order.
    ///
    /// # Errors
    /// [`Error::ArchiveMalformed`] if a path is there twice or in what is no folder of the archive,
    /// if a link leads out of it, or the manifest would be too long.
    pub fn new(mut entries: Vec<Entry>) -> Result<Self> {
        entries.sort_by(|one, two| one.path.names().cmp(two.path.names()));
        let manifest = Self(entries);
        manifest.check()?;
        if manifest.to_bytes().len() > MANIFEST_BYTES_MAX {
            return Err(malformed("the manifest is longer than 64 MiB"));
        }
        Ok(manifest)
    }

    /// The entries.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The entries with the offset of each one's content in the plaintext.
    pub fn contents(&self) -> impl Iterator<Item = (&Entry, u64)> {
        let begin = offset(self.to_bytes().len()).saturating_add(4);
        self.0.iter().scan(begin, |next, entry| {
            let at = *next;
            *next = next.saturating_add(entry.content_bytes());
            Some((entry, at))
        })
    }

    /// Bytes of all contents.
    pub fn content_bytes(&self) -> u64 {
        let bytes = self.0.iter().map(Entry::content_bytes);
        bytes.fold(0, u64::saturating_add)
    }

    /// Writes the entries one after the other.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.0.iter().for_each(|entry| entry.to_bytes(&mut out));
        out
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`Error::ArchiveMalformed`] unless the bytes are those that a manifest writes.
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self> {
        let mut entries = Vec::new();
        while !bytes.is_empty() {
            let (entry, rest) = entry(bytes).ok_or(malformed("the manifest is cut short"))?;
            entries.push(entry?);
            bytes = rest;
        }
        let manifest = Self(entries);
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<()> {
        let mut folders = HashSet::new();
        let mut total = 0_u64;
        for entry in &self.0 {
            entry.check()?;
            let parent = entry.path.parent();
            if parent.is_some_and(|parent| !folders.contains(parent)) {
                return Err(malformed("an entry is in what is no folder of the archive"));
            }
            if entry.kind == Kind::Folder {
                folders.insert(entry.path.as_bytes());
            }
            let sum = total.checked_add(entry.content_bytes());
            total = sum.ok_or(malformed("the contents are longer than a file can be"))?;
        }
        let ascending = self.0.windows(2).all(|pair| match pair {
            [one, two] => one.path.names().lt(two.path.names()),
            _ => true,
        });
        if ascending {
            Ok(())
        } else {
            Err(malformed("entries are not in ascending order, each once"))
        }
    }
}

/// Splits off the first entry; `None` if the bytes end inside it.
fn entry(bytes: &[u8]) -> Option<(Result<Entry>, &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    let (mode, rest) = rest.split_first_chunk()?;
    let (seconds, rest) = rest.split_first_chunk()?;
    let (nanos, rest) = rest.split_first_chunk()?;
    let (size, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let size = u64::from_be_bytes(*size);
    let (path, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    let (kind, rest) = match *kind {
        FOLDER if size == 0 => (Some(Kind::Folder), rest),
        FILE => (Some(Kind::File { bytes: size }), rest),
        LINK => {
            let (target, rest) = rest.split_at_checked(usize::try_from(size).ok()?)?;
            let target = target.to_vec();
            (Some(Kind::Link { target }), rest)
        }
        _ => (None, rest),
    };
    let modified = Modified {
        seconds: i64::from_be_bytes(*seconds),
        nanos: u32::from_be_bytes(*nanos),
    };
    let mode = u16::from_be_bytes(*mode);
    let entry = EntryPath::new(path).and_then(|path| {
        let kind = kind.ok_or(malformed("an entry is of a kind that there is not"))?;
        Ok(Entry {
            path,
            kind,
            mode,
            modified,
        })
    });
    Some((entry, rest))
}

pub(super) const fn malformed(problem: &'static str) -> Error {
    Error::ArchiveMalformed { problem }
}
