//! The commitments of a delegation in messages: the author gives them to each miner with its kfrag
//! (`kfrag.rs`), each miner to the reader (`reencrypt.rs`). Public; unverified bytes until `umbral`
//! has checked them.

use core::fmt;
use core::str::FromStr;

use umbral::Commitments;

use crate::error::{Error, Result};
use crate::hex_serde::{decode, encode, serde_by_text};
use crate::policy::MINERS_MAX;
use crate::primitives::{B256, keccak256};

/// Bytes of one committed coefficient: a compressed point.
const COEFFICIENT_BYTES: usize = 33;
/// Bytes of the signature at the end.
const SIGNATURE_BYTES: usize = 64;

/// Longest commitments, for a threshold of [`MINERS_MAX`]: 1,220 bytes.
pub const COMMITMENTS_BYTES_MAX: usize = Commitments::HEADER_BYTES + COEFFICIENT_BYTES * MINERS_MAX;

/// `umbral::Commitments` in bytes, 164 + 33 m of them, 1 <= m <= 32, not checked further.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitmentsBytes(Vec<u8>);

impl CommitmentsBytes {
    /// keccak256 of the bytes, which the author signs in a grant.
    pub fn hash(&self) -> B256 {
        keccak256(&self.0)
    }

    /// All bytes but the signature. Two signatures over equal statements are no contradiction.
    pub fn statement(&self) -> &[u8] {
        let end = self.0.len().saturating_sub(SIGNATURE_BYTES);
        self.0.get(..end).unwrap_or_default()
    }

    /// Parses the bytes. [`Commitments::check_signature`] checks by whom and for which policy they
    /// are.
    ///
    /// # Errors
    /// The first field that is not canonical.
    pub fn parse(&self) -> umbral::Result<Commitments> {
        Commitments::from_bytes(&self.0)
    }
}

impl TryFrom<&[u8]> for CommitmentsBytes {
    type Error = Error;

    fn try_from(bytes: &[u8]) -> Result<Self> {
        check_length(bytes.len())?;
        Ok(Self(bytes.to_vec()))
    }
}

impl TryFrom<&Commitments> for CommitmentsBytes {
    type Error = Error;

    /// Fails for more coefficients than a policy has miners.
    fn try_from(commitments: &Commitments) -> Result<Self> {
        Self::try_from(commitments.to_bytes().as_slice())
    }
}

/// Checks the length: 164 bytes and 33 for each of 1 to 32 coefficients.
fn check_length(actual: usize) -> Result<()> {
    let coefficients = actual.checked_sub(Commitments::HEADER_BYTES);
    let fits = coefficients.is_some_and(|bytes| bytes > 0 && bytes % COEFFICIENT_BYTES == 0);
    if fits && actual <= COMMITMENTS_BYTES_MAX {
        Ok(())
    } else {
        Err(Error::CommitmentsLength { actual })
    }
}

impl AsRef<[u8]> for CommitmentsBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for CommitmentsBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&encode(&self.0))
    }
}

impl fmt::Debug for CommitmentsBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for CommitmentsBytes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        // The length is checked before decoding; the decoder refuses an odd number of digits.
        check_length(text.len().saturating_sub(2) / 2)?;
        decode(text).map(Self)
    }
}

serde_by_text!(CommitmentsBytes);

#[cfg(test)]
mod tests;
