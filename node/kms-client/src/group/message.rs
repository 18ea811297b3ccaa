//! A message: signed by its writer's key, then sealed under the key of its epoch, for all readers
//! at once. It names the writer's message before it and the newest one the writer had seen, so that
//! a message that is held back, doubled or replaced shows.

use kms_protocol::{B256, keccak256};
use umbral::{PublicKey, Signature, Signer, VerifyingKey};

use super::bytes::Bytes;
use super::cipher::{Cipher, Key};
use super::error::GroupError;
use crate::error::{Error, Result};

const VERSION: u8 = 1;
const PURPOSE: &[u8] = b"kms/v1/group/message";
const TAG: &[u8] = b"KMS group message v1";
/// Longest text of a message.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Longest message as it is stored.
pub(super) const MESSAGE_BYTES_MAX: usize = TEXT_BYTES_MAX + 1024;

/// One message of a writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The epoch under whose key it is sealed.
    pub epoch: u64,
    /// The writer's key.
    pub writer: PublicKey,
    /// Counts the writer's messages from 0.
    pub number: u64,
    /// Hash of the writer's message before it.
    pub previous: B256,
    /// Hash of the newest message that the writer had seen.
    pub after: B256,
    /// Place in the order: above that of every message the writer had seen.
    pub order: u64,
    /// Seconds since 1970 by the writer's clock.
    pub time: u64,
    /// What was written.
    pub text: Vec<u8>,
}

/// The key of an epoch, prepared for messages.
pub(super) struct Sealer {
    cipher: Cipher,
    group: B256,
    epoch: u64,
}

impl Sealer {
    pub(super) fn new(group: &B256, epoch: u64, key: &Key) -> Result<Self> {
        Ok(Self {
            cipher: key.cipher(PURPOSE)?,
            group: *group,
            epoch,
        })
    }

    /// Signs and seals a message of this epoch.
    ///
    /// | bytes | field |
    /// |---|---|
    /// | 1 | version = 1 |
    /// | 8 | epoch |
    /// | rest | sealed, as follows |
    ///
    /// | sealed | field |
    /// |---|---|
    /// | 33 | the writer's key |
    /// | 8 | number among the writer's messages |
    /// | 32 | hash of the writer's message before; zeros for the first |
    /// | 32 | hash of the newest message that the writer had seen; zeros if none |
    /// | 8 | place in the order |
    /// | 8 | seconds since 1970 by the writer's clock |
    /// | rest | text, then the signature, 64 |
    pub(super) fn seal(&self, message: &Message, writer: &Signer) -> Result<Vec<u8>> {
        if message.text.len() > TEXT_BYTES_MAX {
            return Err(Error::Group(GroupError::TooLong {
                what: "a message",
                bytes: message.text.len(),
                most: TEXT_BYTES_MAX,
            }));
        }
        let mut plain = message.body();
        let signed = signed(&self.group, self.epoch, &plain);
        let signature = writer.sign(&mut getrandom::SysRng, &signed)?;
        plain.extend_from_slice(&signature.to_bytes());
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.extend_from_slice(&self.cipher.seal(&self.place(), &plain)?);
        Ok(out)
    }

    /// Opens a message and verifies its signature; `None` for what no holder of the key wrote for
    /// this group and epoch, or its writer did not sign.
    pub(super) fn open(&self, stored: &[u8]) -> Option<Message> {
        let (epoch, sealed) = outside(stored)?;
        if epoch != self.epoch {
            return None;
        }
        let plain = self.cipher.open(&self.place(), sealed)?;
        let (body, signature) = plain.split_last_chunk::<64>()?;
        let message = Message::decode(epoch, body)?;
        let signature = Signature::from_bytes(signature).ok()?;
        let writer = VerifyingKey::from_bytes(&message.writer.to_bytes()).ok()?;
        let signed = signed(&self.group, epoch, body);
        writer.verify(&signed, &signature).ok()?;
        Some(message)
    }

    fn place(&self) -> [Vec<u8>; 2] {
        [self.group.0.to_vec(), self.epoch.to_be_bytes().to_vec()]
    }
}

/// The epoch that a stored message names, and the rest.
pub(super) fn outside(stored: &[u8]) -> Option<(u64, &[u8])> {
    let mut bytes = Bytes::new(stored);
    (bytes.u8()? == VERSION).then_some(())?;
    Some((bytes.u64()?, bytes.rest()))
}

fn signed(group: &B256, epoch: u64, body: &[u8]) -> Vec<u8> {
    [TAG, &group.0, &epoch.to_be_bytes(), body].concat()
}

impl Message {
    /// What later messages name it by: covers the group, the epoch and all that is sealed but the
    /// signature.
    pub(super) fn hash(&self, group: &B256) -> B256 {
        keccak256(&signed(group, self.epoch, &self.body()))
    }

    fn body(&self) -> Vec<u8> {
        let mut out = self.writer.to_bytes().to_vec();
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&self.previous.0);
        out.extend_from_slice(&self.after.0);
        out.extend_from_slice(&self.order.to_be_bytes());
        out.extend_from_slice(&self.time.to_be_bytes());
        out.extend_from_slice(&self.text);
        out
    }

    fn decode(epoch: u64, body: &[u8]) -> Option<Self> {
        let mut bytes = Bytes::new(body);
        Some(Self {
            epoch,
            writer: bytes.key()?,
            number: bytes.u64()?,
            previous: bytes.hash()?,
            after: bytes.hash()?,
            order: bytes.u64()?,
            time: bytes.u64()?,
            text: bytes.rest().to_vec(),
        })
    }
}
