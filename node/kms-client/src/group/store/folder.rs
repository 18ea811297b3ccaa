//! A group in a folder: one file an item, so that any tool that copies folders carries it, and two
//! people who write at the same time write two files.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::{GroupStore, check_name};
use crate::atomic::{AtomicFile, Existing, Visibility};
use crate::error::{Error, Result};
use crate::group::error::GroupError;

/// A folder, which is made with the first item.
pub struct FolderStore {
    path: PathBuf,
}

impl FolderStore {
    /// Names the folder; it need not exist.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
        }
    }

    fn of(&self, name: &str) -> Result<PathBuf> {
        check_name(name)?;
        Ok(self.path.join(name))
    }
}

#[async_trait]
impl GroupStore for FolderStore {
    async fn list(&self, folder: &str) -> Result<Vec<String>> {
        let path = self.of(folder)?;
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(Error::io(&path, source)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|source| Error::io(&path, source))?;
            // Part files, and what other programs leave there, are no items.
            let name = entry.file_name().into_string().ok();
            names.extend(name.filter(|name| check_name(name).is_ok()));
        }
        names.sort_unstable();
        Ok(names)
    }

    async fn get(&self, name: &str, most: usize) -> Result<Option<Vec<u8>>> {
        let path = self.of(name)?;
        let file = match std::fs::File::open(&path) {
            Ok(file) => file,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::io(&path, source)),
        };
        let limit = u64::try_from(most).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        file.take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|source| Error::io(&path, source))?;
        if bytes.len() > most {
            let why = "an item is longer than any of a group";
            return Err(GroupError::StoreInvalid { why }.into());
        }
        Ok(Some(bytes))
    }

    async fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.of(name)?;
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|source| Error::io(parent, source))?;
        }
        let mut file = match AtomicFile::create(&path, Visibility::Shared, Existing::Refuse) {
            Err(Error::OutputExists { .. }) => return self.taken(name, bytes).await,
            file => file?,
        };
        file.write_all(bytes)
            .map_err(|source| Error::io(&path, source))?;
        match file.commit() {
            Err(Error::OutputExists { .. }) => self.taken(name, bytes).await,
            written => written,
        }
    }
}

impl FolderStore {
    /// The same bytes again change nothing.
    async fn taken(&self, name: &str, bytes: &[u8]) -> Result<()> {
        if self
            .get(name, bytes.len())
            .await
            .is_ok_and(|held| held.as_deref() == Some(bytes))
        {
            return Ok(());
        }
        let key = name.to_owned();
        Err(GroupError::Taken { key }.into())
    }
}
