//! Where a group's items lie: anything that keeps bytes under names, none of them secret or
//! trusted. An item is written once and never changed. Names are `records/NUMBER` and
//! `messages/MAILBOX/NUMBER`, numbers of 16 hexadecimal digits.

mod file;
mod folder;

use std::path::Path;

use async_trait::async_trait;

use super::error::GroupError;
use super::message::MESSAGE_BYTES_MAX;
use super::record::RECORD_BYTES_MAX;
use crate::error::Result;

pub use file::FileStore;
pub use folder::FolderStore;

/// Folder of the records.
const RECORDS: &str = "records";
/// Folder of the mailboxes.
const MESSAGES: &str = "messages";

/// Keeps items. A store can hide items and put in others; what is read from it is checked.
#[async_trait]
pub trait GroupStore: Send + Sync {
    /// The names of everything directly in a folder, in order; none if there is no such folder.
    async fn list(&self, folder: &str) -> Result<Vec<String>>;

    /// An item of at most `most` bytes; `None` if it is not there.
    async fn get(&self, name: &str, most: usize) -> Result<Option<Vec<u8>>>;

    /// Writes an item, durably.
    ///
    /// # Errors
    /// [`GroupError::Taken`] if there is one of that name with other bytes.
    async fn put(&self, name: &str, bytes: &[u8]) -> Result<()>;
}

/// A folder, or a file that is passed around: one that is there, or that is to be made under a name
/// that ends in `.kmsg`.
///
/// # Errors
/// [`GroupError::StoreInvalid`], [`crate::Error::Io`].
pub fn store_at(path: &Path) -> Result<Box<dyn GroupStore>> {
    if path.is_file() {
        return Ok(Box::new(FileStore::open(path)?));
    }
    if !path.exists()
        && path
            .extension()
            .is_some_and(|extension| extension == "kmsg")
    {
        return Ok(Box::new(FileStore::create(path)?));
    }
    Ok(Box::new(FolderStore::new(path)))
}

/// Copies every item that `into` lacks; returns how many. What both hold differently stays as it
/// is, and is told by [`GroupError::Taken`].
///
/// # Errors
/// Those of the two stores.
pub async fn copy_items(from: &dyn GroupStore, into: &dyn GroupStore) -> Result<usize> {
    let mut copied = 0;
    let records = from.list(RECORDS).await?;
    let mut names: Vec<(String, usize)> = records
        .iter()
        .map(|name| (format!("{RECORDS}/{name}"), RECORD_BYTES_MAX))
        .collect();
    for mailbox in from.list(MESSAGES).await? {
        let folder = format!("{MESSAGES}/{mailbox}");
        let items = from.list(&folder).await?;
        names.extend(
            items
                .iter()
                .map(|name| (format!("{folder}/{name}"), MESSAGE_BYTES_MAX)),
        );
    }
    for (name, most) in names {
        let Some(bytes) = from.get(&name, most).await? else {
            continue;
        };
        if into.get(&name, most).await?.as_ref() != Some(&bytes) {
            into.put(&name, &bytes).await?;
            copied += 1;
        }
    }
    Ok(copied)
}

/// The records of a store, in order of their numbers.
pub(super) async fn records(store: &dyn GroupStore) -> Result<Vec<(u64, Vec<u8>)>> {
    let mut records = Vec::new();
    for name in store.list(RECORDS).await? {
        let Some(number) = number(&name) else {
            continue;
        };
        if let Some(bytes) = store
            .get(&format!("{RECORDS}/{name}"), RECORD_BYTES_MAX)
            .await?
        {
            records.push((number, bytes));
        }
    }
    records.sort_by_key(|(number, _)| *number);
    Ok(records)
}

pub(super) async fn put_record(store: &dyn GroupStore, number: u64, bytes: &[u8]) -> Result<()> {
    store.put(&format!("{RECORDS}/{number:016x}"), bytes).await
}

/// A stored message and where it lies.
pub(super) struct Stored {
    pub(super) mailbox: String,
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
}

impl Stored {
    pub(super) fn name(&self) -> String {
        format!("{MESSAGES}/{}/{:016x}", self.mailbox, self.number)
    }
}

/// Every message of a store.
pub(super) async fn messages(store: &dyn GroupStore) -> Result<Vec<Stored>> {
    let mut messages = Vec::new();
    for mailbox in store.list(MESSAGES).await? {
        messages.extend(messages_of(store, &mailbox).await?);
    }
    Ok(messages)
}

async fn messages_of(store: &dyn GroupStore, mailbox: &str) -> Result<Vec<Stored>> {
    let folder = format!("{MESSAGES}/{mailbox}");
    let mut messages = Vec::new();
    for name in store.list(&folder).await? {
        let Some(number) = number(&name) else {
            continue;
        };
        let bytes = store
            .get(&format!("{folder}/{name}"), MESSAGE_BYTES_MAX)
            .await?;
        messages.extend(bytes.map(|bytes| Stored {
            mailbox: mailbox.to_owned(),
            number,
            bytes,
        }));
    }
    Ok(messages)
}

/// The last message of a mailbox.
pub(super) async fn last_message(store: &dyn GroupStore, mailbox: &str) -> Result<Option<Stored>> {
    let folder = format!("{MESSAGES}/{mailbox}");
    let names = store.list(&folder).await?;
    let Some((name, number)) = names
        .iter()
        .rev()
        .find_map(|name| Some((name, number(name)?)))
    else {
        return Ok(None);
    };
    let bytes = store
        .get(&format!("{folder}/{name}"), MESSAGE_BYTES_MAX)
        .await?;
    Ok(bytes.map(|bytes| Stored {
        mailbox: mailbox.to_owned(),
        number,
        bytes,
    }))
}

pub(super) async fn put_message(store: &dyn GroupStore, stored: &Stored) -> Result<()> {
    store.put(&stored.name(), &stored.bytes).await
}

/// The number that an item's name writes in 16 lower-case hexadecimal digits.
fn number(name: &str) -> Option<u64> {
    let number = u64::from_str_radix(name, 16).ok()?;
    (format!("{number:016x}") == name).then_some(number)
}

/// Refuses a name that is not made of the parts above: it may come from a foreign store.
fn check_name(name: &str) -> Result<()> {
    let plain = |part: &str| {
        (1..=64).contains(&part.len())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    match name.split('/').all(plain) {
        true => Ok(()),
        false => Err(GroupError::StoreInvalid {
            why: "the name of an item is not one of a group's",
        }
        .into()),
    }
}

#[cfg(test)]
mod tests;
