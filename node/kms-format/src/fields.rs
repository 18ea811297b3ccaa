//! The two optional fields of a header: the locator of the policies, and the label's sealed name.

use crate::error::{Error, Result};

/// Length of a locator in bytes.
pub(crate) const LOCATOR_BYTES: usize = 52;
/// The lengths of a sealed name in bytes: a tag of 16 and a multiple of 32, so that little can be
/// told of the name's own.
pub const SEALED_NAME_LENGTHS: [usize; 5] = [48, 80, 112, 144, 176];

/// The chain and the contract on which readers find the policies of a file's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locator {
    /// EIP-155 id of the chain.
    pub chain_id: u64,
    /// Address of the policy manager contract.
    pub contract: [u8; 20],
}

impl Locator {
    /// Writes the chain id as 32 bytes big-endian, then the contract.
    pub(crate) fn to_bytes(self) -> [u8; LOCATOR_BYTES] {
        let mut out = [0; LOCATOR_BYTES];
        let (chain_id, contract) = out.split_at_mut(32);
        let (_, low) = chain_id.split_at_mut(24);
        low.copy_from_slice(&self.chain_id.to_be_bytes());
        contract.copy_from_slice(&self.contract);
        out
    }

    /// Reads a locator; fails for a chain id of more than 64 bits.
    pub(crate) fn from_bytes(bytes: &[u8; LOCATOR_BYTES]) -> Result<Self> {
        let [high @ .., _, _, _, _, _, _, _, _] = bytes.first_chunk::<32>().ok_or(NO_LOCATOR)?;
        if high.iter().any(|byte| *byte != 0) {
            return Err(Error::HeaderMalformed {
                problem: "locator: chain id above 64 bits",
            });
        }
        let low = bytes
            .get(24..32)
            .and_then(|low| low.first_chunk())
            .ok_or(NO_LOCATOR)?;
        let contract = *bytes.last_chunk().ok_or(NO_LOCATOR)?;
        Ok(Self {
            chain_id: u64::from_be_bytes(*low),
            contract,
        })
    }
}

const NO_LOCATOR: Error = Error::Bug("a locator has 52 bytes");

/// The label's name, sealed by the label's owner for itself: opaque here and to everybody else.
/// Whoever writes a file copies it from where it got the label's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedName(Vec<u8>);

impl SealedName {
    /// Takes bytes of one of the five lengths that a sealed name can have: see
    /// [`SEALED_NAME_LENGTHS`].
    ///
    /// # Errors
    /// [`Error::HeaderMalformed`] for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if SEALED_NAME_LENGTHS.contains(&bytes.len()) {
            Ok(Self(bytes.to_vec()))
        } else {
            Err(Error::HeaderMalformed {
                problem: "a sealed name has 48, 80, 112, 144 or 176 bytes",
            })
        }
    }

    /// The bytes, as in a header.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests;
