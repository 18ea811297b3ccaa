//! Decrypts ranges of a seekable file: only the chunks that a range touches are read.

use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;

use zeroize::Zeroizing;

use crate::chunk::{ChunkCipher, offset, read_full};
use crate::error::{Error, Result};
use crate::frame::{FrameHead, Place};
use crate::header::Header;
use crate::keys::{BodyKeys, DataKey};
use crate::segment::{self, Entry, SegmentKeys, SegmentRecord};
use crate::spec::{
    CHUNK_BYTES, ENTRY_BYTES, FRAME_HEAD_BYTES, FRAME_INDEX, SIGNATURE_BYTES, SLOT_BYTES, TAG_BYTES,
};
use crate::summary::Summary;

/// Random access to the plaintext of a file that starts at byte 0 of `R`.
pub struct RangeReader<R> {
    reader: R,
    body: BodyKeys,
    layout: Summary,
    /// Place of each segment; one for a file without any.
    parts: Vec<Part>,
    records: Vec<SegmentRecord>,
    look_ahead: u8,
    /// The cipher of the segment that was read last.
    cipher: Option<(usize, ChunkCipher)>,
    buffer: Zeroizing<Vec<u8>>,
}

/// The chunks of one segment.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// Offset in the file of the first chunk's frame.
    offset: u64,
    /// First byte of plaintext.
    start: u64,
    /// Bytes of plaintext.
    length: u64,
}

impl Part {
    /// Bytes of the frames of its chunks.
    fn frames(self) -> u64 {
        let chunks = self.length.div_ceil(CHUNK).max(1);
        let more = chunks.saturating_mul(offset(FRAME_HEAD_BYTES + TAG_BYTES));
        self.length.saturating_add(more)
    }
}

impl<R: Read + Seek> RangeReader<R> {
    /// Verifies the end of the file, which tells its length, so that a file that was cut or
    /// lengthened is refused before any range is read.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Truncated`], [`Error::EndTampered`].
    pub fn open(header: &Header, data_key: &DataKey, mut reader: R) -> Result<Self> {
        let (frame, layout, end) = header.end(&mut reader)?;
        let tail_bytes = usize::try_from(end.tail_bytes).map_err(|_| Error::TooLong)?;
        let mut tail = vec![0; tail_bytes];
        let end_at = layout.file_bytes.saturating_sub(offset(frame.len()));
        let tail_at = end_at.saturating_sub(offset(tail_bytes));
        reader.seek(SeekFrom::Start(tail_at)).map_err(Error::Read)?;
        read_full(&mut reader, &mut tail)?;
        if !end.holds(&data_key.mac_key()?, &tail, &frame) {
            return Err(Error::EndTampered);
        }
        let parameters = header.parameters();
        let entries = match parameters.look_ahead {
            Some(_) => entries(header, &tail)?,
            None => Vec::new(),
        };
        let look_ahead = parameters.look_ahead.unwrap_or(0);
        let parts = parts(&layout, &entries, look_ahead, tail_at)?;
        Ok(Self {
            reader,
            body: data_key.body_keys()?,
            layout,
            parts,
            records: entries.into_iter().map(|entry| entry.record).collect(),
            look_ahead,
            cipher: None,
            buffer: Zeroizing::new(vec![0; SLOT_BYTES]),
        })
    }

    /// Bytes of plaintext in the file.
    pub const fn plaintext_bytes(&self) -> u64 {
        self.layout.plaintext_bytes
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
            let number = self.parts.partition_point(|part| part.start <= position);
            let number = number.saturating_sub(1);
            let part = self.parts.get(number).copied();
            let part = part.ok_or(Error::Bug("a range is within the parts"))?;
            let chunk = position.saturating_sub(part.start) / CHUNK;
            let start = part.start.saturating_add(chunk.saturating_mul(CHUNK));
            self.require_cipher(number, keys)?;
            let plain = self.chunk(number, part, chunk)?;
            let from = usize::try_from(position.saturating_sub(start)).unwrap_or(usize::MAX);
            let to = usize::try_from(range.end.saturating_sub(start)).unwrap_or(usize::MAX);
            let inside = plain.get(from..to.min(plain.len()));
            let inside = inside.filter(|inside| !inside.is_empty());
            let inside = inside.ok_or(Error::Bug("a chunk holds its share of the range"))?;
            writer.write_all(inside).map_err(Error::Write)?;
            position = position.saturating_add(offset(inside.len()));
        }
        writer.flush().map_err(Error::Write)
    }

    fn require_cipher(&mut self, number: usize, keys: &mut dyn SegmentKeys) -> Result<()> {
        if self.cipher.as_ref().is_some_and(|(at, _)| *at == number) {
            return Ok(());
        }
        let segment = u32::try_from(number).map_err(|_| Error::TooLong)?;
        let end = number.saturating_add(usize::from(self.look_ahead) + 1);
        let records = self.records.get(number..end.min(self.records.len()));
        let cipher = match records {
            Some(records @ [_, ..]) => {
                let key = keys.key(records)?;
                ChunkCipher::new(&self.body, segment, Some(&key))?
            }
            _ => ChunkCipher::new(&self.body, segment, None)?,
        };
        self.cipher = Some((number, cipher));
        Ok(())
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
        let earlier: u64 = earlier.map(|part| part.length.div_ceil(CHUNK).max(1)).sum();
        let tampered = Error::ChunkTampered {
            chunk: earlier.saturating_add(chunk),
        };
        let kind = place.kind();
        let head = FrameHead {
            kind,
            length: sealed,
        };
        let Some((_, cipher)) = &self.cipher else {
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

/// The entries of the index, which ends the tail.
fn entries(header: &Header, tail: &[u8]) -> Result<Vec<Entry>> {
    let parameters = header.parameters();
    let signature = if parameters.signed {
        FRAME_HEAD_BYTES + SIGNATURE_BYTES
    } else {
        0
    };
    let index = tail.get(signature..).unwrap_or_default();
    let (head, entries) = index.split_first_chunk().ok_or(Error::EndTampered)?;
    let (kind, length) = (FRAME_INDEX, entries.len());
    if FrameHead::from_bytes(*head) != (FrameHead { kind, length }) {
        return Err(Error::EndTampered);
    }
    let (entries, rest) = entries.as_chunks::<ENTRY_BYTES>();
    if !rest.is_empty() {
        return Err(Error::EndTampered);
    }
    (0..)
        .zip(entries)
        .map(|(number, bytes)| Entry::parse(number, parameters.suite, bytes))
        .collect()
}

/// The places of the segments, which follow each other without a gap up to the tail.
fn parts(layout: &Summary, entries: &[Entry], look_ahead: u8, tail_at: u64) -> Result<Vec<Part>> {
    let mut parts = Vec::with_capacity(entries.len().max(1));
    let mut next = layout.header_bytes;
    let mut start = 0_u64;
    if entries.is_empty() {
        parts.push(Part {
            offset: next,
            start,
            length: layout.plaintext_bytes,
        });
        return Ok(parts);
    }
    let frame = FRAME_HEAD_BYTES.saturating_add(segment::frame_bytes(look_ahead));
    for entry in entries {
        if layout.header_bytes.saturating_add(entry.offset) != next {
            return Err(Error::EndTampered);
        }
        let part = Part {
            offset: next.saturating_add(offset(frame)),
            start,
            length: entry.plaintext_bytes,
        };
        next = part.offset.saturating_add(part.frames());
        start = start.saturating_add(part.length);
        parts.push(part);
    }
    if next == tail_at && start == layout.plaintext_bytes {
        Ok(parts)
    } else {
        // The index is what its writer made; the file is shorter or longer than it says.
        Err(Error::Truncated {
            offset: layout.file_bytes,
        })
    }
}

const CHUNK: u64 = CHUNK_BYTES as u64;
