//! Archives: the files of a folder in one plaintext. First the manifest, which names them, then
//! their contents. No entry leads out of the folder it is unpacked in.
//!
//! Plaintext: length u32 of the manifest, the manifest, the contents of the files in its order.

mod manifest;
mod unpack;

use std::io::Write;

use rand_core::TryCryptoRng;

use crate::encrypt::Encryptor;
use crate::error::{Error, Result};
use crate::writer::FileWriter;

pub use manifest::{Entry, EntryPath, Kind, MANIFEST_BYTES_MAX, Manifest, Modified};
pub use unpack::{Destination, Unpack};

impl Encryptor {
    /// Begins an archive of these entries: their files' contents follow, in the manifest's order
    /// and of the lengths that it tells.
    ///
    /// # Errors
    /// As [`Encryptor::writer`].
    pub fn archive<'g, G, W>(
        &self,
        rng: &'g mut G,
        manifest: &Manifest,
        out: W,
    ) -> Result<FileWriter<'g, G, W>>
    where
        G: TryCryptoRng + ?Sized,
        W: Write,
    {
        let bytes = manifest.to_bytes();
        let length = u32::try_from(bytes.len()).map_err(|_| Error::TooLong)?;
        let mut file = self.clone().marked_archive().writer(rng, out)?;
        file.push(&length.to_be_bytes())?;
        file.push(&bytes)?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests;
