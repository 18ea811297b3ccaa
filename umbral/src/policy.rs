//! What a kfrag is granted for: m of n miners, a policy of a contract, a time; and the digest that
//! the delegator signs to bind a kfrag to it.

use sha2::Digest as _;

use crate::error::{Error, Result};
use crate::hashing::tagged;
use crate::keys::context::Context;
use crate::wire::concat;

const KFRAG_TAG: &[u8] = b"UMBRAL_KFRAG_V2";
/// Version of the signed message, first byte of a kfrag and of commitments.
pub(crate) const VERSION: u8 = 2;

/// Address of a miner on the chain, 20 bytes.
pub type Miner = [u8; 20];

/// m of n: a threshold that is not zero, not above n, with n at most [`Quorum::MAX_SHARES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum {
    threshold: u16,
    shares: u16,
}

impl Quorum {
    /// Most kfrags that a key is split into, and most cfrags that an opening takes.
    pub const MAX_SHARES: u16 = 255;

    /// Takes m and n: any `threshold` of the `shares` kfrags open a capsule.
    ///
    /// # Errors
    /// [`Error::ThresholdZero`], [`Error::ThresholdAboveShares`] or [`Error::TooManyShares`].
    pub const fn new(threshold: u16, shares: u16) -> Result<Self> {
        if threshold == 0 {
            return Err(Error::ThresholdZero);
        }
        if threshold > shares {
            return Err(Error::ThresholdAboveShares { threshold, shares });
        }
        if shares > Self::MAX_SHARES {
            return Err(Error::TooManyShares {
                given: shares as usize,
                limit: Self::MAX_SHARES as usize,
            });
        }
        Ok(Self { threshold, shares })
    }

    /// m, the cfrags that an opening needs.
    pub const fn threshold(&self) -> u16 {
        self.threshold
    }

    /// n, the kfrags that are made.
    pub const fn shares(&self) -> u16 {
        self.shares
    }
}

/// What a delegation is granted for. The chain gives the numbers a meaning; here they are signed.
///
/// The delegator signs SHA-256 of these 316 bytes for each kfrag, numbers big-endian; the digest
/// is signed as it is:
///
/// | in order | bytes |
/// |---|---|
/// | length of the tag, then `UMBRAL_KFRAG_V2` | 4 + 15 |
/// | version = 2 | 1 |
/// | chain id, contract, policy id | 8 + 20 + 32 |
/// | miner | 20 |
/// | threshold, shares | 2 + 2 |
/// | not-before, expiry | 8 + 8 |
/// | hash of the conditions | 32 |
/// | id, U1, X | 32 + 33 + 33 |
/// | A, B | 33 + 33 |
///
/// So a kfrag cannot be used under another policy, by another miner, at another time or on another
/// chain, and the miner can prove what it was allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Id of the chain with the contract (EIP-155).
    pub chain_id: u64,
    /// Address of the contract that keeps the policy.
    pub contract: [u8; 20],
    /// Id of the policy in that contract.
    pub policy_id: [u8; 32],
    /// m cfrags that open a capsule, n kfrags that are made.
    pub quorum: Quorum,
    /// First moment at which it may be used, in the chain's unit of time.
    pub not_before: u64,
    /// First moment at which it may no longer be used.
    pub expiry: u64,
    /// Hash of further conditions; zeros if there are none.
    pub conditions: [u8; 32],
}

/// What the signature of a kfrag covers besides the policy and the keys. Points are encoded.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) miner: &'a Miner,
    pub(crate) id: &'a [u8; 32],
    pub(crate) u1: &'a [u8; 33],
    pub(crate) precursor: &'a [u8; 33],
}

impl Policy {
    /// Bytes of [`Policy::to_bytes`].
    pub(crate) const BYTES: usize = 112;

    /// Writes the fields in their order, numbers big-endian.
    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        concat(&[
            &self.chain_id.to_be_bytes(),
            &self.contract,
            &self.policy_id,
            &self.quorum.threshold.to_be_bytes(),
            &self.quorum.shares.to_be_bytes(),
            &self.not_before.to_be_bytes(),
            &self.expiry.to_be_bytes(),
            &self.conditions,
        ])
    }

    /// The digest of the table above.
    pub(crate) fn digest(&self, context: &Context, subject: &Subject<'_>) -> [u8; 32] {
        tagged(KFRAG_TAG)
            .chain_update([VERSION])
            .chain_update(self.chain_id.to_be_bytes())
            .chain_update(self.contract)
            .chain_update(self.policy_id)
            .chain_update(subject.miner)
            .chain_update(self.quorum.threshold.to_be_bytes())
            .chain_update(self.quorum.shares.to_be_bytes())
            .chain_update(self.not_before.to_be_bytes())
            .chain_update(self.expiry.to_be_bytes())
            .chain_update(self.conditions)
            .chain_update(subject.id)
            .chain_update(subject.u1)
            .chain_update(subject.precursor)
            .chain_update(context.delegating.to_bytes())
            .chain_update(context.receiving.to_bytes())
            .finalize()
            .into()
    }
}

#[cfg(test)]
mod tests;
