//! Where the segments of a file stand, as its end and its index tell.

use std::io::{Read, Seek, SeekFrom};

use crate::chunk::{offset, read_full};
use crate::error::{Error, Result};
use crate::frame::FrameHead;
use crate::header::Header;
use crate::segment::{self, Entry, SegmentRecord};
use crate::spec::{
    CHUNK_BYTES, ENTRY_BYTES, FRAME_HEAD_BYTES, FRAME_INDEX, SIGNATURE_BYTES, TAG_BYTES,
};
use crate::suite::MacKey;
use crate::summary::Summary;

/// Bytes of plaintext of a full chunk.
pub(super) const CHUNK: u64 = CHUNK_BYTES as u64;

/// The chunks of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// Offset in the file of the first chunk's frame.
    pub(super) offset: u64,
    /// First byte of plaintext.
    pub(super) start: u64,
    /// Bytes of plaintext.
    pub(super) length: u64,
}

impl Part {
    pub(super) fn chunks(self) -> u64 {
        self.length.div_ceil(CHUNK).max(1)
    }

    /// Bytes of the frames of its chunks.
    fn frames(self) -> u64 {
        let more = offset(FRAME_HEAD_BYTES + TAG_BYTES);
        let more = self.chunks().saturating_mul(more);
        self.length.saturating_add(more)
    }
}

/// What the verified end of a file tells.
pub(super) struct Whole {
    pub(super) plaintext_bytes: u64,
    pub(super) parts: Vec<Part>,
    pub(super) records: Vec<SegmentRecord>,
}

impl Whole {
    pub(super) fn read<R: Read + Seek>(
        header: &Header,
        mac: &MacKey,
        reader: &mut R,
    ) -> Result<Self> {
        let (frame, layout, end) = header.end(reader)?;
        let tail_bytes = usize::try_from(end.tail_bytes).map_err(|_| Error::TooLong)?;
        let mut tail = vec![0; tail_bytes];
        let end_at = layout.file_bytes.saturating_sub(offset(frame.len()));
        let tail_at = end_at.saturating_sub(offset(tail_bytes));
        reader.seek(SeekFrom::Start(tail_at)).map_err(Error::Read)?;
        read_full(reader, &mut tail)?;
        if !end.holds(mac, &tail, &frame) {
            return Err(Error::EndTampered);
        }
        let parameters = header.parameters();
        let entries = match parameters.look_ahead {
            Some(_) => entries(header, &tail)?,
            None => Vec::new(),
        };
        let look_ahead = parameters.look_ahead.unwrap_or(0);
        Ok(Self {
            plaintext_bytes: layout.plaintext_bytes,
            parts: parts(&layout, &entries, look_ahead, tail_at)?,
            records: entries.into_iter().map(|entry| entry.record).collect(),
        })
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
