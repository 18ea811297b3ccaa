//! A reader's request to a miner to re-encrypt capsules, and the reply: one entry for each capsule,
//! a cfrag with a signed receipt, which is evidence for the Adjudicator, or why there is none.
//!
//! `kfrag.rs` brings the kfrag; `problem.rs` is the reply of a node that refuses.

use serde::{Deserialize, Serialize};
use umbral::VerifyingKey;

use super::{CAPSULES_MAX, CapsuleBytes, CfragBytes, CommitmentsBytes, Problem, one_to_max};
use crate::eip712::{Domain, StructHasher, TypedData};
use crate::error::{Error, Mismatch, Result};
use crate::eth::{EthSecret, EthSignature, address_of_verifying};
use crate::primitives::{Address, B256, PolicyId, keccak256};

/// How far the node's head may be ahead of the reader's, in seconds of chain time. The judges hear
/// a receipt once the chain has reached its time; one of a time far ahead would bind nobody.
pub const AHEAD_SECONDS: u64 = 600;

/// A reader's message to one miner, signed by the reader's receiving key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReencryptRequest {
    /// Policy under which the reader has access.
    pub policy_id: PolicyId,
    /// Owner address of the miner that is asked: no other accepts this request.
    pub miner: Address,
    /// Capsules to re-encrypt, 1 to 64.
    #[serde(deserialize_with = "one_to_max")]
    pub capsules: Vec<CapsuleBytes>,
    /// Time of a recent block, as the reader sees the chain.
    pub block_time: u64,
    /// Random bytes, fresh for each request.
    pub nonce: B256,
    /// Signature by the receiving key.
    pub signature: EthSignature,
}

impl ReencryptRequest {
    /// Signs the request, as it is, with the reader's receiving key.
    #[must_use]
    pub fn signed(mut self, domain: &Domain, reader: &EthSecret) -> Self {
        self.signature = self.sign(domain, reader);
        self
    }

    /// Checks the number of capsules and that `reader` (the address of the receiving key) signed.
    ///
    /// # Errors
    /// [`Error::Count`], or why the signature is refused.
    pub fn verify(&self, domain: &Domain, reader: &Address) -> Result<()> {
        let count = self.capsules.len();
        if count == 0 || count > CAPSULES_MAX {
            return Err(Error::Count {
                maximum: CAPSULES_MAX,
                actual: count,
            });
        }
        self.check(domain, &self.signature, reader)
    }
}

/// Hashes a list as EIP-712 does bytes[]: keccak256 over the concatenated keccak256 of each
/// capsule.
pub fn capsules_hash(capsules: &[CapsuleBytes]) -> B256 {
    let hashes: Vec<u8> = capsules
        .iter()
        .flat_map(|capsule| keccak256(capsule.as_ref()).0)
        .collect();
    keccak256(&hashes)
}

impl TypedData for ReencryptRequest {
    const TYPE: &'static str = "ReencryptRequest(bytes32 policyId,address miner,\
        bytes32 capsulesHash,uint64 blockTime,bytes32 nonce)";

    fn encode_fields(&self, hasher: StructHasher) -> StructHasher {
        hasher
            .bytes32(&self.policy_id.0)
            .address(&self.miner)
            .bytes32(&capsules_hash(&self.capsules))
            .uint(self.block_time)
            .bytes32(&self.nonce)
    }
}

/// A miner's answer: one entry per capsule, in the same order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReencryptReply {
    /// Policy that the request named.
    pub policy_id: PolicyId,
    /// Owner address of the miner that answers.
    pub miner: Address,
    /// The author's verifying key, needed to verify cfrags; its address is in the terms.
    #[serde(with = "crate::hex_serde::verifying_key")]
    pub verifying_key: VerifyingKey,
    /// The author's commitments, which every receipt covers. They tell a reader whose cfrags do not
    /// open whether a miner or the author is at fault.
    pub commitments: CommitmentsBytes,
    /// Time of the node's head when it decided.
    pub block_time: u64,
    /// Hash of the node's head when it decided.
    pub block_hash: B256,
    /// One entry per capsule, 1 to 64.
    #[serde(deserialize_with = "one_to_max")]
    pub entries: Vec<Entry>,
}

/// What became of one capsule of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Entry {
    /// It was re-encrypted.
    Fragment(Box<Fragment>),
    /// It was not, and the others of the request were.
    Refused(Problem),
}

/// A cfrag and the signature of its receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fragment {
    /// The cfrag in its simple form; verify it before use.
    pub cfrag: CfragBytes,
    /// Signature over the [`Receipt`], by the miner's worker.
    pub signature: EthSignature,
}

/// The miner, policy and keys that a reader expects behind a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyExpectation {
    /// Address of the receiving key that signed the request.
    pub requester: Address,
    /// The worker bonded to the miner, from the chain.
    pub worker: Address,
    /// Address of the author's verifying key, `Terms.verifier`.
    pub verifier: Address,
}

impl ReencryptReply {
    /// Makes the statement that is signed for `capsule` and its cfrag.
    pub fn receipt(
        &self,
        capsule: &CapsuleBytes,
        cfrag: &CfragBytes,
        requester: Address,
    ) -> Receipt {
        Receipt {
            policy_id: self.policy_id,
            miner: self.miner,
            capsule_hash: keccak256(capsule.as_ref()),
            cfrag_hash: keccak256(cfrag.as_ref()),
            commitments_hash: self.commitments.hash(),
            requester,
            block_time: self.block_time,
            block_hash: self.block_hash,
        }
    }

    /// Appends the cfrag for `capsule`, its receipt signed by the worker.
    pub fn push_signed(
        &mut self,
        capsule: &CapsuleBytes,
        cfrag: CfragBytes,
        requester: Address,
        domain: &Domain,
        worker: &EthSecret,
    ) {
        let signature = self
            .receipt(capsule, &cfrag, requester)
            .sign(domain, worker);
        self.entries
            .push(Entry::Fragment(Box::new(Fragment { cfrag, signature })));
    }

    /// Checks that this answers `request`, that its time is at most [`AHEAD_SECONDS`] ahead of the
    /// request's, and that every receipt is signed by the miner's worker; a
    /// refused capsule has none.
    /// Cfrags and commitments are not verified here; `umbral` does that.
    ///
    /// # Errors
    /// [`Error::Mismatch`], or why a signature is refused.
    pub fn verify(
        &self,
        domain: &Domain,
        request: &ReencryptRequest,
        expected: &ReplyExpectation,
    ) -> Result<()> {
        if self.policy_id != request.policy_id {
            return Err(Error::Mismatch(Mismatch::Policy));
        }
        if self.miner != request.miner {
            return Err(Error::Mismatch(Mismatch::Miner));
        }
        if address_of_verifying(&self.verifying_key) != expected.verifier {
            return Err(Error::Mismatch(Mismatch::VerifyingKey));
        }
        if self.block_time > request.block_time.saturating_add(AHEAD_SECONDS) {
            return Err(Error::Mismatch(Mismatch::Time));
        }
        if self.entries.len() != request.capsules.len() {
            return Err(Error::Mismatch(Mismatch::CfragCount));
        }
        request
            .capsules
            .iter()
            .zip(&self.entries)
            .try_for_each(|(capsule, entry)| match entry {
                Entry::Fragment(fragment) => {
                    let receipt = self.receipt(capsule, &fragment.cfrag, expected.requester);
                    receipt.check(domain, &fragment.signature, &expected.worker)
                }
                Entry::Refused(_) => Ok(()),
            })
    }
}

/// The statement that a worker signs for each cfrag; it convicts the miner if the cfrag is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Policy under which the capsule was re-encrypted.
    pub policy_id: PolicyId,
    /// Owner address of the miner whose worker signs.
    pub miner: Address,
    /// keccak256 of the capsule (98 bytes).
    pub capsule_hash: B256,
    /// keccak256 of the cfrag (359 bytes).
    pub cfrag_hash: B256,
    /// keccak256 of the commitments' bytes in the reply.
    pub commitments_hash: B256,
    /// Address of the receiving key that asked.
    pub requester: Address,
    /// Time of the node's head when it decided.
    pub block_time: u64,
    /// Hash of the node's head when it decided.
    pub block_hash: B256,
}

impl TypedData for Receipt {
    const TYPE: &'static str = "Receipt(bytes32 policyId,address miner,bytes32 capsuleHash,\
        bytes32 cfragHash,bytes32 commitmentsHash,address requester,uint64 blockTime,\
        bytes32 blockHash)";

    fn encode_fields(&self, hasher: StructHasher) -> StructHasher {
        hasher
            .bytes32(&self.policy_id.0)
            .address(&self.miner)
            .bytes32(&self.capsule_hash)
            .bytes32(&self.cfrag_hash)
            .bytes32(&self.commitments_hash)
            .address(&self.requester)
            .uint(self.block_time)
            .bytes32(&self.block_hash)
    }
}

#[cfg(test)]
mod tests;
