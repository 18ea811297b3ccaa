//! Fixed-length encodings: the fields one after the other, one length, nothing after it.

use crate::error::{Error, Result};

const ENDS: Error = Error::Bug("an object is as long as its fields");

/// Reads one object of a known length.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
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
        Ok(Self { rest: bytes })
    }

    pub(crate) fn take<const N: usize>(&mut self) -> Result<&'a [u8; N]> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(ENDS)?;
        self.rest = rest;
        Ok(head)
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
