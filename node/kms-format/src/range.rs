//! Decrypts ranges of a seekable file: only the chunks that a range touches are read.

use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;

use zeroize::Zeroizing;

use crate::chunk::{ChunkCipher, Place, read_full};
use crate::error::{Error, Result};
use crate::header::Header;
use crate::keys::DataKey;
use crate::spec::{CHUNK_BYTES, SEALED_BYTES};
use crate::summary::Summary;

/// Random access to the plaintext of a file that starts at byte 0 of `R`.
pub struct RangeReader<R> {
    cipher: ChunkCipher,
    reader: R,
    layout: Summary,
    buffer: Zeroizing<Vec<u8>>,
}

impl<R: Read + Seek> RangeReader<R> {
    /// Finds the length and verifies the last chunk, so that a file that was cut or lengthened is
    /// refused before any range is read.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Truncated`], [`Error::ChunkTampered`].
    pub fn open(header: &Header, data_key: &DataKey, mut reader: R) -> Result<Self> {
        let file_bytes = reader.seek(SeekFrom::End(0)).map_err(Error::Read)?;
        let layout = header.layout(file_bytes)?;
        let mut this = Self {
            cipher: ChunkCipher::new(data_key)?,
            reader,
            layout,
            buffer: Zeroizing::new(vec![0; SEALED_BYTES]),
        };
        this.chunk(layout.chunks.saturating_sub(1))?;
        Ok(this)
    }

    /// Bytes of plaintext in the file.
    pub const fn plaintext_bytes(&self) -> u64 {
        self.layout.plaintext_bytes
    }

    /// Writes the plaintext of `range`; nothing of a chunk before its tag is verified.
    ///
    /// # Errors
    /// [`Error::RangeOutside`], [`Error::Read`], [`Error::Write`], [`Error::ChunkTampered`].
    pub fn read_range<W: Write>(&mut self, range: Range<u64>, mut writer: W) -> Result<()> {
        let length = self.plaintext_bytes();
        if range.end > length {
            return Err(Error::RangeOutside {
                end: range.end,
                length,
            });
        }
        let mut position = range.start;
        while position < range.end {
            let chunk = position / CHUNK;
            let start = chunk.saturating_mul(CHUNK);
            let plain = self.chunk(chunk)?;
            let from = usize::try_from(position.saturating_sub(start)).unwrap_or(usize::MAX);
            let to = usize::try_from(range.end.saturating_sub(start)).unwrap_or(usize::MAX);
            let part = plain.get(from..to.min(plain.len()));
            let part = part.ok_or(Error::Bug("a chunk holds its share of the range"))?;
            writer.write_all(part).map_err(Error::Write)?;
            position = start.saturating_add(CHUNK);
        }
        writer.flush().map_err(Error::Write)
    }

    fn chunk(&mut self, chunk: u64) -> Result<&[u8]> {
        let place = if chunk.saturating_add(1) == self.layout.chunks {
            Place::Last
        } else {
            Place::Inner
        };
        let start = self
            .layout
            .header_bytes
            .saturating_add(chunk.saturating_mul(SEALED));
        self.reader
            .seek(SeekFrom::Start(start))
            .map_err(Error::Read)?;
        let length = read_full(&mut self.reader, &mut self.buffer)?;
        let sealed = self.buffer.get_mut(..length).unwrap_or_default();
        self.cipher.open(chunk, place, sealed)
    }
}

const CHUNK: u64 = CHUNK_BYTES as u64;
const SEALED: u64 = SEALED_BYTES as u64;
