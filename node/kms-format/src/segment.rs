//! Segments: each has a capsule and a key of its own, which its record holds. A segment's frame
//! tells the records of those ahead as well, the index those of all.

use rand_core::TryCryptoRng;
use umbral::{Capsule, PublicKey, SharedSecret};

use crate::error::{Error, Result};
use crate::keys::{AccessKey, COMMITMENT_BYTES, Secret, SegmentKey, Unwrapped, WRAPPED_BYTES};
use crate::spec::{ENTRY_BYTES, MAC_BYTES, RECORD_BYTES};
use crate::suite::{MacKey, Suite};

/// What gives the key of one segment to whoever opens its capsule.
#[derive(Debug, Clone)]
pub struct SegmentRecord {
    number: u32,
    suite: Suite,
    capsule: Capsule,
    bytes: [u8; RECORD_BYTES],
}

impl SegmentRecord {
    /// Makes a segment's key and seals it for the label.
    pub(crate) fn make<G: TryCryptoRng + ?Sized>(
        rng: &mut G,
        label_key: &PublicKey,
        number: u32,
        suite: Suite,
    ) -> Result<(Self, SegmentKey)> {
        let secret = Secret::random(rng)?;
        let (capsule, shared) = umbral::encapsulate(rng, label_key).map_err(Error::Encapsulate)?;
        let access = AccessKey::new(&shared, suite)?;
        let mut bytes = [0; RECORD_BYTES];
        let parts = [
            &capsule.to_bytes()[..],
            &access.wrap(&secret)?,
            access.commitment(),
        ];
        bytes.copy_from_slice(&parts.concat());
        let record = Self {
            number,
            suite,
            capsule,
            bytes,
        };
        Ok((record, SegmentKey(secret)))
    }

    fn parse(number: u32, suite: Suite, bytes: &[u8; RECORD_BYTES]) -> Result<Self> {
        let changed = Error::SegmentTampered { segment: number };
        let capsule = bytes.first_chunk().map(Capsule::from_bytes);
        let Some(Ok(capsule)) = capsule else {
            return Err(changed);
        };
        Ok(Self {
            number,
            suite,
            capsule,
            bytes: *bytes,
        })
    }

    /// The number of the segment, from 0.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The capsule, from which miners make cfrags.
    pub const fn capsule(&self) -> &Capsule {
        &self.capsule
    }

    /// Decrypts the key of the segment.
    ///
    /// # Errors
    /// [`Error::WrongKey`] if the secret is not this capsule's; [`Error::SegmentTampered`] if it
    /// is, and the record was changed.
    pub fn unlock(&self, secret: &SharedSecret) -> Result<SegmentKey> {
        let number = self.number;
        let rest = self
            .bytes
            .last_chunk::<{ WRAPPED_BYTES + COMMITMENT_BYTES }>();
        let (wrapped, commitment) = rest
            .and_then(|rest| Some((rest.first_chunk()?, rest.last_chunk()?)))
            .ok_or(Error::Bug("a record has 178 bytes"))?;
        match AccessKey::new(secret, self.suite)?.unwrap_key(wrapped, commitment) {
            Unwrapped::Key(key) => Ok(SegmentKey(key)),
            Unwrapped::Changed => Err(Error::SegmentTampered { segment: number }),
            Unwrapped::WrongKey => Err(Error::WrongKey),
        }
    }
}

/// Gives the keys of segments, from their capsules.
pub trait SegmentKeys {
    /// The key of the first of `records`. The others are those that come next: whoever asks miners
    /// may ask for all of them at once.
    ///
    /// # Errors
    /// Those of [`SegmentRecord::unlock`], or [`Error::SegmentKey`] with the reason.
    fn key(&mut self, records: &[SegmentRecord]) -> Result<SegmentKey>;
}

impl<F: FnMut(&[SegmentRecord]) -> Result<SegmentKey>> SegmentKeys for F {
    fn key(&mut self, records: &[SegmentRecord]) -> Result<SegmentKey> {
        self(records)
    }
}

/// Bytes of the frame of a segment, without its head.
pub(crate) const fn frame_bytes(look_ahead: u8) -> usize {
    // No From in a const fn; a u8 fits.
    4 + RECORD_BYTES * (look_ahead as usize + 1) + MAC_BYTES
}

/// Writes what the frame of the first record's segment holds: its number, the records, a MAC.
pub(crate) fn to_frame<'a>(
    mac: &MacKey,
    records: impl Iterator<Item = &'a SegmentRecord>,
    number: u32,
) -> Result<Vec<u8>> {
    let mut out = number.to_be_bytes().to_vec();
    records.for_each(|record| out.extend_from_slice(&record.bytes));
    let tag = mac.make(&[b"segment", &out])?;
    out.extend_from_slice(&tag);
    Ok(out)
}

/// Reads the frame of segment `number`.
pub(crate) fn from_frame(
    mac: &MacKey,
    suite: Suite,
    number: u32,
    bytes: &[u8],
) -> Result<Vec<SegmentRecord>> {
    let changed = Error::SegmentTampered { segment: number };
    let split = bytes.split_last_chunk::<MAC_BYTES>();
    let Some((content, tag)) = split else {
        return Err(changed);
    };
    let message = [b"segment", content].concat();
    let holds = mac.holds(&message, tag);
    let Some((told, records)) = content.split_first_chunk::<4>() else {
        return Err(changed);
    };
    if !holds || u32::from_be_bytes(*told) != number {
        return Err(changed);
    }
    let (records, _) = records.as_chunks::<RECORD_BYTES>();
    (number..)
        .zip(records)
        .map(|(number, bytes)| SegmentRecord::parse(number, suite, bytes))
        .collect()
}

/// Whether the records of a segment's frame go on with those that the frame before told ahead.
pub(crate) fn goes_on(before: &[SegmentRecord], now: &[SegmentRecord]) -> bool {
    let ahead = before.iter().skip(1).map(|record| &record.bytes);
    ahead.zip(now).all(|(told, now)| *told == now.bytes)
}

/// A segment in the index.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Offset of the segment's frame, from the end of the header on.
    pub(crate) offset: u64,
    /// Bytes of plaintext in the segment.
    pub(crate) plaintext_bytes: u64,
    pub(crate) record: SegmentRecord,
}

impl Entry {
    pub(crate) fn to_bytes(&self) -> [u8; ENTRY_BYTES] {
        let mut out = [0; ENTRY_BYTES];
        let parts = [
            &self.offset.to_be_bytes()[..],
            &self.plaintext_bytes.to_be_bytes(),
            &self.record.bytes,
        ];
        out.copy_from_slice(&parts.concat());
        out
    }

    pub(crate) fn parse(number: u32, suite: Suite, bytes: &[u8; ENTRY_BYTES]) -> Result<Self> {
        let bug = Error::Bug("an entry has 194 bytes");
        let split = bytes.split_first_chunk::<8>().and_then(|(offset, rest)| {
            let (plaintext, record) = rest.split_first_chunk::<8>()?;
            Some((offset, plaintext, record.first_chunk()?))
        });
        let (offset, plaintext, record) = split.ok_or(bug)?;
        Ok(Self {
            offset: u64::from_be_bytes(*offset),
            plaintext_bytes: u64::from_be_bytes(*plaintext),
            record: SegmentRecord::parse(number, suite, record)?,
        })
    }
}
