//! The header: parsed strictly, kept as the bytes that were read, opened with a capsule's key.
//!
//! Every `Header` is well-formed and its keys are valid points; only `unlock` shows that it was not
//! changed.

use std::io::{Read, Seek, SeekFrom};

use umbral::{Capsule, PublicKey, SharedSecret};

use crate::chunk::{offset, read_full};
use crate::end::End;
use crate::error::{Error, Result};
use crate::fields::{Locator, SealedName};
use crate::keys::{AccessKey, COMMITMENT_BYTES, DataKey, Unwrapped, WRAPPED_BYTES};
use crate::parameters::Parameters;
use crate::segment;
use crate::spec::{
    CHUNK_BYTES, CRITICAL, END_FRAME_BYTES, ENTRY_BYTES, FIELD_CAPSULE, FIELD_COMMITMENT,
    FIELD_HEAD_BYTES, FIELD_LABEL_KEY, FIELD_LOCATOR, FIELD_SEALED_NAME, FIELD_WRAPPED_KEY,
    FIXED_BYTES, FRAME_HEAD_BYTES, HEADER_BYTES_MAX, MAC_BYTES, MAGIC, SIGNATURE_BYTES, TAG_BYTES,
};
use crate::summary::Summary;

/// The header of one file, well-formed but not authenticated.
#[derive(Debug, Clone)]
pub struct Header {
    bytes: Vec<u8>,
    parameters: Parameters,
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
        let (parameters, length) = check_fixed(&fixed)?;
        let mut bytes = vec![0; length];
        let (head, rest) = bytes.split_at_mut(FIXED_BYTES);
        head.copy_from_slice(&fixed);
        let got = read_full(reader, rest)?;
        if got < rest.len() {
            return Err(Error::Truncated {
                offset: offset(FIXED_BYTES + got),
            });
        }
        Self::parse(bytes, parameters)
    }

    /// Parses a whole header, whose fixed part is checked and which has at least `FIXED_BYTES +
    /// MAC_BYTES`.
    fn parse(bytes: Vec<u8>, parameters: Parameters) -> Result<Self> {
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
            parameters,
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
        let wrapped = parts.access.wrap_data(data_key)?;
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
        bytes.extend_from_slice(&data_key.parameters().to_bytes());
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&fields);
        let mac = data_key.mac_key()?.make(&[&bytes])?;
        bytes.extend_from_slice(&mac);
        Ok(Self {
            bytes,
            parameters: data_key.parameters(),
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

    /// The parameters of the file.
    pub const fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// Reads the sizes of the file from its end and compares them with its length; only the MAC and
    /// the tags tell whether they are the right ones. `reader` begins with the header.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Truncated`] if the file does not end as a file does, or not where
    /// its end says.
    pub fn layout<R: Read + Seek>(&self, reader: &mut R) -> Result<Summary> {
        Ok(self.end(reader)?.1)
    }

    /// Reads the end of a file; returns it as it was read, and the sizes.
    pub(crate) fn end<R: Read + Seek>(
        &self,
        reader: &mut R,
    ) -> Result<([u8; END_FRAME_BYTES], Summary, End)> {
        let file_bytes = reader.seek(SeekFrom::End(0)).map_err(Error::Read)?;
        let cut = Error::Truncated { offset: file_bytes };
        let header_bytes = offset(self.bytes.len());
        let Some(at) = file_bytes.checked_sub(offset(END_FRAME_BYTES)) else {
            return Err(cut);
        };
        reader.seek(SeekFrom::Start(at)).map_err(Error::Read)?;
        let mut frame = [0; END_FRAME_BYTES];
        if read_full(reader, &mut frame)? < frame.len() {
            return Err(cut);
        }
        let end = End::parse(&frame).filter(|_| at >= header_bytes);
        let body = at.saturating_sub(header_bytes);
        let found = end.and_then(|end| Some((end, self.chunks(&end, body)?)));
        let Some((end, chunks)) = found else {
            return Err(cut);
        };
        let summary = Summary {
            header_bytes,
            plaintext_bytes: end.plaintext_bytes,
            file_bytes,
            chunks,
            segments: end.segments,
            signer: None,
        };
        Ok((frame, summary, end))
    }

    /// The number of chunks in a body of so many bytes before its end; `None` if no file with this
    /// header has this end after such a body.
    fn chunks(&self, end: &End, body: u64) -> Option<u64> {
        let Parameters {
            look_ahead, signed, ..
        } = self.parameters;
        let head = offset(FRAME_HEAD_BYTES);
        let frame = |bytes: usize| head.saturating_add(offset(bytes));
        let segments = u64::from(end.segments);
        let index = segments.checked_mul(offset(ENTRY_BYTES))?;
        let (index, begins) = match look_ahead {
            Some(ahead) => (
                head.checked_add(index)?,
                segments.checked_mul(frame(segment::frame_bytes(ahead)))?,
            ),
            None => (0, 0),
        };
        let tail = index.checked_add(if signed { frame(SIGNATURE_BYTES) } else { 0 })?;
        if tail != u64::from(end.tail_bytes) || (segments > 0) != look_ahead.is_some() {
            return None;
        }
        let content = tail.checked_add(begins)?.checked_add(end.plaintext_bytes)?;
        let more = body.checked_sub(content)?;
        let of_one = head.saturating_add(offset(TAG_BYTES));
        let chunks = more / of_one;
        let least = end.plaintext_bytes.div_ceil(offset(CHUNK_BYTES)).max(1);
        let fits = match look_ahead {
            // Where the segments were cut, the index tells.
            Some(_) => chunks >= least.max(segments),
            None => chunks == least,
        };
        (fits && more % of_one == 0).then_some(chunks)
    }

    /// Decrypts the data key and checks the whole header with it.
    ///
    /// # Errors
    /// [`Error::WrongKey`] if the secret is not this capsule's; [`Error::HeaderTampered`] if it
    /// is, and anything in the header was changed.
    pub fn unlock(&self, secret: &SharedSecret) -> Result<DataKey> {
        let access = AccessKey::new(secret, self.parameters.suite)?;
        let key = match access.unwrap_key(&self.wrapped, &self.commitment) {
            Unwrapped::Key(key) => AccessKey::data_key(key, self.parameters),
            Unwrapped::Changed => return Err(Error::HeaderTampered),
            Unwrapped::WrongKey => return Err(Error::WrongKey),
        };
        let (head, mac) = self
            .bytes
            .split_at(self.bytes.len().saturating_sub(MAC_BYTES));
        if key.mac_key()?.holds(head, mac) {
            Ok(key)
        } else {
            Err(Error::HeaderTampered)
        }
    }
}

/// Checks the fixed part; returns the parameters and the length of the header.
fn check_fixed(fixed: &[u8; FIXED_BYTES]) -> Result<(Parameters, usize)> {
    let [
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        p0,
        p1,
        p2,
        p3,
        p4,
        p5,
        p6,
        p7,
        l @ ..,
    ] = *fixed;
    let parameters = Parameters::from_bytes([p0, p1, p2, p3, p4, p5, p6, p7])?;
    match usize::try_from(u32::from_be_bytes(l)) {
        Ok(length) if (FIXED_BYTES + MAC_BYTES..=HEADER_BYTES_MAX).contains(&length) => {
            Ok((parameters, length))
        }
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

#[cfg(test)]
mod tests;
