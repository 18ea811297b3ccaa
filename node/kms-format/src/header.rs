//! The header: parsed strictly, kept as the bytes that were read, opened with a capsule's key.
//!
//! Every `Header` is well-formed and its keys are valid points; only `unlock` shows that it was not
//! changed.

use std::io::Read;

use umbral::{Capsule, PublicKey, SharedSecret};

use crate::chunk::read_full;
use crate::error::{Error, Result};
use crate::fields::{Locator, SealedName};
use crate::keys::{AccessKey, COMMITMENT_BYTES, DataKey, WRAPPED_BYTES};
use crate::spec::{
    CRITICAL, FIELD_CAPSULE, FIELD_COMMITMENT, FIELD_HEAD_BYTES, FIELD_LABEL_KEY, FIELD_LOCATOR,
    FIELD_SEALED_NAME, FIELD_WRAPPED_KEY, FIXED_BYTES, HEADER_BYTES_MAX, MAC_BYTES, MAGIC,
    PARAMETERS, SEALED_BYTES, SUITE_AES_256_GCM, TAG_BYTES, VERSION,
};
use crate::summary::Summary;

/// The header of one file, well-formed but not authenticated.
#[derive(Debug, Clone)]
pub struct Header {
    bytes: Vec<u8>,
    label_key: PublicKey,
    capsule: Capsule,
    wrapped: [u8; WRAPPED_BYTES],
    commitment: [u8; COMMITMENT_BYTES],
    sealed_name: Option<SealedName>,
    locator: Option<Locator>,
}

/// The fields of a new header.
pub(crate) struct Parts<'a> {
    pub(crate) label_key: &'a PublicKey,
    pub(crate) capsule: &'a Capsule,
    pub(crate) access: &'a AccessKey,
    pub(crate) sealed_name: Option<&'a SealedName>,
    pub(crate) locator: Option<Locator>,
}

impl Header {
    /// Reads a header and stops at its last byte.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::BadMagic`], [`Error::Truncated`], and the variants for what this
    /// program does not know or what FORMAT.md forbids.
    pub fn read<R: Read + ?Sized>(reader: &mut R) -> Result<Self> {
        let mut fixed = [0; FIXED_BYTES];
        let got = read_full(reader, &mut fixed)?;
        let seen = fixed.get(..got.min(MAGIC.len())).unwrap_or_default();
        if !MAGIC.starts_with(seen) {
            return Err(Error::BadMagic);
        }
        if got < FIXED_BYTES {
            return Err(Error::Truncated {
                offset: offset(got),
            });
        }
        let length = check_fixed(&fixed)?;
        let mut bytes = vec![0; length];
        let (head, rest) = bytes.split_at_mut(FIXED_BYTES);
        head.copy_from_slice(&fixed);
        let got = read_full(reader, rest)?;
        if got < rest.len() {
            return Err(Error::Truncated {
                offset: offset(FIXED_BYTES + got),
            });
        }
        Self::parse(bytes)
    }

    /// Parses a whole header, whose fixed part is checked and which has at least `FIXED_BYTES +
    /// MAC_BYTES`.
    fn parse(bytes: Vec<u8>) -> Result<Self> {
        let end = bytes.len().saturating_sub(MAC_BYTES);
        let mut rest = bytes.get(FIXED_BYTES..end).unwrap_or_default();
        let mut found = Found::default();
        let mut previous = 0;
        while !rest.is_empty() {
            let (field, value, tail) = split_field(rest)?;
            let number = field & !CRITICAL;
            if number <= previous {
                let problem = "fields are not in ascending order, each at most once";
                return Err(Error::HeaderMalformed { problem });
            }
            previous = number;
            found.take(field, value)?;
            rest = tail;
        }
        let missing = |problem| Error::HeaderMalformed { problem };
        Ok(Self {
            label_key: found.label_key.ok_or(missing("the label key is missing"))?,
            capsule: found.capsule.ok_or(missing("the capsule is missing"))?,
            wrapped: found
                .wrapped
                .ok_or(missing("the wrapped data key is missing"))?,
            commitment: found
                .commitment
                .ok_or(missing("the key commitment is missing"))?,
            sealed_name: found.sealed_name,
            locator: found.locator,
            bytes,
        })
    }

    /// Seals `data_key` into a new header.
    pub(crate) fn build(parts: &Parts<'_>, data_key: &DataKey) -> Result<Self> {
        let wrapped = parts.access.wrap(data_key)?;
        let mut fields = Vec::new();
        push(&mut fields, FIELD_LABEL_KEY, &parts.label_key.to_bytes())?;
        push(&mut fields, FIELD_CAPSULE, &parts.capsule.to_bytes())?;
        push(&mut fields, FIELD_WRAPPED_KEY, &wrapped)?;
        push(&mut fields, FIELD_COMMITMENT, parts.access.commitment())?;
        if let Some(name) = parts.sealed_name {
            push(&mut fields, FIELD_SEALED_NAME, name.as_bytes())?;
        }
        if let Some(locator) = parts.locator {
            push(&mut fields, FIELD_LOCATOR, &locator.to_bytes())?;
        }
        let length = u32::try_from(FIXED_BYTES + fields.len() + MAC_BYTES);
        let length = length.map_err(|_| Error::Bug("a header is short"))?;
        let mut bytes = Vec::with_capacity(FIXED_BYTES + fields.len() + MAC_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&PARAMETERS);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&fields);
        let mac = data_key.header_mac(&bytes)?;
        bytes.extend_from_slice(&mac);
        Ok(Self {
            bytes,
            label_key: *parts.label_key,
            capsule: parts.capsule.clone(),
            wrapped,
            commitment: *parts.access.commitment(),
            sealed_name: parts.sealed_name.cloned(),
            locator: parts.locator,
        })
    }

    /// The bytes of the header, as they are in the file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The capsule, from which miners make cfrags.
    pub fn capsule(&self) -> &Capsule {
        &self.capsule
    }

    /// The public key of the label the file was encrypted for.
    pub fn label_key(&self) -> &PublicKey {
        &self.label_key
    }

    /// The label's name, sealed by its owner, if the writer put one in.
    pub fn sealed_name(&self) -> Option<&SealedName> {
        self.sealed_name.as_ref()
    }

    /// The locator of the label's policies, if the writer put one in.
    pub fn locator(&self) -> Option<&Locator> {
        self.locator.as_ref()
    }

    /// Computes the sizes of a file of this length with this header, from the length alone; only
    /// the tags tell whether its chunks are the right ones.
    ///
    /// # Errors
    /// [`Error::Truncated`] for a length that no file has.
    pub fn layout(&self, file_bytes: u64) -> Result<Summary> {
        let sealed = offset(SEALED_BYTES);
        let tag = offset(TAG_BYTES);
        let header_bytes = offset(self.bytes.len());
        let body = file_bytes.saturating_sub(header_bytes);
        let (full, rest) = (body / sealed, body % sealed);
        let chunks = full.saturating_add(u64::from(rest > 0));
        let cut = body == 0 || (rest > 0 && (rest < tag || (rest == tag && full > 0)));
        if cut {
            return Err(Error::Truncated { offset: file_bytes });
        }
        let plaintext_bytes = body.saturating_sub(chunks.saturating_mul(tag));
        Ok(Summary {
            header_bytes,
            plaintext_bytes,
            file_bytes,
            chunks,
        })
    }

    /// Decrypts the data key and checks the whole header with it.
    ///
    /// # Errors
    /// [`Error::WrongKey`] if the secret is not this capsule's; [`Error::HeaderTampered`] if it
    /// is, and anything in the header was changed.
    pub fn unlock(&self, secret: &SharedSecret) -> Result<DataKey> {
        let access = AccessKey::new(secret.expose())?;
        let data_key = match (
            access.commits_to(&self.commitment),
            access.unwrap_key(&self.wrapped),
        ) {
            (true, Some(key)) => key,
            // One of the two holds, so the secret is right and the other field was changed.
            (true, None) | (false, Some(_)) => return Err(Error::HeaderTampered),
            (false, None) => return Err(Error::WrongKey),
        };
        let (head, mac) = self
            .bytes
            .split_at(self.bytes.len().saturating_sub(MAC_BYTES));
        if data_key.header_mac_holds(head, mac)? {
            Ok(data_key)
        } else {
            Err(Error::HeaderTampered)
        }
    }
}

/// Checks the fixed part; returns the length of the header.
fn check_fixed(fixed: &[u8; FIXED_BYTES]) -> Result<usize> {
    let [
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        version,
        suite,
        f0,
        f1,
        chunk,
        segment,
        r0,
        r1,
        l @ ..,
    ] = *fixed;
    if version != VERSION {
        return Err(Error::UnsupportedVersion { version });
    }
    let [.., chunk_log2, segment_log2, _, _] = PARAMETERS;
    let parameters: [(&'static str, u32, u32); 5] = [
        ("suite", suite.into(), SUITE_AES_256_GCM.into()),
        ("flags", u16::from_be_bytes([f0, f1]).into(), 0),
        ("chunk_log2", chunk.into(), chunk_log2.into()),
        ("segment_log2", segment.into(), segment_log2.into()),
        ("reserved", u16::from_be_bytes([r0, r1]).into(), 0),
    ];
    for (parameter, value, expected) in parameters {
        if value != expected {
            return Err(Error::UnsupportedParameter { parameter, value });
        }
    }
    match usize::try_from(u32::from_be_bytes(l)) {
        Ok(length) if (FIXED_BYTES + MAC_BYTES..=HEADER_BYTES_MAX).contains(&length) => Ok(length),
        _ => Err(Error::HeaderMalformed {
            problem: "header length out of range",
        }),
    }
}

/// Splits off the first field; returns type, value and rest.
fn split_field(bytes: &[u8]) -> Result<(u16, &[u8], &[u8])> {
    let cut = || Error::HeaderMalformed {
        problem: "a field reaches beyond the header",
    };
    let (head, rest) = bytes
        .split_first_chunk::<FIELD_HEAD_BYTES>()
        .ok_or_else(cut)?;
    let [t0, t1, l0, l1] = *head;
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    let (value, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
    Ok((u16::from_be_bytes([t0, t1]), value, rest))
}

fn push(out: &mut Vec<u8>, field: u16, value: &[u8]) -> Result<()> {
    let length = u16::try_from(value.len()).map_err(|_| Error::Bug("fields are short"))?;
    out.extend_from_slice(&field.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value);
    Ok(())
}

/// The fields read so far.
#[derive(Default)]
struct Found {
    label_key: Option<PublicKey>,
    capsule: Option<Capsule>,
    wrapped: Option<[u8; WRAPPED_BYTES]>,
    commitment: Option<[u8; COMMITMENT_BYTES]>,
    sealed_name: Option<SealedName>,
    locator: Option<Locator>,
}

impl Found {
    fn take(&mut self, field: u16, value: &[u8]) -> Result<()> {
        match field {
            FIELD_LABEL_KEY => {
                let key = PublicKey::from_bytes(exact(value)?);
                self.label_key = Some(key.map_err(invalid("label key"))?);
            }
            FIELD_CAPSULE => {
                let capsule = Capsule::from_bytes(exact(value)?);
                self.capsule = Some(capsule.map_err(invalid("capsule"))?);
            }
            FIELD_WRAPPED_KEY => self.wrapped = Some(*exact(value)?),
            FIELD_COMMITMENT => self.commitment = Some(*exact(value)?),
            FIELD_SEALED_NAME => self.sealed_name = Some(SealedName::from_bytes(value)?),
            FIELD_LOCATOR => self.locator = Some(Locator::from_bytes(exact(value)?)?),
            _ if is_known_number(field) => {
                let problem = "a known field with the wrong critical bit";
                return Err(Error::HeaderMalformed { problem });
            }
            _ if field & CRITICAL != 0 => return Err(Error::UnknownCriticalField { field }),
            _ => {}
        }
        Ok(())
    }
}

fn is_known_number(field: u16) -> bool {
    (1..=6).contains(&(field & !CRITICAL))
}

fn exact<const N: usize>(value: &[u8]) -> Result<&[u8; N]> {
    value.try_into().map_err(|_| Error::HeaderMalformed {
        problem: "a field has the wrong length",
    })
}

fn invalid(field: &'static str) -> impl Fn(umbral::Error) -> Error {
    move |source| Error::HeaderKeyInvalid { field, source }
}

/// Converts a count of bytes in memory to an offset in a file.
pub(crate) fn offset(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
