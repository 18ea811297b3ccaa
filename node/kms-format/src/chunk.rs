//! Chunks of one segment: nonce, sealing and opening in place; and the reading of whole buffers.

use std::io::{ErrorKind, Read};

use crate::error::{Error, Result};
use crate::frame::{FrameHead, Place};
use crate::keys::{BODY_ID_BYTES, BodyKeys, SegmentKey};
use crate::spec::{CHUNKS_MAX, FRAME_HEAD_BYTES, TAG_BYTES};
use crate::suite::Cipher;

/// The key and the associated data of the chunks of a segment.
pub(crate) struct ChunkCipher {
    key: Cipher,
    body_id: [u8; BODY_ID_BYTES],
    segment: u32,
}

impl ChunkCipher {
    pub(crate) fn new(body: &BodyKeys, segment: u32, key: Option<&SegmentKey>) -> Result<Self> {
        Ok(Self {
            key: body.cipher(segment, key)?,
            body_id: body.body_id,
            segment,
        })
    }

    /// Makes the frame of a chunk whose plaintext of `length` bytes stands in `slot` after the room
    /// for the frame's head; returns the frame's length.
    pub(crate) fn seal(
        &self,
        chunk: u64,
        place: Place,
        slot: &mut [u8],
        length: usize,
    ) -> Result<usize> {
        let sealed = length.saturating_add(TAG_BYTES);
        let end = sealed.saturating_add(FRAME_HEAD_BYTES);
        let room = Error::Bug("a slot has room for head and tag");
        let frame = slot.get_mut(..end).ok_or(room)?;
        let (head, body) = frame.split_at_mut(FRAME_HEAD_BYTES);
        let (kind, length) = (place.kind(), sealed);
        head.copy_from_slice(&FrameHead { kind, length }.to_bytes());
        self.key
            .seal(self.nonce(chunk, place)?, &self.body_id, body)?;
        Ok(end)
    }

    /// Decrypts what stands in `buffer` from `from` on to its beginning; returns the bytes of
    /// plaintext, or `None` if it is not this chunk. On failure the content is lost.
    pub(crate) fn open(
        &self,
        chunk: u64,
        place: Place,
        buffer: &mut [u8],
        from: usize,
    ) -> Result<Option<usize>> {
        let nonce = self.nonce(chunk, place)?;
        Ok(self.key.open(nonce, &self.body_id, buffer, from))
    }

    /// Makes the nonce: u32 segment, u56 chunk of the segment, u8 last; big-endian.
    fn nonce(&self, chunk: u64, place: Place) -> Result<[u8; 12]> {
        if chunk >= CHUNKS_MAX {
            return Err(Error::TooLong);
        }
        let [s0, s1, s2, s3] = self.segment.to_be_bytes();
        let [_, c0, c1, c2, c3, c4, c5, c6] = chunk.to_be_bytes();
        let last = u8::from(place == Place::Last);
        Ok([s0, s1, s2, s3, c0, c1, c2, c3, c4, c5, c6, last])
    }
}

/// Reads until the buffer is full or the input ends; returns the bytes read.
pub(crate) fn read_full<R: Read + ?Sized>(reader: &mut R, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while let Some(rest @ [_, ..]) = buffer.get_mut(filled..) {
        match read_some(reader, rest)? {
            0 => break,
            count => filled = filled.saturating_add(count),
        }
    }
    Ok(filled)
}

/// Reads once; 0 at the end of the input.
pub(crate) fn read_some<R: Read + ?Sized>(reader: &mut R, buffer: &mut [u8]) -> Result<usize> {
    loop {
        match reader.read(buffer) {
            Ok(count) => return Ok(count.min(buffer.len())),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::Read(error)),
        }
    }
}

/// Converts a count of bytes in memory to an offset in a file.
pub(crate) fn offset(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
