//! A folder that is being unpacked: under another name beside its own, until it is complete.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kms_format::archive::{Destination, Entry, EntryPath, Kind, Modified};

use super::path_of;
use crate::error::{Error, Result};

/// Takes the entries of an archive; dropped before [`NewFolder::finish`], it removes them.
pub struct NewFolder {
    part: PathBuf,
    target: PathBuf,
    /// The only entry that is wanted, with what is in it.
    wanted: Option<EntryPath>,
    file: Option<(BufWriter<File>, Entry)>,
    /// Folders and links, which get their final state when everything is in its place.
    later: Vec<(PathBuf, Entry)>,
    entries: u64,
    done: bool,
}

impl NewFolder {
    /// Makes the folder that becomes `target`, which must not be there. Nobody else can look in.
    ///
    /// # Errors
    /// [`Error::OutputExists`], [`Error::Io`].
    pub fn create(target: &Path) -> Result<Self> {
        let io = |source| Error::io(target, source);
        if target.symlink_metadata().is_ok() {
            let path = target.to_path_buf();
            return Err(Error::OutputExists { path });
        }
        let name = target.file_name();
        let name = name.ok_or_else(|| io(io::ErrorKind::InvalidInput.into()))?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| kms_core::Error::Random)?;
        let mut part = name.to_os_string();
        part.push(format!(".{}.part", hex::encode(random)));
        let part = target.with_file_name(part);
        make_private(&part).map_err(io)?;
        Ok(Self {
            part,
            target: target.to_path_buf(),
            wanted: None,
            file: None,
            later: Vec::new(),
            entries: 0,
            done: false,
        })
    }

    /// Takes this entry and what is in it, and passes the others by.
    #[must_use]
    pub fn only(mut self, wanted: EntryPath) -> Self {
        self.wanted = Some(wanted);
        self
    }

    /// The temporary name, for a signal handler that wants to remove it.
    pub fn part_path(&self) -> &Path {
        &self.part
    }

    /// Gives everything its times and rights, and the folder its name; returns the number of
    /// entries.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::OutputExists`] if the name was taken meanwhile.
    pub fn finish(mut self) -> Result<u64> {
        let ended = self.end_file();
        let io = |source| Error::io(&self.target, source);
        ended.map_err(io)?;
        // What is inside a folder comes after it, and changes its time.
        for (path, entry) in self.later.iter().rev() {
            match &entry.kind {
                Kind::Link { target } => link(target, path).map_err(io)?,
                _ => settle(path, entry).map_err(io)?,
            }
        }
        if self.target.symlink_metadata().is_ok() {
            let path = self.target.clone();
            return Err(Error::OutputExists { path });
        }
        fs::rename(&self.part, &self.target).map_err(io)?;
        self.done = true;
        crate::store::sync_parent(&self.target)?;
        Ok(self.entries)
    }

    fn end_file(&mut self) -> io::Result<()> {
        let Some((mut file, entry)) = self.file.take() else {
            return Ok(());
        };
        file.flush()?;
        let file = file.get_ref();
        file.set_times(times(entry.modified))?;
        set_mode(file, entry.mode)?;
        file.sync_all()
    }
}

impl Destination for NewFolder {
    fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        self.end_file()?;
        let wanted = self.wanted.as_ref();
        let is_above = |wanted: &EntryPath| wanted.is_within(&entry.path);
        if wanted.is_some_and(|wanted| !entry.path.is_within(wanted) && !is_above(wanted)) {
            return Ok(());
        }
        let path = self
            .part
            .join(path_of(&entry.path).map_err(io::Error::other)?);
        self.entries = self.entries.saturating_add(1);
        match entry.kind {
            Kind::Folder => {
                make_private(&path)?;
                self.later.push((path, entry.clone()));
            }
            Kind::Link { .. } => self.later.push((path, entry.clone())),
            Kind::File { .. } => {
                let file = options().open(&path)?;
                self.file = Some((BufWriter::new(file), entry.clone()));
            }
        }
        Ok(())
    }

    fn content(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some((file, _)) => file.write_all(bytes),
            None => Ok(()),
        }
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if !self.done {
            // Nothing can be reported from here; a leftover folder does no harm.
            let _ = fs::remove_dir_all(&self.part);
        }
    }
}

fn times(modified: Modified) -> FileTimes {
    let whole = Duration::from_secs(modified.seconds.unsigned_abs());
    let time = if modified.seconds >= 0 {
        UNIX_EPOCH.checked_add(whole)
    } else {
        UNIX_EPOCH.checked_sub(whole)
    };
    let nanos = Duration::from_nanos(modified.nanos.into());
    let time = time.and_then(|time: SystemTime| time.checked_add(nanos));
    time.map_or_else(FileTimes::new, |time| FileTimes::new().set_modified(time))
}

fn settle(path: &Path, entry: &Entry) -> io::Result<()> {
    let folder = File::open(path)?;
    folder.set_times(times(entry.modified))?;
    set_mode(&folder, entry.mode)
}

#[cfg(unix)]
fn set_mode(file: &File, mode: u16) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(mode.into()))
}

#[cfg(unix)]
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(unix)]
fn options() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
}

#[cfg(unix)]
fn link(target: &[u8], path: &Path) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), path)
}

#[cfg(not(unix))]
fn set_mode(_: &File, _: u16) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn make_private(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

#[cfg(not(unix))]
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    options
}

#[cfg(not(unix))]
fn link(_: &[u8], _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
