//! A group in one file that is passed around: items one after the other, never changed, so that a
//! copy that was sent on is a beginning of what the file is later.
//!
//! Magic 8 B `KMSGRP1\n`, then each item: length of the name 1 B, name, length of the bytes 4 B,
//! bytes. An item that was cut off at the end of the file is dropped with the next one written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{GroupStore, check_name};
use crate::error::{Error, Result};
use crate::group::bytes::{Bytes, put_count, put_name};
use crate::group::error::GroupError;

const MAGIC: &[u8; 8] = b"KMSGRP1\n";
/// Longest file that is read whole.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// The file, read once; items written later are appended.
pub struct FileStore {
    path: PathBuf,
    held: Mutex<Held>,
}

struct Held {
    items: BTreeMap<String, Vec<u8>>,
    /// Where the last whole item ends.
    end: u64,
    /// Length of the file when it was read or written last.
    length: u64,
}

impl FileStore {
    /// Makes an empty file.
    ///
    /// # Errors
    /// [`Error::Io`] if there is one.
    pub fn create(path: &Path) -> Result<Self> {
        let io = |source| Error::io(path, source);
        let mut file = File::create_new(path).map_err(io)?;
        file.write_all(MAGIC).map_err(io)?;
        file.sync_all().map_err(io)?;
        Self::open(path)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`GroupError::StoreInvalid`], [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = File::open(path).map_err(|source| Error::io(path, source))?;
        let held = Held::read_from(&mut file, path)?;
        Ok(Self {
            path: path.to_path_buf(),
            held: Mutex::new(held),
        })
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn read_from(file: &mut File, path: &Path) -> Result<Self> {
        let mut bytes = Vec::new();
        let whole = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
        whole.map_err(|source| Error::io(path, source))?;
        Self::read(&bytes)
    }

    fn read(bytes: &[u8]) -> Result<Self> {
        let invalid = |why| GroupError::StoreInvalid { why };
        let total = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if total > FILE_BYTES_MAX {
            return Err(invalid("it is longer than 1 GiB: use a folder").into());
        }
        let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
            return Err(invalid("it is no file of a group").into());
        };
        let mut items = BTreeMap::new();
        while let Some((name, item, after)) = split(rest) {
            check_name(&name)?;
            // Of two items of one name the first stays.
            items.entry(name).or_insert_with(|| item.to_vec());
            rest = after;
        }
        let left = u64::try_from(rest.len()).unwrap_or(u64::MAX);
        let end = total.saturating_sub(left);
        Ok(Self {
            items,
            end,
            length: total,
        })
    }
}

/// The first item, and what follows it; `None` at the end or for an item that is cut off.
fn split(bytes: &[u8]) -> Option<(String, &[u8], &[u8])> {
    let mut bytes = Bytes::new(bytes);
    let name = bytes.name()?;
    let length = bytes.count()?;
    let item = bytes.take(length)?;
    Some((name, item, bytes.rest()))
}

#[async_trait]
impl GroupStore for FileStore {
    async fn list(&self, folder: &str) -> Result<Vec<String>> {
        check_name(folder)?;
        let prefix = format!("{folder}/");
        let held = self.held();
        let inside = held
            .items
            .keys()
            .filter_map(|name| name.strip_prefix(&prefix));
        let mut names: Vec<String> = inside
            .filter_map(|name| name.split('/').next().map(str::to_owned))
            .collect();
        names.dedup();
        Ok(names)
    }

    async fn get(&self, name: &str, most: usize) -> Result<Option<Vec<u8>>> {
        check_name(name)?;
        let item = self.held().items.get(name).cloned();
        if item.as_ref().is_some_and(|item| item.len() > most) {
            let why = "an item is longer than any of a group";
            return Err(GroupError::StoreInvalid { why }.into());
        }
        Ok(item)
    }

    async fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        check_name(name)?;
        let io = |source| Error::io(&self.path, source);
        let mut options = File::options();
        let mut file = options
            .read(true)
            .write(true)
            .open(&self.path)
            .map_err(io)?;
        // Released with the file.
        file.lock().map_err(io)?;
        let mut held = self.held();
        if file.metadata().map_err(io)?.len() != held.length {
            *held = Held::read_from(&mut file, &self.path)?;
        }
        if let Some(item) = held.items.get(name) {
            let key = name.to_owned();
            let same = item.as_slice() == bytes;
            return same
                .then_some(())
                .ok_or(Error::Group(GroupError::Taken { key }));
        }
        let mut item = Vec::with_capacity(name.len() + bytes.len() + 5);
        put_name(&mut item, name);
        put_count(&mut item, bytes.len());
        item.extend_from_slice(bytes);
        file.set_len(held.end).map_err(io)?;
        file.seek(SeekFrom::Start(held.end)).map_err(io)?;
        file.write_all(&item).map_err(io)?;
        file.sync_all().map_err(io)?;
        held.end = held
            .end
            .saturating_add(u64::try_from(item.len()).unwrap_or(0));
        held.length = held.end;
        held.items.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }
}
