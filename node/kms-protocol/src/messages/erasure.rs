//! A node's signed statement that it erased a kfrag, at expiry or revocation.
//!
//! `kfrag.rs` is how the kfrag came; `info.rs` carries the receipt in a policy's status.

use serde::{Deserialize, Serialize};

use crate::eip712::{Domain, StructHasher, TypedData};
use crate::error::Result;
use crate::eth::{EthSecret, EthSignature};
use crate::primitives::{Address, B256, PolicyId};

/// Statement of an erasure, signed by the miner's worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasureReceipt {
    /// Policy that the kfrag was for.
    pub policy_id: PolicyId,
    /// Owner address of the miner that erased it.
    pub miner: Address,
    /// keccak256 of the kfrag (195 bytes), as in its acknowledgement.
    pub kfrag_hash: B256,
    /// The block whose state ended the policy.
    pub block_number: u64,
    /// Hash of the block whose state ended the policy.
    pub block_hash: B256,
    /// Signature by the miner's worker.
    pub signature: EthSignature,
}

impl ErasureReceipt {
    /// Signs the receipt with the worker's key.
    #[must_use]
    pub fn signed(mut self, domain: &Domain, worker: &EthSecret) -> Self {
        self.signature = self.sign(domain, worker);
        self
    }

    /// Checks that `worker` signed the receipt.
    ///
    /// # Errors
    /// Why the signature is refused.
    pub fn verify(&self, domain: &Domain, worker: &Address) -> Result<()> {
        self.check(domain, &self.signature, worker)
    }
}

impl TypedData for ErasureReceipt {
    const TYPE: &'static str = "Erasure(bytes32 policyId,address miner,bytes32 kfragHash,\
        uint64 blockNumber,bytes32 blockHash)";

    fn encode_fields(&self, hasher: StructHasher) -> StructHasher {
        hasher
            .bytes32(&self.policy_id.0)
            .address(&self.miner)
            .bytes32(&self.kfrag_hash)
            .uint(self.block_number)
            .bytes32(&self.block_hash)
    }
}

#[cfg(test)]
mod tests;
