//! Fixed-length encodings: one length, one framing, nothing after it.
//!
//! Every object has one MessagePack form (nested arrays, byte strings as `bin8`), so decoding is a
//! comparison with a template; the "simple" form is the fields alone.

use crate::error::{Error, Result};

/// MessagePack header of a 32-byte string.
pub(crate) const BIN32: &[u8] = &[0xc4, 32];
/// MessagePack header of a 33-byte string.
pub(crate) const BIN33: &[u8] = &[0xc4, 33];
/// MessagePack header of a 64-byte string.
pub(crate) const BIN64: &[u8] = &[0xc4, 64];

const FALSE: u8 = 0xc2;
const TRUE: u8 = 0xc3;

/// MessagePack form of a boolean.
pub(crate) const fn flag(value: bool) -> u8 {
    if value { TRUE } else { FALSE }
}

/// Reads one object of a known length.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    object: &'static str,
}

impl<'a> Reader<'a> {
    /// Starts reading, once the length is exactly the one expected.
    pub(crate) fn new(bytes: &'a [u8], object: &'static str, expected: usize) -> Result<Self> {
        let actual = bytes.len();
        if actual != expected {
            return Err(Error::Length {
                object,
                expected,
                actual,
            });
        }
        Ok(Self {
            rest: bytes,
            object,
        })
    }

    /// The next N bytes.
    pub(crate) fn take<const N: usize>(&mut self) -> Result<&'a [u8; N]> {
        let framing = Error::Framing {
            object: self.object,
        };
        let (head, rest) = self.rest.split_first_chunk().ok_or(framing)?;
        self.rest = rest;
        Ok(head)
    }

    /// Bytes that must be exactly these.
    pub(crate) fn exactly(&mut self, header: &[u8]) -> Result<()> {
        let framing = Error::Framing {
            object: self.object,
        };
        self.rest = self.rest.strip_prefix(header).ok_or(framing)?;
        Ok(())
    }

    /// The next N bytes, behind their `bin8` header.
    pub(crate) fn bin<const N: usize>(&mut self) -> Result<&'a [u8; N]> {
        let [.., len] = N.to_be_bytes();
        self.exactly(&[0xc4, len])?;
        self.take()
    }

    /// A MessagePack boolean.
    pub(crate) fn flag(&mut self, field: &'static str) -> Result<bool> {
        match self.take()? {
            [FALSE] => Ok(false),
            [TRUE] => Ok(true),
            _ => Err(Error::InvalidFlag { field }),
        }
    }
}

/// Writes the parts one after the other. Their lengths add up to the array's: tested per codec.
pub(crate) fn fill(mut out: &mut [u8], parts: &[&[u8]]) {
    for part in parts {
        let Some((head, tail)) = out.split_at_mut_checked(part.len()) else {
            debug_assert!(false, "parts are longer than the object");
            return;
        };
        head.copy_from_slice(part);
        out = tail;
    }
    debug_assert!(out.is_empty(), "parts are shorter than the object");
}

/// As [`fill`], into a new array.
pub(crate) fn concat<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut out = [0; N];
    fill(&mut out, parts);
    out
}

#[cfg(test)]
mod tests;
