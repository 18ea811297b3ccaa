//! Version 2 of what the delegator signs: a fragment is good for one policy and one miner.
//!
//! The arithmetic, the capsule and the 359 bytes of a capsule fragment are those of version 1; the
//! signature inside covers a tagged hash of everything the fragment was granted for, so it
//! cannot be used under another policy, by another miner, at another time or on another chain, and
//! the miner can prove what it was allowed to do. There is one signature instead of two.
//!
//! | digest signed, in order | bytes |
//! |---|---|
//! | length of the tag, big-endian, then `UMBRAL_KFRAG_V2` | 4 + 15 |
//! | version = 2 | 1 |
//! | chain id, contract, policy id | 8 + 20 + 32 |
//! | miner | 20 |
//! | threshold, shares | 2 + 2 |
//! | not-before, expiry | 8 + 8 |
//! | hash of the conditions | 32 |
//! | id, U1, X | 32 + 33 + 33 |
//! | A, B | 33 + 33 |
//!
//! The digest is SHA-256 of these 316 bytes, numbers big-endian; it is signed as it is.

mod commitments;
mod delegation;
mod key_frag;

use sha2::{Digest as _, Sha256};

use crate::arithmetic::point::Point;
use crate::delegation::Quorum;
use crate::keys::context::Context;

pub use commitments::{COMMITMENTS_HEADER_BYTES, Commitments};
pub use delegation::{GrantParams, Granted, generate_kfrags};
pub use key_frag::{KEY_FRAG_BYTES, KeyFrag, VerifiedKeyFrag, reencrypt};

const KFRAG_TAG: &[u8] = b"UMBRAL_KFRAG_V2";
/// Version of this module's formats.
pub(crate) const VERSION: u8 = 2;

/// Address of a miner on the chain, 20 bytes.
pub type Miner = [u8; 20];

/// What a delegation was granted for. The meaning of the numbers is the chain's business; here
/// they are bytes that are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The chain.
    pub chain_id: u64,
    /// The contract that keeps the policy.
    pub contract: [u8; 20],
    /// The policy's id in that contract.
    pub policy_id: [u8; 32],
    /// m of n.
    pub quorum: Quorum,
    /// First moment it may be used, in the chain's unit of time.
    pub not_before: u64,
    /// First moment it may no longer be used.
    pub expiry: u64,
    /// Hash of further conditions; zeros if there are none.
    pub conditions: [u8; 32],
}

/// What a signature of version 2 covers besides the policy and the keys.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) miner: &'a Miner,
    pub(crate) id: &'a [u8; 32],
    pub(crate) u1: &'a Point,
    pub(crate) precursor: &'a Point,
}

impl Policy {
    /// The digest the delegator signs for one fragment: the table above.
    pub(crate) fn digest(&self, context: &Context, subject: &Subject<'_>) -> [u8; 32] {
        let encodings = [
            subject.id,
            subject.u1.bytes().as_slice(),
            subject.precursor.bytes(),
        ];
        self.digest_bytes(context, subject.miner, encodings)
    }

    /// As [`Policy::digest`], from the encodings of id, U1 and X.
    pub(crate) fn digest_bytes(
        &self,
        context: &Context,
        miner: &Miner,
        [id, u1, precursor]: [&[u8]; 3],
    ) -> [u8; 32] {
        tagged(KFRAG_TAG)
            .chain_update([VERSION])
            .chain_update(self.chain_id.to_be_bytes())
            .chain_update(self.contract)
            .chain_update(self.policy_id)
            .chain_update(miner)
            .chain_update(self.quorum.threshold().to_be_bytes())
            .chain_update(self.quorum.shares().to_be_bytes())
            .chain_update(self.not_before.to_be_bytes())
            .chain_update(self.expiry.to_be_bytes())
            .chain_update(self.conditions)
            .chain_update(id)
            .chain_update(u1)
            .chain_update(precursor)
            .chain_update(context.delegating.to_bytes())
            .chain_update(context.receiving.to_bytes())
            .finalize()
            .into()
    }
}

/// SHA-256 begun with the length of a tag and the tag.
fn tagged(tag: &[u8]) -> Sha256 {
    let len = u32::try_from(tag.len()).unwrap_or(u32::MAX);
    Sha256::new_with_prefix(len.to_be_bytes()).chain_update(tag)
}

#[cfg(test)]
mod tests;
