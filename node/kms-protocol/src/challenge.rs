//! A reader's consent that somebody challenges a miner's silence for it. The rules are in
//! ISilenceChallenges.sol. `accusation` is what the other judge takes.

use crate::eip712::{StructHasher, TypedData};
use crate::primitives::{Address, B256, PolicyId};

/// The reader's statement that a challenge is sent for it; domain
/// [`Domain::silence_challenges`](crate::Domain::silence_challenges). Signed by the receiving key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChallengeConsent {
    /// Policy under which the miner must answer.
    pub policy_id: PolicyId,
    /// The miner that must answer.
    pub miner: Address,
    /// keccak256 of the capsule (98 bytes).
    pub capsule_hash: B256,
    /// The account that sends the challenge and posts the bond; nobody else can use the signature.
    pub challenger: Address,
    /// Last block timestamp at which it counts, in seconds.
    pub deadline: u64,
}

impl TypedData for ChallengeConsent {
    const TYPE: &'static str = "Challenge(bytes32 policyId,address miner,bytes32 capsuleHash,\
        address challenger,uint64 deadline)";

    fn encode_fields(&self, hasher: StructHasher) -> StructHasher {
        hasher
            .bytes32(&self.policy_id.0)
            .address(&self.miner)
            .bytes32(&self.capsule_hash)
            .address(&self.challenger)
            .uint(self.deadline)
    }
}

#[cfg(test)]
mod tests;
