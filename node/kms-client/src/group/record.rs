//! A record: what the admin publishes when an epoch begins. Records form a chain, each signed and
//! bound to the one before it. Everybody can check the chain; the sheet is for members.

use kms_protocol::{B256, keccak256};
use umbral::{Signature, Signer, VerifyingKey};

use super::bytes::{Bytes, put_count};
use super::door::Door;
use super::error::GroupError;
use crate::error::{Error, Result};

const VERSION: u8 = 1;
const SIGNED_TAG: &[u8] = b"KMS group record v1";
/// Longest record that is read: far above that of 4,000 members.
pub(super) const RECORD_BYTES_MAX: usize = 4 << 20;

/// The beginning of an epoch.
///
/// | bytes | field |
/// |---|---|
/// | 1 | version = 1 |
/// | 32 | id of the group |
/// | 8 | number, which is the epoch's |
/// | 32 | hash of the record before; zeros for the first |
/// | 8 | when the epoch begins, seconds since 1970 by the admin's clock |
/// | 32 | nonce, from which the admin's seed makes the epoch's key |
/// | 4, then each | doors (see `door`) |
/// | 4, then so many | sealed sheet (see `sheet`) |
/// | 64 | the admin's signature over all of it, behind a tag |
pub(crate) struct Record {
    pub(super) number: u64,
    pub(super) previous: B256,
    pub(super) begins: u64,
    pub(super) nonce: B256,
    pub(super) doors: Vec<Door>,
    pub(super) sheet: Vec<u8>,
    /// Of the whole record with its signature: what the next one names.
    pub(super) hash: B256,
}

/// What a record says before it is signed.
pub(super) struct Draft {
    pub(super) number: u64,
    pub(super) previous: B256,
    pub(super) begins: u64,
    pub(super) nonce: B256,
    pub(super) doors: Vec<Door>,
    pub(super) sheet: Vec<u8>,
}

impl Draft {
    /// Encodes the record and signs it.
    pub(super) fn signed(&self, group: &B256, admin: &Signer) -> Result<Vec<u8>> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&group.0);
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&self.previous.0);
        out.extend_from_slice(&self.begins.to_be_bytes());
        out.extend_from_slice(&self.nonce.0);
        put_count(&mut out, self.doors.len());
        self.doors.iter().for_each(|door| door.encode(&mut out));
        put_count(&mut out, self.sheet.len());
        out.extend_from_slice(&self.sheet);
        let message = [SIGNED_TAG, &out].concat();
        let signature = admin.sign(&mut getrandom::SysRng, &message)?;
        out.extend_from_slice(&signature.to_bytes());
        if out.len() > RECORD_BYTES_MAX {
            return Err(Error::Group(GroupError::TooLong {
                what: "a record",
                bytes: out.len(),
                most: RECORD_BYTES_MAX,
            }));
        }
        Ok(out)
    }
}

impl Record {
    /// Reads record `number` of the group and verifies its signature.
    pub(super) fn read(
        bytes: &[u8],
        number: u64,
        group: &B256,
        admin: &VerifyingKey,
    ) -> Result<Self, GroupError> {
        let wrong = |why| GroupError::RecordInvalid { number, why };
        let (body, signature) = bytes
            .split_last_chunk::<64>()
            .ok_or(wrong("it is too short"))?;
        let signature =
            Signature::from_bytes(signature).map_err(|_| wrong("its signature is malformed"))?;
        admin
            .verify(&[SIGNED_TAG, body].concat(), &signature)
            .map_err(|_| wrong("the admin did not sign it"))?;
        let (of, record) = Self::decode(body, keccak256(bytes)).ok_or(wrong("it is malformed"))?;
        if of != *group {
            return Err(wrong("it is another group's"));
        }
        if record.number != number {
            return Err(wrong("it stands at another record's place"));
        }
        Ok(record)
    }

    fn decode(body: &[u8], hash: B256) -> Option<(B256, Self)> {
        let mut bytes = Bytes::new(body);
        if bytes.u8()? != VERSION {
            return None;
        }
        let group = bytes.hash()?;
        let (number, previous) = (bytes.u64()?, bytes.hash()?);
        let (begins, nonce) = (bytes.u64()?, bytes.hash()?);
        let doors = bytes.count()?;
        let doors = (0..doors).map(|_| Door::decode(&mut bytes));
        let doors = doors.collect::<Option<Vec<_>>>()?;
        let length = bytes.count()?;
        let sheet = bytes.take(length)?.to_vec();
        bytes.end()?;
        let record = Self {
            number,
            previous,
            begins,
            nonce,
            doors,
            sheet,
            hash,
        };
        Some((group, record))
    }
}
