//! A part of a file in memory: what was read and is not yet used, and before it the plaintext that
//! was decrypted and is not yet written.

use std::io::{Read, Write};

use zeroize::Zeroizing;

use crate::chunk::{offset, read_some};
use crate::error::{Error, Result};
use crate::spec::{FRAME_HEAD_BYTES, SLOT_BYTES};

/// Bytes that a window has at first; it grows for a longer frame only.
const WINDOW_BYTES: usize = 4 * SLOT_BYTES;

/// The buffer: plaintext at its beginning, then bytes of no use, then what was read.
pub(crate) struct Window<R> {
    reader: R,
    buffer: Zeroizing<Vec<u8>>,
    /// End of the plaintext.
    plain: usize,
    /// Beginning and end of what was read.
    start: usize,
    end: usize,
    /// Offset in the file of what was read.
    offset: u64,
}

impl<R: Read> Window<R> {
    /// `offset` is that of the reader in the file.
    pub(crate) fn new(reader: R, offset: u64) -> Self {
        Self {
            reader,
            buffer: Zeroizing::new(vec![0; WINDOW_BYTES]),
            plain: 0,
            start: 0,
            end: 0,
            offset,
        }
    }

    /// Offset in the file of the next byte that is looked at.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether so many bytes can be looked at without reading.
    pub(crate) const fn holds(&self, bytes: usize) -> bool {
        self.end.saturating_sub(self.start) >= bytes
    }

    /// Writes the plaintext.
    pub(crate) fn drain<W: Write>(&mut self, writer: &mut W) -> Result<()> {
        let plain = self.buffer.get(..self.plain).unwrap_or_default();
        if !plain.is_empty() {
            writer.write_all(plain).map_err(Error::Write)?;
        }
        self.plain = 0;
        Ok(())
    }

    /// Looks at the next bytes; reads them if they are not there, over plaintext, which must be
    /// drained.
    pub(crate) fn need(&mut self, bytes: usize) -> Result<&[u8]> {
        if !self.holds(bytes) {
            self.read_until(bytes)?;
        }
        let end = self.start.saturating_add(bytes);
        let found = self.buffer.get(self.start..end);
        found.ok_or(Error::Bug("a window holds what was read"))
    }

    fn read_until(&mut self, bytes: usize) -> Result<()> {
        if self.plain > 0 {
            return Err(Error::Bug("a window is drained before it is read into"));
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end = self.end.saturating_sub(self.start);
        self.start = 0;
        if self.buffer.len() < bytes {
            let mut longer = Zeroizing::new(vec![0; bytes]);
            let (head, _) = longer.split_at_mut(self.buffer.len());
            head.copy_from_slice(&self.buffer);
            self.buffer = longer;
        }
        while self.end < bytes {
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match read_some(&mut self.reader, room)? {
                0 => {
                    let offset = self.offset.saturating_add(offset(self.end));
                    return Err(Error::Truncated { offset });
                }
                count => self.end = self.end.saturating_add(count),
            }
        }
        Ok(())
    }

    /// Passes bytes by that were looked at.
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes);
        self.offset = self.offset.saturating_add(offset(bytes));
    }

    /// Decrypts a frame's content of `length` bytes, which was looked at, and puts it behind the
    /// plaintext; `None` if it does not open. `open` decrypts from a place in a buffer to its
    /// beginning.
    pub(crate) fn open(
        &mut self,
        length: usize,
        open: impl FnOnce(&mut [u8], usize) -> Result<Option<usize>>,
    ) -> Result<Option<&[u8]>> {
        let bug = Error::Bug("plaintext stands before what was read");
        let frame = FRAME_HEAD_BYTES.saturating_add(length);
        let end = self.start.saturating_add(frame);
        let from = self.start.saturating_add(FRAME_HEAD_BYTES);
        let from = from.checked_sub(self.plain).ok_or(bug)?;
        let buffer = self.buffer.get_mut(self.plain..end);
        let buffer = buffer.ok_or(Error::Bug("a window holds what was read"))?;
        let Some(count) = open(buffer, from)? else {
            return Ok(None);
        };
        let start = self.plain;
        self.plain = start.saturating_add(count);
        self.skip(frame);
        Ok(self.buffer.get(start..self.plain))
    }

    /// Whether the input ends here.
    pub(crate) fn is_at_end(&mut self) -> Result<bool> {
        match self.need(1) {
            Ok(_) => Ok(false),
            Err(Error::Truncated { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }
}
