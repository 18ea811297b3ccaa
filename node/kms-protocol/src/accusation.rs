//! The signed accusation and the evidence that a reader or an author submits to the Adjudicator.
//!
//! The receipt and the cfrags come from `messages/reencrypt.rs`, the witnesses from `umbral`.

use umbral::Capsule;
use umbral::fault::{CapsuleWitness, Fault};

use crate::eip712::{StructHasher, TypedData};
use crate::messages::CfragBytes;
use crate::primitives::{Address, B256, PolicyId, keccak256};

/// An accusation over one capsule: who is accused, and who receives the reward; domain
/// [`Domain::adjudicator`](crate::Domain::adjudicator). Signed by the requester that the miner's
/// receipt names: the receiving key, or the author's verifying key if the author asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accusation {
    /// The miner whose worker signed the receipt.
    pub miner: Address,
    /// Policy under which the receipt was signed.
    pub policy_id: PolicyId,
    /// keccak256 of the capsule (98 bytes).
    pub capsule_hash: B256,
    /// Account that receives the reward, whoever sends the transaction.
    pub challenger: Address,
}

impl TypedData for Accusation {
    const TYPE: &'static str =
        "Accusation(address miner,bytes32 policyId,bytes32 capsuleHash,address challenger)";

    fn encode_fields(&self, hasher: StructHasher) -> StructHasher {
        hasher
            .address(&self.miner)
            .bytes32(&self.policy_id.0)
            .bytes32(&self.capsule_hash)
            .address(&self.challenger)
    }
}

impl Accusation {
    /// Computes the key of a conviction in the Adjudicator: one for each miner, policy and capsule.
    pub fn key(&self) -> B256 {
        let words = crate::abi::Words::with_capacity(3)
            .address(&self.miner)
            .bytes32(&self.policy_id.0)
            .bytes32(&self.capsule_hash);
        keccak256(words.as_bytes())
    }
}

/// Encodes the evidence against a wrong cfrag.
///
/// | bytes | what |
/// |---|---|
/// | 98 | capsule |
/// | 359 | cfrag |
/// | 32 + 32 | y of E, y of V: that the capsule's points are on the curve |
/// | 1 | fault code |
/// | 2 + 0, 32 or 160 | witness, as `umbral` writes it |
pub fn wrong_fragment_evidence(
    capsule: &Capsule,
    witness: &CapsuleWitness,
    cfrag: &CfragBytes,
    fault: &Fault,
) -> Vec<u8> {
    [
        capsule.to_bytes().as_slice(),
        cfrag.as_ref(),
        &witness.roots().concat(),
        &[fault.code()],
        &fault.to_bytes(),
    ]
    .concat()
}

/// Encodes the evidence against a miner that gave two answers for one capsule: both cfrags.
pub fn equivocation_evidence(one: &CfragBytes, other: &CfragBytes) -> Vec<u8> {
    [one.as_ref(), other.as_ref()].concat()
}

#[cfg(test)]
mod tests;
