//! Takes plaintext in pieces of any size and writes the body of a file: chunks are sealed in place,
//! several for each write. Memory does not grow with the file.

use std::collections::VecDeque;
use std::io::{self, Read, Write};

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::chunk::{ChunkCipher, offset, read_some};
use crate::encrypt::Encryptor;
use crate::end::{End, Statement};
use crate::error::{Error, Result};
use crate::frame::{FrameHead, Place};
use crate::header::Header;
use crate::keys::{BodyKeys, DataKey, SegmentKey};
use crate::segment::{self, Entry, SegmentRecord};
use crate::spec::{
    CHUNK_BYTES, FRAME_HEAD_BYTES, FRAME_INDEX, FRAME_SEGMENT, SEGMENTS_MAX, SLOT_BYTES,
};
use crate::suite::{Digest, MacKey};
use crate::summary::Summary;

/// Full chunks that are written at once.
const BATCH: usize = 4;

/// Writes one file; it is not whole before [`FileWriter::finish`].
pub struct FileWriter<'g, G: ?Sized, W> {
    out: W,
    rng: &'g mut G,
    made_by: Encryptor,
    data_key: DataKey,
    body: BodyKeys,
    mac: MacKey,
    /// The cipher of the segment that is open.
    cipher: Option<ChunkCipher>,
    /// `BATCH` slots for chunks, and one for the beginning of what follows them.
    slots: Zeroizing<Vec<u8>>,
    /// Full chunks in the slots.
    full: usize,
    /// Bytes of plaintext in the slot after them.
    partial: usize,
    /// Chunks of the open segment that are written.
    chunk: u64,
    /// Records and keys of the open segment and of those that were told ahead.
    ahead: VecDeque<(SegmentRecord, SegmentKey)>,
    index: Vec<Entry>,
    digest: Option<Digest>,
    /// Sizes of what is written.
    total: Summary,
}

impl<'g, G: TryCryptoRng + ?Sized, W: Write> FileWriter<'g, G, W> {
    pub(crate) fn new(
        made_by: Encryptor,
        data_key: DataKey,
        header: &Header,
        rng: &'g mut G,
        out: W,
    ) -> Result<Self> {
        let header_bytes = offset(header.as_bytes().len());
        let body = data_key.body_keys()?;
        let cipher = match made_by.segments {
            None => Some(ChunkCipher::new(&body, 0, None)?),
            Some(_) => None,
        };
        Ok(Self {
            out,
            rng,
            mac: data_key.mac_key()?,
            digest: made_by.signer.is_some().then(Digest::new),
            made_by,
            data_key,
            body,
            cipher,
            slots: Zeroizing::new(vec![0; SLOT_BYTES * (BATCH + 1)]),
            full: 0,
            partial: 0,
            chunk: 0,
            ahead: VecDeque::new(),
            index: Vec::new(),
            total: Summary {
                header_bytes,
                plaintext_bytes: 0,
                file_bytes: header_bytes,
                chunks: 0,
                segments: 0,
                signer: None,
            },
        })
    }

    /// Bytes of plaintext taken so far.
    pub fn plaintext_bytes(&self) -> u64 {
        let waiting = self.full.saturating_mul(CHUNK_BYTES);
        let waiting = offset(waiting.saturating_add(self.partial));
        self.total.plaintext_bytes.saturating_add(waiting)
    }

    /// Takes more plaintext.
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::Rng`], [`Error::TooLong`].
    pub fn push(&mut self, mut plain: &[u8]) -> Result<()> {
        while !plain.is_empty() {
            let room = self.room()?;
            let count = room.len().min(plain.len());
            let (now, rest) = plain.split_at(count);
            let room = room.get_mut(..count).unwrap_or_default();
            room.copy_from_slice(now);
            self.settle(count)?;
            plain = rest;
        }
        Ok(())
    }

    /// Takes what one read gives, at most a chunk; returns the bytes, 0 at the end of `reader`.
    ///
    /// # Errors
    /// As [`FileWriter::push`], and [`Error::Read`].
    pub fn fill_from<R: Read + ?Sized>(&mut self, reader: &mut R) -> Result<usize> {
        let count = read_some(reader, self.room()?)?;
        self.settle(count)?;
        Ok(count)
    }

    /// Ends the segment; nothing, if the last one ended here or the file has none.
    ///
    /// # Errors
    /// As [`FileWriter::push`].
    pub fn cut(&mut self) -> Result<()> {
        if self.made_by.segments.is_some() && (self.full > 0 || self.partial > 0) {
            self.close(self.partial)?;
            (self.full, self.partial) = (0, 0);
        }
        Ok(())
    }

    /// Ends the file; returns its sizes and the output.
    ///
    /// # Errors
    /// As [`FileWriter::push`].
    pub fn finish(mut self) -> Result<(Summary, W)> {
        let empty = self.made_by.segments.is_none() || self.total.segments == 0;
        if empty || self.full > 0 || self.partial > 0 {
            self.close(self.partial)?;
        }
        let mut tail = Vec::new();
        if let (Some(signer), Some(digest)) = (self.made_by.signer.clone(), self.digest.take()) {
            let statement = Statement {
                body_id: self.body.body_id,
                plaintext_bytes: self.total.plaintext_bytes,
                digest: digest.finish()?,
            };
            tail = statement.sign(self.rng, &signer, &self.data_key)?;
            self.total.signer = Some(signer.verifying_key().to_bytes());
        }
        if self.made_by.segments.is_some() {
            let entries: Vec<u8> = self.index.iter().flat_map(Entry::to_bytes).collect();
            let (kind, length) = (FRAME_INDEX, entries.len());
            tail.extend_from_slice(&FrameHead { kind, length }.to_bytes());
            tail.extend_from_slice(&entries);
        }
        let end = End {
            plaintext_bytes: self.total.plaintext_bytes,
            segments: self.total.segments,
            tail_bytes: u32::try_from(tail.len()).map_err(|_| Error::TooLong)?,
        };
        let end = end.to_frame(&self.mac, &tail)?;
        self.write_all(&tail)?;
        self.write_all(&end)?;
        self.out.flush().map_err(Error::Write)?;
        Ok((self.total, self.out))
    }

    /// The output, of which only whole frames have been written.
    pub fn output(&mut self) -> &mut W {
        &mut self.out
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(Error::Write)?;
        self.total.file_bytes = self.total.file_bytes.saturating_add(offset(bytes.len()));
        Ok(())
    }

    /// The room for plaintext in the slot that is being filled; never empty.
    fn room(&mut self) -> Result<&mut [u8]> {
        let start = self
            .full
            .saturating_mul(SLOT_BYTES)
            .saturating_add(FRAME_HEAD_BYTES);
        let end = start.saturating_add(CHUNK_BYTES);
        let room = self.slots.get_mut(start.saturating_add(self.partial)..end);
        room.ok_or(Error::Bug("a slot is always free"))
    }

    /// Counts bytes that were put in the room. Once something stands behind the full chunks, it is
    /// known whether they are the last of their segment, and they are written.
    fn settle(&mut self, count: usize) -> Result<()> {
        if self.partial == 0 && count > 0 && self.full > 0 {
            let limit = self.made_by.segments.and_then(|segments| segments.chunks());
            let chunks = self.chunk.saturating_add(offset(self.full));
            if limit == Some(chunks) {
                self.close(0)?;
                self.begin_with_spare(count)?;
            } else if self.full == BATCH {
                self.emit(BATCH, Place::Inner, 0)?;
                self.begin_with_spare(count)?;
            }
        }
        self.partial = self.partial.saturating_add(count);
        if self.partial == CHUNK_BYTES {
            self.full = self.full.saturating_add(1);
            self.partial = 0;
        }
        Ok(())
    }

    /// Moves the beginning of a chunk, `count` bytes in the slot after those just written, to the
    /// first slot.
    fn begin_with_spare(&mut self, count: usize) -> Result<()> {
        let from = self.full.saturating_mul(SLOT_BYTES);
        let from = from.saturating_add(FRAME_HEAD_BYTES);
        let to = from.saturating_add(count);
        if to > self.slots.len() {
            return Err(Error::Bug("a slot is always free"));
        }
        self.slots.copy_within(from..to, FRAME_HEAD_BYTES);
        self.full = 0;
        Ok(())
    }

    /// Writes what is in the slots as the end of the segment. Its last chunk is that of `partial`
    /// bytes, or the last full one if that is 0.
    fn close(&mut self, partial: usize) -> Result<()> {
        let before = match (self.full, partial) {
            (0, _) => 0,
            (full, 0) => full.saturating_sub(1),
            (full, _) => full,
        };
        let last = if before == self.full {
            partial
        } else {
            CHUNK_BYTES
        };
        self.emit(before, Place::Last, last)?;
        self.cipher = None;
        self.chunk = 0;
        Ok(())
    }

    /// Seals and writes `count` full chunks, and behind them, if `place` is the last, one of
    /// `length` bytes.
    fn emit(&mut self, count: usize, place: Place, length: usize) -> Result<()> {
        let cipher = match self.cipher.take() {
            Some(cipher) => cipher,
            None => self.begin_segment()?,
        };
        let mut bytes = 0;
        let slots = self.slots.chunks_mut(SLOT_BYTES).take(count + 1);
        for (at, slot) in slots.enumerate() {
            let (place, length) = match (at == count, place) {
                (false, _) => (Place::Inner, CHUNK_BYTES),
                (true, Place::Last) => (Place::Last, length),
                (true, Place::Inner) => break,
            };
            if let Some(digest) = &mut self.digest {
                let plain = slot.get(FRAME_HEAD_BYTES..FRAME_HEAD_BYTES + length);
                digest.update(plain.unwrap_or_default());
            }
            bytes += cipher.seal(self.chunk, place, slot, length)?;
            self.chunk = self.chunk.saturating_add(1);
            self.total.chunks = self.total.chunks.saturating_add(1);
            let plaintext = self.total.plaintext_bytes.saturating_add(offset(length));
            self.total.plaintext_bytes = plaintext;
            if let Some(entry) = self.index.last_mut() {
                entry.plaintext_bytes = entry.plaintext_bytes.saturating_add(offset(length));
            }
        }
        self.cipher = Some(cipher);
        let sealed = self.slots.get(..bytes);
        let sealed = sealed.ok_or(Error::Bug("chunks fit their slots"))?;
        self.out.write_all(sealed).map_err(Error::Write)?;
        self.total.file_bytes = self.total.file_bytes.saturating_add(offset(bytes));
        Ok(())
    }

    /// Writes the frame of the next segment; makes its key, and those that it tells ahead.
    fn begin_segment(&mut self) -> Result<ChunkCipher> {
        let parameters = self.data_key.parameters();
        let number = self.total.segments;
        if number >= SEGMENTS_MAX {
            return Err(Error::TooLong);
        }
        let wanted = usize::from(parameters.look_ahead.unwrap_or(0)) + 1;
        if number > 0 {
            self.ahead.pop_front();
        }
        while self.ahead.len() < wanted {
            let next = u32::try_from(self.ahead.len()).unwrap_or(u32::MAX);
            let next = number.saturating_add(next);
            let label_key = &self.made_by.label_key;
            let made = SegmentRecord::make(self.rng, label_key, next, parameters.suite)?;
            self.ahead.push_back(made);
        }
        let records = self.ahead.iter().map(|(record, _)| record);
        let content = segment::to_frame(&self.mac, records, number)?;
        let (record, key) = self.ahead.front().ok_or(Error::Bug("a record was made"))?;
        let cipher = ChunkCipher::new(&self.body, number, Some(key))?;
        let at = self.total.file_bytes;
        self.index.push(Entry {
            offset: at.saturating_sub(self.total.header_bytes),
            plaintext_bytes: 0,
            record: record.clone(),
        });
        let (kind, length) = (FRAME_SEGMENT, content.len());
        self.write_all(&FrameHead { kind, length }.to_bytes())?;
        self.write_all(&content)?;
        self.total.segments = number.saturating_add(1);
        self.chunk = 0;
        Ok(cipher)
    }
}

impl<G: TryCryptoRng + ?Sized, W: Write> Write for FileWriter<'_, G, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.push(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(Error::Write(error)) => Err(error),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// Flushes the output. A chunk that is not full stays: only the end of a segment writes it.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
