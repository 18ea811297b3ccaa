//! The sheet: what the admin tells the members in each record, sealed under the epoch's key: who
//! may write, where their messages lie, and how far everybody's had come. A member who reads from
//! this epoch on needs no earlier one to check what follows.

use kms_protocol::{B256, keccak256};
use umbral::PublicKey;

use super::bytes::{Bytes, put_count, put_name};
use super::cipher::Key;
use crate::error::Result;

const PURPOSE: &[u8] = b"kms/v1/group/sheet";
const MAILBOX_TAG: &[u8] = b"KMS group mailbox v1";
/// Marks a member who needs no door.
const NO_DOOR: u64 = u64::MAX;

/// A device of a member: one name may have several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The name that the admin gave.
    pub name: String,
    /// The key that is granted to, and that signs what the device writes.
    pub key: PublicKey,
    /// First epoch that the device may read; `None` for the admin's own, which reads all.
    pub door: Option<u64>,
}

/// A writer's last message, as the admin saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(super) writer: PublicKey,
    pub(super) number: u64,
    pub(super) hash: B256,
}

/// What members are told when an epoch begins.
///
/// | bytes | field |
/// |---|---|
/// | 32 | secret from which the names of mailboxes are made |
/// | 8 | the highest place in the order that the admin had seen |
/// | 4, then each | members: name (1, then so many), key 33, door 8 (2^64 - 1: the admin's) |
/// | 4, then each | heads: key 33, number of the writer's last message 8, its hash 32 |
pub(crate) struct Sheet {
    pub(super) mailboxes: Key,
    pub(super) order: u64,
    pub(super) members: Vec<Member>,
    /// Of the members, and of those who were removed when the epoch began.
    pub(super) heads: Vec<Head>,
}

impl Sheet {
    pub(super) fn member(&self, key: &PublicKey) -> Option<&Member> {
        self.members.iter().find(|member| member.key == *key)
    }

    pub(super) fn head(&self, writer: &PublicKey) -> Option<&Head> {
        self.heads.iter().find(|head| head.writer == *writer)
    }

    /// The name of a writer's mailbox, which tells nothing to those outside the group.
    pub(super) fn mailbox(&self, writer: &PublicKey) -> String {
        let named = [MAILBOX_TAG, self.mailboxes.expose(), &writer.to_bytes()].concat();
        let hash = keccak256(&named);
        hex::encode(hash.0.first_chunk::<16>().unwrap_or(&[0; 16]))
    }

    pub(super) fn seal(&self, group: &B256, number: u64, epoch: &Key) -> Result<Vec<u8>> {
        let mut plain = self.mailboxes.expose().to_vec();
        plain.extend_from_slice(&self.order.to_be_bytes());
        put_count(&mut plain, self.members.len());
        for member in &self.members {
            put_name(&mut plain, &member.name);
            plain.extend_from_slice(&member.key.to_bytes());
            plain.extend_from_slice(&member.door.unwrap_or(NO_DOOR).to_be_bytes());
        }
        put_count(&mut plain, self.heads.len());
        for head in &self.heads {
            plain.extend_from_slice(&head.writer.to_bytes());
            plain.extend_from_slice(&head.number.to_be_bytes());
            plain.extend_from_slice(&head.hash.0);
        }
        let place = [&group.0[..], &number.to_be_bytes()];
        epoch.cipher(PURPOSE)?.seal(&place, &plain)
    }

    /// Opens the sheet of record `number`; `None` under another key or for another place.
    pub(super) fn open(
        sealed: &[u8],
        group: &B256,
        number: u64,
        epoch: &Key,
    ) -> Result<Option<Self>> {
        let place = [&group.0[..], &number.to_be_bytes()];
        let plain = epoch.cipher(PURPOSE)?.open(&place, sealed);
        Ok(plain.and_then(|plain| Self::decode(&plain)))
    }

    fn decode(plain: &[u8]) -> Option<Self> {
        let mut bytes = Bytes::new(plain);
        let mailboxes = Key::from_slice(bytes.take(Key::BYTES)?)?;
        let order = bytes.u64()?;
        let members = bytes.count()?;
        let members = (0..members).map(|_| {
            Some(Member {
                name: bytes.name()?,
                key: bytes.key()?,
                door: bytes.u64().map(|door| (door != NO_DOOR).then_some(door))?,
            })
        });
        let members = members.collect::<Option<Vec<_>>>()?;
        let heads = bytes.count()?;
        let heads = (0..heads).map(|_| {
            Some(Head {
                writer: bytes.key()?,
                number: bytes.u64()?,
                hash: bytes.hash()?,
            })
        });
        let heads = heads.collect::<Option<Vec<_>>>()?;
        bytes.end()?;
        Some(Self {
            mailboxes,
            order,
            members,
            heads,
        })
    }
}
