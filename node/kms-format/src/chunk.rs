//! Chunks: nonce, sealing and opening in place, and the reading of whole chunks.

use std::io::{ErrorKind, Read};

use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};

use crate::error::{Error, Result};
use crate::keys::{BODY_ID_BYTES, DataKey};
use crate::spec::{CHUNKS_MAX, TAG_BYTES};

/// The place of a chunk in its file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// More chunks follow; the chunk is full.
    Inner,
    /// The last chunk of the file.
    Last,
}

/// The key and the associated data of all chunks of a file.
pub(crate) struct ChunkCipher {
    key: LessSafeKey,
    body_id: [u8; BODY_ID_BYTES],
}

impl ChunkCipher {
    pub(crate) fn new(data_key: &DataKey) -> Result<Self> {
        Ok(Self {
            key: data_key.chunk_key()?,
            body_id: data_key.body_id()?,
        })
    }

    /// Encrypts `buffer[..length]` in place and puts the tag behind it; returns the sealed bytes.
    pub(crate) fn seal<'a>(
        &self,
        chunk: u64,
        place: Place,
        buffer: &'a mut [u8],
        length: usize,
    ) -> Result<&'a [u8]> {
        let room = Error::Bug("a chunk buffer has room for the tag");
        let Some(sealed) = buffer.get_mut(..length.saturating_add(TAG_BYTES)) else {
            return Err(room);
        };
        let (body, tag) = sealed.split_at_mut(length);
        let nonce = Nonce::assume_unique_for_key(nonce(chunk, place)?);
        let made = self
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(&self.body_id), body);
        tag.copy_from_slice(
            made.map_err(|_| Error::Bug("a chunk can be sealed"))?
                .as_ref(),
        );
        Ok(sealed)
    }

    /// Decrypts `sealed` in place. On failure its content is lost.
    pub(crate) fn open<'a>(
        &self,
        chunk: u64,
        place: Place,
        sealed: &'a mut [u8],
    ) -> Result<&'a [u8]> {
        let nonce = Nonce::assume_unique_for_key(nonce(chunk, place)?);
        let opened = self
            .key
            .open_in_place(nonce, Aad::from(&self.body_id), sealed);
        opened
            .map(|plain| &*plain)
            .map_err(|_| Error::ChunkTampered { chunk })
    }
}

/// Makes the nonce: u32 segment = 0, u56 chunk, u8 last; big-endian.
fn nonce(chunk: u64, place: Place) -> Result<[u8; NONCE_LEN]> {
    if chunk >= CHUNKS_MAX {
        return Err(Error::TooLong);
    }
    let [_, c0, c1, c2, c3, c4, c5, c6] = chunk.to_be_bytes();
    Ok([
        0,
        0,
        0,
        0,
        c0,
        c1,
        c2,
        c3,
        c4,
        c5,
        c6,
        u8::from(place == Place::Last),
    ])
}

/// Reads until the buffer is full or the input ends; returns the bytes read.
pub(crate) fn read_full<R: Read + ?Sized>(reader: &mut R, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while let Some(rest @ [_, ..]) = buffer.get_mut(filled..) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(count) => filled = filled.saturating_add(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::Read(error)),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests;
