//! Begins an epoch: makes the record, with the sheet for its members and a capsule for each door in
//! use. Neighbour: `admin` has granted and revoked before.

use std::collections::BTreeSet;

use kms_protocol::B256;
use umbral::PublicKey;

use super::admin::{Admin, History};
use super::channel::Channel;
use super::door::{Door, Place};
use super::epochs::{door_secret, epoch_key, mailboxes};
use super::error::GroupError;
use super::ledger::{Ledger, Seen};
use super::record::Draft;
use super::sheet::{Member, Sheet};
use super::store::{messages, put_record};
use crate::error::{Error, Result};
use kms_core::label::Label;

/// The epochs that a door leads to.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    pub(super) from: u64,
    pub(super) top: u64,
    /// Whether the door leads no further when more epochs begin.
    pub(super) is_window: bool,
}

/// The record that is being made.
struct Beginning {
    number: u64,
    nonce: B256,
}

/// What differs in the next record.
#[derive(Default)]
pub(super) struct Change {
    pub(super) added: Vec<Member>,
    pub(super) removed: Vec<PublicKey>,
    pub(super) window: Option<Reach>,
}

impl Admin<'_> {
    /// The label of a door: another one for another group of the same name.
    pub(super) fn door_label(&self, reach: Reach) -> Result<Label> {
        let id = self.line.id();
        let id = hex::encode(id.0.first_chunk::<8>().unwrap_or(&[0; 8]));
        let name = self.line.name();
        let (from, top) = (reach.from, reach.top);
        Ok(Label::new(&match reach.is_window {
            false => format!("group/{name}/{id}/{from}"),
            true => format!("group/{name}/{id}/{from}-{top}"),
        })?)
    }

    pub(super) async fn begin_epoch(&self, channel: &Channel, change: Change) -> Result<Seen> {
        let ledger = &channel.ledger;
        let (last, group) = (ledger.newest(), ledger.id);
        let number = last.number.saturating_add(1);
        let beginning = Beginning {
            number,
            nonce: B256::random()?,
        };
        let key = epoch_key(self.keys, &group, number, &beginning.nonce)?;
        let timeline = channel.judge(&messages(self.store).await?);
        let before = channel.epochs.get(&last.number);
        let before = &before.ok_or(Error::Bug("an admin opens all"))?.sheet;
        let mut members = before.members.clone();
        members.retain(|member| !change.removed.contains(&member.key));
        members.extend(change.added);
        let sheet = Sheet {
            mailboxes: mailboxes(self.keys, &group)?,
            order: timeline
                .position()
                .map_or(0, |newest| newest.order)
                .max(before.order),
            heads: timeline.heads(&before.heads),
            members,
        };
        let mut doors = Vec::new();
        let open: BTreeSet<u64> = sheet
            .members
            .iter()
            .filter_map(|member| member.door)
            .collect();
        for from in open {
            doors.push(self.door(ledger, Reach::onwards(from, number), &beginning)?);
        }
        if let Some(window) = change.window {
            doors.push(self.door(ledger, window, &beginning)?);
        }
        let draft = Draft {
            number,
            previous: last.hash,
            begins: self
                .now
                .max(ledger.record(last.number).map_or(0, |record| record.begins)),
            nonce: beginning.nonce,
            doors,
            sheet: sheet.seal(&group, number, &key)?,
        };
        let signer = self.keys.group_signer(self.line.name())?;
        put_record(self.store, number, &draft.signed(&group, &signer)?).await?;
        Ok(Ledger::read(self.line, self.store, Some(last))
            .await?
            .newest())
    }

    /// Makes a door that leads from epoch `top` down to `from`. Where the record before has the
    /// same door, its links go on from there; else all of them are made here.
    fn door(&self, ledger: &Ledger, reach: Reach, beginning: &Beginning) -> Result<Door> {
        let Reach { from, top, .. } = reach;
        let key = self.keys.label_key(&self.door_label(reach)?)?;
        let group = &ledger.id;
        let before = top.checked_sub(1).and_then(|before| ledger.record(before));
        let goes_on = before.is_some_and(|record| record.doors.iter().any(|door| door.key == key));
        let lowest = match goes_on {
            true => top.saturating_sub(1).max(from),
            false => from,
        };
        let mut keys = Vec::new();
        for epoch in (lowest..=top).rev() {
            let nonce = match epoch == beginning.number {
                true => &beginning.nonce,
                false => {
                    let record = ledger.record(epoch);
                    &record.ok_or(Error::Bug("a door leads to records"))?.nonce
                }
            };
            keys.push(epoch_key(self.keys, group, epoch, nonce)?);
        }
        let place = Place {
            group,
            from,
            top,
            key: &key,
        };
        Door::make(&place, &door_secret(self.keys, group, &key)?, &keys)
    }
}

impl Reach {
    pub(super) const fn onwards(from: u64, top: u64) -> Self {
        Self {
            from,
            top,
            is_window: false,
        }
    }
}

/// The epochs that somebody is let into; `next` is the number of the one that will begin.
pub(super) fn reach(channel: &Channel, history: History, next: u64) -> Result<Reach> {
    let records = channel.ledger.records();
    let first_since = |time: u64| {
        let first = records.iter().find(|record| record.begins >= time);
        first.map(|record| record.number)
    };
    match history {
        History::FromNow => Ok(Reach::onwards(next, next)),
        History::Since(time) => Ok(Reach::onwards(first_since(time).unwrap_or(next), next)),
        History::Window(since, until) => {
            let last = records.iter().rev().find(|record| record.begins < until);
            let from = first_since(since).ok_or(GroupError::WindowEmpty)?;
            let top = last.map(|record| record.number).filter(|top| *top >= from);
            Ok(Reach {
                from,
                top: top.ok_or(GroupError::WindowEmpty)?,
                is_window: true,
            })
        }
    }
}
