//! What a reader sees of a group: the messages that its epochs open, each proved to be its
//! writer's, in one order that is the same for all; and what is wrong with the store: forged,
//! doubled and misplaced messages, gaps, forks, and what a removed member added. Pure.
//!
//! The order: by place, then by writer. A message's place is above that of the newest one that its
//! writer had seen, so that an answer never stands before its question.

mod chains;
mod finding;

use std::collections::{BTreeMap, BTreeSet};

use kms_protocol::B256;
use serde::{Deserialize, Serialize};

use super::epochs::{Epoch, Epochs};
use super::message::{Message, outside};
use super::sheet::Head;
use super::store::Stored;

pub use finding::Finding;

/// How far somebody has read: what the next message comes after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Place of the newest message in the order.
    pub order: u64,
    /// Its hash.
    pub hash: B256,
}

/// A message that its writer signed as a member, at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The message.
    pub message: Message,
    /// What later messages name it by.
    pub hash: B256,
    /// The writer's name in the epoch of the message.
    pub name: String,
}

/// What can be read of a group.
#[derive(Debug, Default)]
pub struct Timeline {
    /// The messages, in order.
    pub entries: Vec<Entry>,
    /// What is wrong with the store, by kind.
    pub findings: Vec<Finding>,
    /// Messages of epochs that are closed to this reader.
    pub closed: usize,
}

/// The messages of one writer, by number.
type Chain = BTreeMap<u64, Entry>;

/// What the store holds, sorted.
struct Sorted {
    chains: BTreeMap<[u8; 33], Chain>,
    /// Numbers of a mailbox that lie in epochs closed to the reader.
    closed: BTreeMap<String, BTreeSet<u64>>,
    findings: Vec<Finding>,
}

impl Timeline {
    /// Judges what the store holds. `newest` is the number of the newest record.
    pub(super) fn of(group: &B256, epochs: &Epochs, newest: u64, stored: &[Stored]) -> Self {
        let mut sorted = Sorted {
            chains: BTreeMap::new(),
            closed: BTreeMap::new(),
            findings: Vec::new(),
        };
        for item in stored {
            sorted.take(group, epochs, newest, item);
        }
        let mut findings = std::mem::take(&mut sorted.findings);
        findings.extend(chains::faults(epochs, &sorted));
        findings.extend(chains::unseen(epochs, &sorted));
        findings.sort();
        let closed = sorted.closed.values().map(BTreeSet::len).sum();
        let chains = sorted.chains.into_values();
        let mut entries: Vec<Entry> = chains.flat_map(BTreeMap::into_values).collect();
        entries.sort_by_key(|entry| (entry.message.order, entry.message.writer.to_bytes()));
        Self {
            entries,
            findings,
            closed,
        }
    }

    /// The newest message; `None` before the first.
    pub fn position(&self) -> Option<Position> {
        self.entries.last().map(|entry| Position {
            order: entry.message.order,
            hash: entry.hash,
        })
    }

    /// How far each writer has come, of those in `before` or the timeline: never back.
    pub(super) fn heads(&self, before: &[Head]) -> Vec<Head> {
        let mut heads: BTreeMap<[u8; 33], Head> = BTreeMap::new();
        let seen = self.entries.iter().map(|entry| Head {
            writer: entry.message.writer,
            number: entry.message.number,
            hash: entry.hash,
        });
        for head in before.iter().copied().chain(seen) {
            let newest = heads.entry(head.writer.to_bytes()).or_insert(head);
            if head.number > newest.number {
                *newest = head;
            }
        }
        heads.into_values().collect()
    }
}

impl Sorted {
    fn take(&mut self, group: &B256, epochs: &Epochs, newest: u64, item: &Stored) {
        let Some((number, _)) = outside(&item.bytes) else {
            return self.findings.push(Finding::forged(item));
        };
        let Some(epoch) = epochs.get(&number) else {
            match number > newest {
                true => self.findings.push(Finding::forged(item)),
                false => {
                    let numbers = self.closed.entry(item.mailbox.clone()).or_default();
                    numbers.insert(item.number);
                }
            }
            return;
        };
        match judge(group, epochs, epoch, item) {
            Ok(entry) => {
                let chain = self.chains.entry(entry.message.writer.to_bytes());
                chain.or_default().insert(item.number, entry);
            }
            Err(finding) => self.findings.push(finding),
        }
    }
}

/// Judges one message by itself and by the sheets.
fn judge(group: &B256, epochs: &Epochs, epoch: &Epoch, item: &Stored) -> Result<Entry, Finding> {
    let sheet = &epoch.sheet;
    let message = epoch.sealer.open(&item.bytes);
    let message = message.ok_or_else(|| Finding::forged(item))?;
    let writer = &message.writer;
    let member = sheet.member(writer);
    let name = member.ok_or_else(|| Finding::foreign(item))?.name.clone();
    if sheet.mailbox(writer) != item.mailbox || message.number != item.number {
        return Err(Finding::misplaced(item, &name));
    }
    let passed = sheet
        .head(writer)
        .is_some_and(|head| message.number <= head.number);
    if passed || message.order <= sheet.order {
        return Err(Finding::backdated(item, &name));
    }
    let later = epochs.range(message.epoch..).skip(1);
    let mut without = later.filter(|(_, epoch)| epoch.sheet.member(writer).is_none());
    if let Some((_, removed)) = without.next() {
        let head = removed.sheet.head(writer);
        if head.is_none_or(|head| message.number > head.number) {
            return Err(Finding::after_removal(item, &name));
        }
    }
    let hash = message.hash(group);
    Ok(Entry {
        message,
        hash,
        name,
    })
}
