//! Takes the plaintext of an archive in pieces and hands out its entries.

use std::io::{self, Write};

use super::manifest::{Entry, MANIFEST_BYTES_MAX, Manifest, malformed};
use crate::chunk::offset;
use crate::error::{Error, Result};

/// Where the entries of an archive go.
pub trait Destination {
    /// Begins an entry; the content of a file follows.
    ///
    /// # Errors
    /// Those of whatever the entries go to.
    fn entry(&mut self, entry: &Entry) -> io::Result<()>;

    /// Takes a part of the content of the latest entry.
    ///
    /// # Errors
    /// Those of whatever the entries go to.
    fn content(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// Unpacks what is written to it, in constant memory but for the manifest.
pub struct Unpack<D> {
    destination: D,
    /// Length and bytes of the manifest, before all of it is there.
    head: Vec<u8>,
    manifest: Option<Manifest>,
    /// Entries begun.
    begun: usize,
    /// Bytes of the latest entry's content that are still to come.
    left: u64,
}

impl<D: Destination> Unpack<D> {
    /// Unpacks to `destination`.
    pub const fn new(destination: D) -> Self {
        Self {
            destination,
            head: Vec::new(),
            manifest: None,
            begun: 0,
            left: 0,
        }
    }

    /// Ends the archive; returns the destination.
    ///
    /// # Errors
    /// [`Error::ArchiveMalformed`] if it is not complete, [`Error::Write`].
    pub fn finish(mut self) -> Result<D> {
        self.advance().map_err(Error::Write)?;
        let all = self.manifest.as_ref().map(|all| all.entries().len());
        if self.left > 0 || all != Some(self.begun) {
            return Err(malformed("the archive ends before its last file"));
        }
        Ok(self.destination)
    }

    /// Takes bytes of the head; returns those behind it.
    fn take_head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        let mut rest = bytes;
        if self.head.len() < 4 {
            rest = self.take_up_to(4, rest);
        }
        let Some(length) = self.head.first_chunk::<4>() else {
            return Ok(rest);
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > MANIFEST_BYTES_MAX {
            return Err(malformed("the manifest is longer than 64 MiB"));
        }
        let whole = length.saturating_add(4);
        rest = self.take_up_to(whole, rest);
        if self.head.len() == whole {
            let head = std::mem::take(&mut self.head);
            let manifest = Manifest::from_bytes(head.get(4..).unwrap_or_default())?;
            self.manifest = Some(manifest);
        }
        Ok(rest)
    }

    fn take_up_to<'a>(&mut self, length: usize, bytes: &'a [u8]) -> &'a [u8] {
        let missing = length.saturating_sub(self.head.len());
        let (now, rest) = bytes.split_at(missing.min(bytes.len()));
        self.head.extend_from_slice(now);
        rest
    }

    /// Begins entries until one has content that is to come.
    fn advance(&mut self) -> io::Result<()> {
        let Some(manifest) = &self.manifest else {
            return Ok(());
        };
        while self.left == 0
            && let Some(entry) = manifest.entries().get(self.begun)
        {
            self.begun = self.begun.saturating_add(1);
            self.left = entry.content_bytes();
            self.destination.entry(entry)?;
        }
        Ok(())
    }
}

impl<D: Destination> Write for Unpack<D> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        if self.manifest.is_none() {
            rest = self.take_head(rest).map_err(io::Error::other)?;
        }
        while !rest.is_empty() {
            self.advance()?;
            if self.left == 0 {
                let error = malformed("there are bytes after the last file of the archive");
                return Err(io::Error::other(error));
            }
            let count = usize::try_from(self.left).unwrap_or(usize::MAX);
            let (now, after) = rest.split_at(count.min(rest.len()));
            self.destination.content(now)?;
            self.left = self.left.saturating_sub(offset(now.len()));
            rest = after;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
