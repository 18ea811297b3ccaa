//! Encrypts a file, and makes a new header for an existing one.

use std::io::{Read, Write};

use rand_core::TryCryptoRng;
use umbral::PublicKey;
use zeroize::Zeroizing;

use crate::chunk::{ChunkCipher, Place, read_full};
use crate::error::{Error, Result};
use crate::fields::{Locator, SealedName};
use crate::header::{Header, Parts, offset};
use crate::keys::{AccessKey, DataKey};
use crate::spec::{CHUNK_BYTES, SEALED_BYTES};
use crate::summary::Summary;

/// Encrypts for one label. Needs only the label's public key: no secret, no network.
#[derive(Debug, Clone)]
pub struct Encryptor {
    label_key: PublicKey,
    sealed_name: Option<SealedName>,
    locator: Option<Locator>,
}

impl Encryptor {
    /// Makes an encryptor for the label with this key.
    pub fn new(label_key: &PublicKey) -> Self {
        Self {
            label_key: *label_key,
            sealed_name: None,
            locator: None,
        }
    }

    /// Puts the chain and contract of the label's policies into the header, in the clear.
    #[must_use]
    pub fn with_locator(mut self, locator: Locator) -> Self {
        self.locator = Some(locator);
        self
    }

    /// Puts the label's name, sealed by the label's owner, into the header: with it the owner opens
    /// the file from the seed alone.
    #[must_use]
    pub fn with_sealed_name(mut self, name: SealedName) -> Self {
        self.sealed_name = Some(name);
        self
    }

    /// Encrypts `reader` to its end. Holds two chunks in memory, whatever the length.
    ///
    /// `progress` receives the plaintext bytes done so far, after each chunk.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Write`], [`Error::Rng`], [`Error::TooLong`].
    pub fn encrypt<G, R, W>(
        &self,
        rng: &mut G,
        mut reader: R,
        mut writer: W,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Summary>
    where
        G: TryCryptoRng + ?Sized,
        R: Read,
        W: Write,
    {
        let data_key = DataKey::random(rng)?;
        let header = self.header(rng, &data_key)?;
        writer.write_all(header.as_bytes()).map_err(Error::Write)?;
        let header_bytes = offset(header.as_bytes().len());
        let mut total = Summary {
            header_bytes,
            plaintext_bytes: 0,
            file_bytes: header_bytes,
            chunks: 0,
        };

        let cipher = ChunkCipher::new(&data_key)?;
        let mut current = Zeroizing::new(vec![0; SEALED_BYTES]);
        let mut next = Zeroizing::new(vec![0; SEALED_BYTES]);
        let mut length = read_chunk(&mut reader, &mut current)?;
        loop {
            // A short chunk is the last one; a full one is the last if nothing follows it.
            let follows = if length < CHUNK_BYTES {
                0
            } else {
                read_chunk(&mut reader, &mut next)?
            };
            let place = if follows == 0 {
                Place::Last
            } else {
                Place::Inner
            };
            let sealed = cipher.seal(total.chunks, place, &mut current, length)?;
            writer.write_all(sealed).map_err(Error::Write)?;
            total.chunks = total.chunks.saturating_add(1);
            total.plaintext_bytes = total.plaintext_bytes.saturating_add(offset(length));
            total.file_bytes = total.file_bytes.saturating_add(offset(sealed.len()));
            progress(total.plaintext_bytes);
            if place == Place::Last {
                break;
            }
            std::mem::swap(&mut current, &mut next);
            length = follows;
        }
        writer.flush().map_err(Error::Write)?;
        Ok(total)
    }

    /// Makes a new header for an existing file, whose chunks stay valid as they are. Nothing of the
    /// old header is kept: label key, sealed name and locator are this encryptor's.
    ///
    /// # Errors
    /// [`Error::Rng`].
    pub fn rewrap<G>(&self, rng: &mut G, data_key: &DataKey) -> Result<Header>
    where
        G: TryCryptoRng + ?Sized,
    {
        self.header(rng, data_key)
    }

    fn header<G: TryCryptoRng + ?Sized>(&self, rng: &mut G, data_key: &DataKey) -> Result<Header> {
        let (capsule, secret) =
            umbral::encapsulate(rng, &self.label_key).map_err(Error::Encapsulate)?;
        let parts = Parts {
            label_key: &self.label_key,
            capsule: &capsule,
            access: &AccessKey::new(secret.expose())?,
            sealed_name: self.sealed_name.as_ref(),
            locator: self.locator,
        };
        Header::build(&parts, data_key)
    }
}

/// Reads up to one chunk of plaintext into a buffer that has room for its tag.
fn read_chunk<R: Read>(reader: &mut R, buffer: &mut [u8]) -> Result<usize> {
    let room = buffer
        .get_mut(..CHUNK_BYTES)
        .ok_or(Error::Bug("a chunk buffer holds a chunk"))?;
    read_full(reader, room)
}
