//! A random generator that plays back recorded bytes.

use std::fmt;

use rand_core::{TryCryptoRng, TryRng};

use super::Failure;

/// Recorded bytes, each given once.
pub(crate) struct Tape(Vec<u8>);

impl Tape {
    pub(crate) fn new(mut bytes: Vec<u8>) -> Self {
        bytes.reverse();
        Self(bytes)
    }

    /// A replay is faithful only if it draws all that the original drew.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self.0.len() {
            0 => Ok(()),
            left => Failure::broken(format!("{left} random bytes were not drawn")),
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], TapeEnds> {
        let mut out = [0; N];
        self.try_fill_bytes(&mut out)?;
        Ok(out)
    }
}

/// More was drawn than was recorded.
#[derive(Debug)]
pub(crate) struct TapeEnds;

impl fmt::Display for TapeEnds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more random bytes were drawn than recorded")
    }
}

impl std::error::Error for TapeEnds {}

impl TryRng for Tape {
    type Error = TapeEnds;

    fn try_next_u32(&mut self) -> Result<u32, TapeEnds> {
        self.take().map(u32::from_be_bytes)
    }

    fn try_next_u64(&mut self) -> Result<u64, TapeEnds> {
        self.take().map(u64::from_be_bytes)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), TapeEnds> {
        for slot in out {
            *slot = self.0.pop().ok_or(TapeEnds)?;
        }
        Ok(())
    }
}

impl TryCryptoRng for Tape {}
