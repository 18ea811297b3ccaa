//! The groups that a home knows: their lines, where their items lie, and how far they were seen.
//! Neighbour: `group` reads and writes the items.

use std::path::{Path, PathBuf};

use super::{Home, HomeLock};
use crate::error::{Error, Result};
use crate::group::{GroupEntry, GroupError};
use crate::store;
use kms_core::card::check_card_name;

const GROUPS: &str = "groups";

impl Home {
    /// A group by the name that it has here.
    ///
    /// # Errors
    /// [`GroupError::Unknown`], [`Error::HomeCorrupt`].
    pub fn group(&self, name: &str) -> Result<GroupEntry> {
        let entry = store::read_json(&self.group_path(name)?)?;
        let name = name.to_owned();
        Ok(entry.ok_or(GroupError::Unknown { name })?)
    }

    /// Remembers a group under a name that is free, or holds the same group.
    ///
    /// # Errors
    /// [`GroupError::Exists`], [`kms_core::Error::NameInvalid`].
    pub fn add_group(&self, lock: &HomeLock, name: &str, entry: &GroupEntry) -> Result<()> {
        let path = self.group_path(name)?;
        let known = store::read_json::<GroupEntry>(&path)?;
        if known.is_some_and(|known| known.line != entry.line) {
            let name = name.to_owned();
            return Err(GroupError::Exists { name }.into());
        }
        self.set_group(lock, name, entry)
    }

    /// Replaces what is known of a group.
    ///
    /// # Errors
    /// [`kms_core::Error::NameInvalid`], [`Error::Io`].
    pub fn set_group(&self, lock: &HomeLock, name: &str, entry: &GroupEntry) -> Result<()> {
        self.check(lock)?;
        let dir = self.path.join(GROUPS);
        if !dir.is_dir() {
            store::create_private_dir(&dir)?;
        }
        store::write_json(&self.group_path(name)?, entry)
    }

    /// The groups by the names that they have here, in order.
    ///
    /// # Errors
    /// [`Error::HomeCorrupt`], [`Error::Io`].
    pub fn groups(&self) -> Result<Vec<(String, GroupEntry)>> {
        let dir = self.path.join(GROUPS);
        let entries = match std::fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(Error::io(&dir, source)),
        };
        let mut groups = Vec::new();
        for entry in entries {
            let name = entry.map_err(|source| Error::io(&dir, source))?.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(".json"));
            if let Some(name) = name.filter(|name| check_card_name(name).is_ok()) {
                groups.push((name.to_owned(), self.group(name)?));
            }
        }
        groups.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(groups)
    }

    fn group_path(&self, name: &str) -> Result<PathBuf> {
        check_card_name(name)?;
        Ok(Path::new(&self.path)
            .join(GROUPS)
            .join(format!("{name}.json")))
    }
}
