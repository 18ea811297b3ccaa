//! A group as one of its people has it open: the epochs that the admin's seed or a member's doors
//! lead to, in memory and nowhere else. Opening costs a member one re-encryption, whatever the
//! number of epochs; reading and posting cost none.
//! Neighbours: `ledger` verifies the records, `epochs` follows the links, `timeline` the messages.

use std::collections::BTreeMap;

use kms_protocol::{B256, FixedBytes};
use umbral::{PublicKey, Signer};

use super::epochs::{Epoch, Epochs, all_keys, descend, open_epochs};
use super::error::GroupError;
use super::ledger::{Ledger, Seen};
use super::line::GroupLine;
use super::message::Message;
use super::sheet::Member;
use super::store::{GroupStore, Stored, last_message, messages, put_message};
use super::timeline::{Position, Timeline};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::reader::Reader;
use kms_core::keys::{OwnerKeys, ReaderKey};

/// A group that is open. Erased when dropped.
pub struct Channel {
    pub(super) ledger: Ledger,
    pub(super) epochs: Epochs,
    writer: Option<Writer>,
    newest: Option<Position>,
}

/// A device of this home that is a member of the newest epoch.
struct Writer {
    key: PublicKey,
    signer: Signer,
    /// Number, hash and place of its last message, once known.
    last: Option<(u64, B256, u64)>,
    /// Whether the store was asked for it.
    is_known: bool,
}

/// One epoch, for `kms group log`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochSummary {
    /// Its number, which is its record's.
    pub number: u64,
    /// When it began, by the admin's clock.
    pub begins: u64,
    /// Whether its messages can be read here.
    pub is_open: bool,
    /// Number of doors in its record: of capsules that the admin had to make.
    pub doors: usize,
    /// Its members, if it is open.
    pub members: Vec<Member>,
}

impl Channel {
    /// Whether these keys are the admin's of the group.
    ///
    /// # Errors
    /// None in practice.
    pub fn is_admin(line: &GroupLine, keys: &OwnerKeys) -> Result<bool> {
        Ok(keys.group_signer(line.name())?.verifying_key() == *line.admin())
    }

    /// Opens the group as its admin, by the seed alone.
    ///
    /// # Errors
    /// [`GroupError`] in [`Error::Group`], [`Error::Io`].
    pub async fn open_as_admin(
        line: &GroupLine,
        store: &dyn GroupStore,
        seen: Option<Seen>,
        keys: &OwnerKeys,
    ) -> Result<Self> {
        if !Self::is_admin(line, keys)? {
            let name = line.name().to_owned();
            return Err(GroupError::NotAdmin { name }.into());
        }
        let ledger = Ledger::read(line, store, seen).await?;
        let epochs = open_epochs(&ledger, &all_keys(keys, &ledger)?)?;
        Self::new(ledger, epochs, &[keys.reader(0)?])
    }

    /// Opens the group as a member: finds the doors that were granted, and has the newest capsule
    /// of each re-encrypted.
    ///
    /// # Errors
    /// As [`Reader::open`], of the door that came nearest; [`GroupError`] in [`Error::Group`].
    pub async fn open(
        line: &GroupLine,
        store: &dyn GroupStore,
        seen: Option<Seen>,
        reader: &Reader<'_>,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let ledger = Ledger::read(line, store, seen).await?;
        let mut keys = BTreeMap::new();
        let mut refused: Option<Error> = None;
        for (door, number) in newest_doors(&ledger) {
            let record = ledger.record(number);
            let entry = record.and_then(|record| record.doors.iter().find(|d| d.key == door));
            let entry = entry.ok_or(Error::Bug("a door was found in its record"))?;
            let capsule = [FixedBytes(entry.capsule)];
            let opened = match reader.open(&door, &capsule, progress).await {
                Ok(mut opened) => opened.pop(),
                Err(error @ Error::Chain(_)) => return Err(error),
                Err(error) => {
                    let none = |error: &Error| matches!(error, Error::NoPolicy { .. });
                    refused = match refused {
                        Some(before) if none(&error) => Some(before),
                        _ => Some(error),
                    };
                    continue;
                }
            };
            let epoch = entry.top;
            let shared = opened.ok_or(Error::Bug("one secret per capsule"))??;
            let behind = entry.enter(&ledger.id, &shared)?;
            let behind = behind.ok_or(GroupError::DoorBroken { epoch })?;
            keys.extend(descend(&ledger, &door, epoch, behind)?);
        }
        if keys.is_empty() {
            let nobody = Error::Group(GroupError::NotMember);
            return Err(refused.unwrap_or(nobody));
        }
        let epochs = open_epochs(&ledger, &keys)?;
        Self::new(ledger, epochs, reader.keys())
    }

    pub(super) fn new(ledger: Ledger, epochs: Epochs, keys: &[ReaderKey]) -> Result<Self> {
        let newest = epochs.get(&ledger.newest().number);
        let member = |key: &&ReaderKey| {
            newest.is_some_and(|epoch| epoch.sheet.member(&key.receiving_key()).is_some())
        };
        let writer = keys.iter().find(member).map(|key| {
            Ok::<_, Error>(Writer {
                key: key.receiving_key(),
                signer: key.signer()?,
                last: None,
                is_known: false,
            })
        });
        Ok(Self {
            writer: writer.transpose()?,
            ledger,
            epochs,
            newest: None,
        })
    }

    /// Takes up where somebody had read to, so that a post needs no reading before.
    pub fn resume_at(&mut self, position: Option<Position>) {
        self.newest = position.max_by_order(self.newest);
    }

    /// The newest record, to be remembered: a store that ends before it is refused.
    pub const fn seen(&self) -> Seen {
        self.ledger.newest()
    }

    /// The newest message read or posted.
    pub const fn position(&self) -> Option<Position> {
        self.newest
    }

    /// Every epoch of the group.
    pub fn epochs(&self) -> Vec<EpochSummary> {
        let summary = |record: &super::record::Record| {
            let open = self.epochs.get(&record.number);
            EpochSummary {
                number: record.number,
                begins: record.begins,
                is_open: open.is_some(),
                doors: record.doors.len(),
                members: open.map_or_else(Vec::new, |epoch| epoch.sheet.members.clone()),
            }
        };
        self.ledger.records().iter().map(summary).collect()
    }

    /// Reads every message of the open epochs.
    ///
    /// # Errors
    /// Those of the store. What is wrong with its messages is in the timeline.
    pub async fn read(&mut self, store: &dyn GroupStore) -> Result<Timeline> {
        let stored = messages(store).await?;
        let timeline = self.judge(&stored);
        self.newest = timeline.position().max_by_order(self.newest);
        Ok(timeline)
    }

    pub(super) fn judge(&self, stored: &[Stored]) -> Timeline {
        Timeline::of(&self.ledger.id, &self.epochs, self.seen().number, stored)
    }

    /// Posts a message in the newest epoch: one item in the store, whatever the number of readers.
    ///
    /// # Errors
    /// [`GroupError::NotMember`], [`GroupError::TooLong`], [`GroupError::Taken`] if the same device
    /// posts from elsewhere at the same time.
    pub async fn post(
        &mut self,
        store: &dyn GroupStore,
        text: &[u8],
        time: u64,
    ) -> Result<Message> {
        let number = self.ledger.newest().number;
        let epoch = self.epochs.get(&number).ok_or(GroupError::NotMember)?;
        let writer = self.writer.as_mut().ok_or(GroupError::NotMember)?;
        let mailbox = epoch.sheet.mailbox(&writer.key);
        if !writer.is_known {
            let stored = last_message(store, &mailbox).await?;
            writer.last = last_of(&self.epochs, &self.ledger.id, writer.key, stored)?;
            writer.is_known = true;
        }
        let last = writer.last;
        let own = last.map(|(_, hash, order)| Position { order, hash });
        let newest = own.max_by_order(self.newest);
        let above = newest
            .map_or(0, |newest| newest.order)
            .max(epoch.sheet.order);
        let message = Message {
            epoch: number,
            writer: writer.key,
            number: last.map_or(0, |(number, ..)| number.saturating_add(1)),
            previous: last.map_or(B256::ZERO, |(_, hash, _)| hash),
            after: newest.map_or(B256::ZERO, |newest| newest.hash),
            order: above.saturating_add(1),
            time,
            text: text.to_vec(),
        };
        let stored = Stored {
            mailbox,
            number: message.number,
            bytes: epoch.sealer.seal(&message, &writer.signer)?,
        };
        put_message(store, &stored).await?;
        let (hash, order) = (message.hash(&self.ledger.id), message.order);
        writer.last = Some((message.number, hash, order));
        self.newest = Some(Position { order, hash });
        Ok(message)
    }
}

/// Takes the later of two positions.
trait Later {
    fn max_by_order(self, other: Self) -> Self;
}

impl Later for Option<Position> {
    fn max_by_order(self, other: Self) -> Self {
        match (self, other) {
            (Some(one), Some(other)) if other.order > one.order => Some(other),
            (one, other) => one.or(other),
        }
    }
}

/// Number, hash and place of a device's last message: from the store, or from the newest sheet.
fn last_of(
    epochs: &Epochs,
    group: &B256,
    writer: PublicKey,
    stored: Option<Stored>,
) -> Result<Option<(u64, B256, u64)>> {
    let newest: Option<&Epoch> = epochs.values().next_back();
    let head = newest.and_then(|epoch| epoch.sheet.head(&writer));
    let head = head.map(|head| (head.number, head.hash, 0));
    let Some(stored) = stored else {
        return Ok(head);
    };
    let opened = epochs
        .values()
        .rev()
        .find_map(|epoch| epoch.sealer.open(&stored.bytes));
    match opened.filter(|message| message.writer == writer && message.number == stored.number) {
        Some(message) => Ok(Some((message.number, message.hash(group), message.order))),
        None if head.is_some_and(|(number, ..)| number == stored.number) => Ok(head),
        None => Err(GroupError::OwnMessageSealed {
            number: stored.number,
        }
        .into()),
    }
}

/// Every door, with the newest record that it stands in; newest first.
fn newest_doors(ledger: &Ledger) -> Vec<(PublicKey, u64)> {
    let mut doors: Vec<(PublicKey, u64)> = Vec::new();
    for record in ledger.records().iter().rev() {
        for door in &record.doors {
            if doors.iter().all(|(known, _)| *known != door.key) {
                doors.push((door.key, record.number));
            }
        }
    }
    doors
}
