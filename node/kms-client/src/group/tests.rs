//! What the tests of groups share: an admin, devices with keys of their own, a store in memory that
//! can be tampered with, and a way through doors that needs no miners.

mod faults;
mod granted;
mod history;
mod records;

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use umbral::Capsule;

use super::begin::Change;
use super::channel::Channel;
use super::epochs::{descend, open_epochs};
use super::ledger::Ledger;
use super::message::Message;
use super::*;
use crate::error::Result;
use crate::testkit::World;
use kms_core::keys::ReaderKey;
use kms_core::label::Label;

/// Items in memory.
#[derive(Default)]
struct MemoryStore(Mutex<BTreeMap<String, Vec<u8>>>);

impl MemoryStore {
    fn items(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap()
    }

    /// Names of the messages, in order of mailbox and number.
    fn messages(&self) -> Vec<String> {
        let items = self.items();
        let names = items.keys().filter(|name| name.starts_with("messages/"));
        names.cloned().collect()
    }

    fn duplicate(&self) -> Self {
        Self(Mutex::new(self.items().clone()))
    }
}

#[async_trait]
impl GroupStore for MemoryStore {
    async fn list(&self, folder: &str) -> Result<Vec<String>> {
        let prefix = format!("{folder}/");
        let items = self.items();
        let inside = items.keys().filter_map(|name| name.strip_prefix(&prefix));
        let mut names: Vec<String> = inside
            .filter_map(|name| name.split('/').next().map(str::to_owned))
            .collect();
        names.dedup();
        Ok(names)
    }

    async fn get(&self, name: &str, _most: usize) -> Result<Option<Vec<u8>>> {
        Ok(self.items().get(name).cloned())
    }

    async fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let mut items = self.items();
        if items.get(name).is_some_and(|held| held != bytes) {
            let key = name.to_owned();
            return Err(GroupError::Taken { key }.into());
        }
        items.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }
}

/// A group whose admin lets people in without miners: the tests open doors by the labels' keys.
struct Scene {
    world: World,
    line: GroupLine,
    store: MemoryStore,
    now: u64,
}

impl Scene {
    async fn new() -> Self {
        Self::with(World::new(0).await).await
    }

    async fn with(world: World) -> Self {
        let store = MemoryStore::default();
        let made = create_group(&world.keys, "team", "alice", &store, 1_000);
        let (line, _) = made.await.unwrap();
        Self {
            world,
            line,
            store,
            now: 1_000,
        }
    }

    fn admin(&self) -> Admin<'_> {
        Admin {
            owner: self.world.hasty_owner(),
            keys: &self.world.keys,
            line: &self.line,
            store: &self.store,
            seen: None,
            now: self.now,
        }
    }

    async fn as_admin(&self) -> Channel {
        self.admin().open().await.unwrap()
    }

    /// Begins an epoch one hour later; returns its number.
    async fn begin(&mut self, change: Change) -> u64 {
        self.now += 3_600;
        let admin = self.admin();
        let channel = admin.open().await.unwrap();
        admin.begin_epoch(&channel, change).await.unwrap().number
    }

    /// Lets a device in from an epoch on; the next one, if none is given.
    async fn enter(&mut self, name: &str, key: &ReaderKey, from: Option<u64>) -> u64 {
        let next = self.as_admin().await.seen().number + 1;
        let from = from.unwrap_or(next);
        let member = Member {
            name: name.to_owned(),
            key: key.receiving_key(),
            door: Some(from),
        };
        let change = Change {
            added: vec![member],
            ..Change::default()
        };
        self.begin(change).await;
        from
    }

    async fn leave(&mut self, key: &ReaderKey) -> u64 {
        let change = Change {
            removed: vec![key.receiving_key()],
            ..Change::default()
        };
        self.begin(change).await
    }

    /// Opens the group by the newest capsule of a door, as the miners of a grant would.
    async fn by_door(&self, key: &ReaderKey, from: u64) -> Channel {
        self.by_door_in(&self.store, key, from).await
    }

    async fn by_door_in(&self, store: &MemoryStore, key: &ReaderKey, from: u64) -> Channel {
        let ledger = Ledger::read(&self.line, store, None).await.unwrap();
        let id = hex::encode(&self.line.id().0[..8]);
        let label = Label::new(&format!("group/team/{id}/{from}")).unwrap();
        let delegating = self.world.keys.delegating(&label).unwrap();
        let door = delegating.public_key();
        let entries = ledger
            .records()
            .iter()
            .rev()
            .flat_map(|record| &record.doors);
        let entry = entries.into_iter().find(|entry| entry.key == door).unwrap();
        let capsule = Capsule::from_bytes(&entry.capsule).unwrap();
        let shared = umbral::decapsulate_original(&delegating, &capsule).unwrap();
        let behind = entry.enter(&ledger.id, &shared).unwrap().unwrap();
        let keys = descend(&ledger, &door, entry.top, behind).unwrap();
        let epochs = open_epochs(&ledger, &keys).unwrap();
        Channel::new(ledger, epochs, std::slice::from_ref(key)).unwrap()
    }

    async fn post(&self, channel: &mut Channel, text: &str) -> Message {
        let posted = channel.post(&self.store, text.as_bytes(), self.now);
        posted.await.unwrap()
    }
}

/// The texts of a timeline, in order.
fn texts(timeline: &Timeline) -> Vec<String> {
    let text = |entry: &Entry| String::from_utf8(entry.message.text.clone()).unwrap();
    timeline.entries.iter().map(text).collect()
}

fn codes(timeline: &Timeline) -> Vec<&'static str> {
    timeline
        .findings
        .iter()
        .map(|finding| finding.code)
        .collect()
}

fn device() -> ReaderKey {
    ReaderKey::random().unwrap()
}
