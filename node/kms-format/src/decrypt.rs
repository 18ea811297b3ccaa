//! Decrypts a file from its first byte to its last, in constant memory.

use std::io::{Read, Write};

use zeroize::Zeroizing;

use crate::chunk::{ChunkCipher, Place, read_full};
use crate::error::{Error, Result};
use crate::header::{Header, offset};
use crate::keys::DataKey;
use crate::spec::{SEALED_BYTES, TAG_BYTES};
use crate::summary::Summary;

/// Decrypts the chunks that follow a header.
pub struct Decryptor<R> {
    cipher: ChunkCipher,
    reader: R,
    header_bytes: u64,
}

impl<R: Read> Decryptor<R> {
    /// Starts to decrypt. `reader` is at the first byte after the header, where [`Header::read`]
    /// stops.
    ///
    /// # Errors
    /// None that the input can cause.
    pub fn new(header: &Header, data_key: &DataKey, reader: R) -> Result<Self> {
        let header_bytes = offset(header.as_bytes().len());
        Ok(Self {
            cipher: ChunkCipher::new(data_key)?,
            reader,
            header_bytes,
        })
    }

    /// Writes the plaintext. Nothing of a chunk is written before its tag is verified, and the
    /// whole is authentic only once this returns `Ok`.
    ///
    /// `progress` receives the plaintext bytes done so far, after each chunk.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Write`], [`Error::ChunkTampered`], [`Error::Truncated`],
    /// [`Error::TrailingData`], [`Error::TooLong`].
    pub fn decrypt<W: Write>(
        mut self,
        mut writer: W,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Summary> {
        let mut total = Summary {
            header_bytes: self.header_bytes,
            plaintext_bytes: 0,
            file_bytes: self.header_bytes,
            chunks: 0,
        };
        let mut current = Zeroizing::new(vec![0; SEALED_BYTES]);
        let mut next = Zeroizing::new(vec![0; SEALED_BYTES]);
        let mut length = read_full(&mut self.reader, &mut current)?;
        loop {
            let follows = if length < SEALED_BYTES {
                0
            } else {
                read_full(&mut self.reader, &mut next)?
            };
            let end = total.file_bytes.saturating_add(offset(length));
            let window = Window {
                chunk: total.chunks,
                end,
                follows,
            };
            let sealed = current
                .get_mut(..length)
                .ok_or(Error::Bug("a chunk fits its buffer"))?;
            let plain = self.open(window, sealed)?;
            writer.write_all(plain).map_err(Error::Write)?;
            total.chunks = total.chunks.saturating_add(1);
            total.plaintext_bytes = total.plaintext_bytes.saturating_add(offset(plain.len()));
            total.file_bytes = end;
            progress(total.plaintext_bytes);
            if follows == 0 {
                break;
            }
            std::mem::swap(&mut current, &mut next);
            length = follows;
        }
        writer.flush().map_err(Error::Write)?;
        Ok(total)
    }

    /// Opens one chunk, or finds out why it does not open. Only near the end of a file can there be
    /// another reason than a change, so only there a copy is kept to try again with.
    fn open<'a>(&self, at: Window, sealed: &'a mut [u8]) -> Result<&'a [u8]> {
        if sealed.len() < TAG_BYTES {
            return Err(Error::Truncated { offset: at.end });
        }
        let place = if at.follows == 0 {
            Place::Last
        } else {
            Place::Inner
        };
        let near_end = sealed.len() == SEALED_BYTES && at.follows < SEALED_BYTES;
        let copy = near_end.then(|| Zeroizing::new(sealed.to_vec()));
        match self.cipher.open(at.chunk, place, sealed) {
            // Only the chunk of an empty file is empty.
            Ok([]) if at.chunk > 0 => Err(Error::ChunkTampered { chunk: at.chunk }),
            Ok(plain) => Ok(plain),
            Err(error) => Err(copy.map_or(error, |copy| self.explain(at, copy))),
        }
    }

    fn explain(&self, at: Window, mut sealed: Zeroizing<Vec<u8>>) -> Error {
        let other = if at.follows == 0 {
            Place::Inner
        } else {
            Place::Last
        };
        match (self.cipher.open(at.chunk, other, &mut sealed), other) {
            (Ok(_), Place::Inner) => Error::Truncated { offset: at.end },
            (Ok(_), Place::Last) => Error::TrailingData { offset: at.end },
            (Err(error), _) => error,
        }
    }
}

/// The place and surroundings of the chunk being opened.
#[derive(Clone, Copy)]
struct Window {
    chunk: u64,
    /// Offset in the file of the first byte after the chunk.
    end: u64,
    /// Bytes that were read after the chunk, at most a full chunk.
    follows: usize,
}
