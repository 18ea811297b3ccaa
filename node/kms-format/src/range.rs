//! Decrypts ranges of a seekable file: only the chunks that a range touches are read.
//! Neighbours: `places` reads where the segments stand, `growing` follows a file that is written.

mod growing;
mod places;

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;

use zeroize::Zeroizing;

use crate::chunk::{ChunkCipher, offset, read_full};
use crate::error::{Error, Result};
use crate::frame::{FrameHead, Place};
use crate::header::Header;
use crate::keys::{BodyKeys, DataKey, SegmentKey};
use crate::segment::{SegmentKeys, SegmentRecord};
use crate::spec::{CHUNK_BYTES, FRAME_HEAD_BYTES, SLOT_BYTES, TAG_BYTES};
use crate::suite::MacKey;

use growing::Growth;
use places::{CHUNK, Part, Whole};

/// Keys of segments that are kept, when they are given from outside.
const KEYS_KEPT: usize = 16;

/// Random access to the plaintext of a file that starts at byte 0 of `R`.
pub struct RangeReader<R> {
    reader: R,
    header: Header,
    mac: MacKey,
    body: BodyKeys,
    plaintext_bytes: u64,
    /// Place of each segment; one for a file without any.
    parts: Vec<Part>,
    records: Vec<SegmentRecord>,
    look_ahead: u8,
    /// The ciphers of segments whose keys are there.
    ciphers: BTreeMap<usize, ChunkCipher>,
    buffer: Zeroizing<Vec<u8>>,
    /// Where a file that is still written goes on; `None` if its end is verified.
    growth: Option<Growth>,
}

impl<R: Read + Seek> RangeReader<R> {
    /// Verifies the end of the file, which tells its length, so that a file that was cut or
    /// lengthened is refused before any range is read.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Truncated`], [`Error::EndTampered`].
    pub fn open(header: &Header, data_key: &DataKey, reader: R) -> Result<Self> {
        let mut opened = Self::unread(header, data_key, reader)?;
        opened.read_end()?;
        Ok(opened)
    }

    /// Knows nothing of the file behind the header yet.
    fn unread(header: &Header, data_key: &DataKey, reader: R) -> Result<Self> {
        Ok(Self {
            reader,
            header: header.clone(),
            mac: data_key.mac_key()?,
            body: data_key.body_keys()?,
            plaintext_bytes: 0,
            parts: Vec::new(),
            records: Vec::new(),
            look_ahead: header.parameters().look_ahead.unwrap_or(0),
            ciphers: BTreeMap::new(),
            buffer: Zeroizing::new(vec![0; SLOT_BYTES]),
            growth: None,
        })
    }

    /// Reads and verifies the end. What was known before has to be a part of what it tells.
    fn read_end(&mut self) -> Result<()> {
        let whole = Whole::read(&self.header, &self.mac, &mut self.reader)?;
        if !whole.parts.starts_with(&self.parts) {
            return Err(Error::EndTampered);
        }
        self.plaintext_bytes = whole.plaintext_bytes;
        self.parts = whole.parts;
        self.records = whole.records;
        Ok(())
    }

    /// Bytes of plaintext in the file; in one that is still written, those found so far.
    pub const fn plaintext_bytes(&self) -> u64 {
        self.plaintext_bytes
    }

    /// The records of all segments; none if the file is not cut into any.
    pub fn records(&self) -> &[SegmentRecord] {
        &self.records
    }

    /// Writes the plaintext of `range`; nothing of a chunk before its tag is verified.
    ///
    /// # Errors
    /// [`Error::RangeOutside`], [`Error::Read`], [`Error::Write`], [`Error::ChunkTampered`].
    pub fn read_range<W: Write>(&mut self, range: Range<u64>, writer: W) -> Result<()> {
        let mut none = |records: &[SegmentRecord]| {
            Err(Error::SegmentKey {
                segment: records.first().map_or(0, SegmentRecord::number),
                reason: "none was asked for".to_owned(),
            })
        };
        self.read_range_with(&mut none, range, writer)
    }

    /// As [`RangeReader::read_range`]; asks `keys` for the keys of segments. That of the segment
    /// that was read last is kept.
    ///
    /// # Errors
    /// As [`RangeReader::read_range`], and those of `keys`.
    pub fn read_range_with<W: Write>(
        &mut self,
        keys: &mut dyn SegmentKeys,
        range: Range<u64>,
        mut writer: W,
    ) -> Result<()> {
        let length = self.plaintext_bytes();
        if range.end > length {
            return Err(Error::RangeOutside {
                end: range.end,
                length,
            });
        }
        let mut position = range.start;
        while position < range.end {
            self.require_cipher(self.part_at(position), keys)?;
            let left = usize::try_from(range.end.saturating_sub(position)).unwrap_or(usize::MAX);
            let piece = self.piece(position)?.unwrap_or_default();
            let inside = piece.get(..left.min(piece.len()));
            let inside = inside.filter(|inside| !inside.is_empty());
            let inside = inside.ok_or(Error::Bug("a chunk holds its share of the range"))?;
            writer.write_all(inside).map_err(Error::Write)?;
            position = position.saturating_add(offset(inside.len()));
        }
        writer.flush().map_err(Error::Write)
    }

    /// The number of the segment that holds this byte of plaintext; `None` beyond the last byte.
    pub fn segment_at(&self, position: u64) -> Option<u32> {
        let inside = position < self.plaintext_bytes;
        let number = u32::try_from(self.part_at(position)).ok();
        number.filter(|_| inside)
    }

    /// The first byte of plaintext of the newest segment.
    pub fn newest(&self) -> u64 {
        self.parts.last().map_or(0, |part| part.start)
    }

    /// The records of a segment and of so many that follow, those told ahead included, without
    /// those whose keys are there.
    pub fn keyless(&self, segment: u32, ahead: usize) -> Vec<SegmentRecord> {
        let told = self.growth.as_ref().map(Growth::ahead).unwrap_or_default();
        let all = self.records.iter().chain(told);
        let is_wanted = |record: &&SegmentRecord| record.number() >= segment;
        let wanted = all.filter(is_wanted).take(ahead.saturating_add(1));
        let has_key = |record: &SegmentRecord| self.ciphers.contains_key(&at(record.number()));
        wanted.filter(|record| !has_key(record)).cloned().collect()
    }

    /// Keeps the key of a segment, for a while: of many, the most distant are forgotten.
    ///
    /// # Errors
    /// None in practice.
    pub fn give_key(&mut self, segment: u32, key: &SegmentKey) -> Result<()> {
        let cipher = ChunkCipher::new(&self.body, segment, Some(key))?;
        self.ciphers.insert(at(segment), cipher);
        if self.ciphers.len() > KEYS_KEPT {
            let distance = |number: &&usize| number.abs_diff(at(segment));
            let farthest = self.ciphers.keys().max_by_key(distance).copied();
            farthest.and_then(|farthest| self.ciphers.remove(&farthest));
        }
        Ok(())
    }

    /// Forgets all keys of segments.
    pub fn forget_keys(&mut self) {
        self.ciphers.clear();
    }

    /// Decrypts what stands from `position` on to the end of its chunk; `None` beyond the last
    /// byte. The key of its segment must have been given.
    ///
    /// # Errors
    /// [`Error::SegmentKey`], [`Error::Read`], [`Error::ChunkTampered`].
    pub fn piece(&mut self, position: u64) -> Result<Option<&[u8]>> {
        let Some(segment) = self.segment_at(position) else {
            return Ok(None);
        };
        let number = self.part_at(position);
        if !self.ciphers.contains_key(&number) {
            if self.header.parameters().look_ahead.is_some() {
                let reason = "none was asked for".to_owned();
                return Err(Error::SegmentKey { segment, reason });
            }
            let cipher = ChunkCipher::new(&self.body, segment, None)?;
            self.ciphers.insert(number, cipher);
        }
        let part = self.parts.get(number).copied();
        let part = part.ok_or(Error::Bug("a byte is within the parts"))?;
        let inside = position.saturating_sub(part.start);
        let from = usize::try_from(inside % CHUNK).unwrap_or(usize::MAX);
        let plain = self.chunk(number, part, inside / CHUNK)?;
        Ok(plain.get(from..))
    }

    fn part_at(&self, position: u64) -> usize {
        let after = self.parts.partition_point(|part| part.start <= position);
        after.saturating_sub(1)
    }

    fn require_cipher(&mut self, number: usize, keys: &mut dyn SegmentKeys) -> Result<()> {
        if self.ciphers.contains_key(&number) || self.records.is_empty() {
            return Ok(());
        }
        let segment = u32::try_from(number).map_err(|_| Error::TooLong)?;
        let end = number.saturating_add(usize::from(self.look_ahead) + 1);
        let records = self.records.get(number..end.min(self.records.len()));
        let key = keys.key(records.unwrap_or_default())?;
        self.forget_keys();
        self.give_key(segment, &key)
    }

    /// Decrypts a chunk of the segment whose cipher is there.
    fn chunk(&mut self, number: usize, part: Part, chunk: u64) -> Result<&[u8]> {
        let before = chunk.saturating_mul(CHUNK);
        let left = part.length.saturating_sub(before);
        let (place, length) = if left > CHUNK {
            (Place::Inner, CHUNK_BYTES)
        } else {
            let length = usize::try_from(left).map_err(|_| Error::TooLong)?;
            (Place::Last, length)
        };
        let at = chunk.saturating_mul(offset(SLOT_BYTES));
        let at = part.offset.saturating_add(at);
        self.reader.seek(SeekFrom::Start(at)).map_err(Error::Read)?;
        let sealed = length.saturating_add(TAG_BYTES);
        let frame = sealed.saturating_add(FRAME_HEAD_BYTES);
        let frame = self.buffer.get_mut(..frame);
        let frame = frame.ok_or(Error::Bug("a chunk fits its buffer"))?;
        read_full(&mut self.reader, frame)?;
        // Its number in the whole file, for people.
        let earlier = self.parts.get(..number).unwrap_or_default().iter();
        let earlier: u64 = earlier.map(|part| part.chunks()).sum();
        let tampered = Error::ChunkTampered {
            chunk: earlier.saturating_add(chunk),
        };
        let kind = place.kind();
        let head = FrameHead {
            kind,
            length: sealed,
        };
        let Some(cipher) = self.ciphers.get(&number) else {
            return Err(Error::Bug("the cipher is there"));
        };
        if !frame.starts_with(&head.to_bytes()) {
            return Err(tampered);
        }
        match cipher.open(chunk, place, frame, FRAME_HEAD_BYTES)? {
            Some(count) => frame.get(..count).ok_or(tampered),
            None => Err(tampered),
        }
    }
}

fn at(segment: u32) -> usize {
    usize::try_from(segment).unwrap_or(usize::MAX)
}
