//! The two optional fields of a header: the locator of the policies, and the hint at the label.

use rand_core::TryCryptoRng;
use ring::hmac;
use subtle::ConstantTimeEq as _;

use crate::error::{Error, Result};

/// Length of a locator in bytes.
pub(crate) const LOCATOR_BYTES: usize = 52;
/// Length of a label hint in bytes.
pub(crate) const LABEL_HINT_BYTES: usize = 32;

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

/// A salted tag of the label's name. Whoever knows the name recognises the file by it, and anybody
/// can check a guess: use it only for names that cannot be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelHint {
    salt: [u8; 16],
    tag: [u8; 16],
}

impl LabelHint {
    pub(crate) fn new<G: TryCryptoRng + ?Sized>(rng: &mut G, label: &str) -> Result<Self> {
        let mut salt = [0; 16];
        rng.try_fill_bytes(&mut salt).map_err(|_| Error::Rng)?;
        Ok(Self {
            salt,
            tag: tag(&salt, label)?,
        })
    }

    /// Whether `label` is the name that the hint was made of.
    pub fn matches(&self, label: &str) -> bool {
        tag(&self.salt, label).is_ok_and(|tag| tag.ct_eq(&self.tag).into())
    }

    /// Writes the salt, then the tag.
    pub(crate) fn to_bytes(self) -> [u8; LABEL_HINT_BYTES] {
        let mut out = [0; LABEL_HINT_BYTES];
        let (salt, tag) = out.split_at_mut(16);
        salt.copy_from_slice(&self.salt);
        tag.copy_from_slice(&self.tag);
        out
    }

    pub(crate) fn from_bytes(bytes: &[u8; LABEL_HINT_BYTES]) -> Result<Self> {
        let bug = Error::Bug("a label hint has 32 bytes");
        let (Some(salt), Some(tag)) = (bytes.first_chunk(), bytes.last_chunk()) else {
            return Err(bug);
        };
        Ok(Self {
            salt: *salt,
            tag: *tag,
        })
    }
}

/// Computes HMAC-SHA-256(salt, "KMS v1 label hint" || label), first 16 bytes.
fn tag(salt: &[u8; 16], label: &str) -> Result<[u8; 16]> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, salt));
    context.update(b"KMS v1 label hint");
    context.update(label.as_bytes());
    let full = context.sign();
    full.as_ref()
        .first_chunk()
        .copied()
        .ok_or(Error::Bug("HMAC-SHA-256 has 32 bytes"))
}

#[cfg(test)]
mod tests;
