//! What a node says of itself and of a policy: its signed identity with the key that messages are
//! sealed to (`GET /v2/info`), and the state of a policy on it (an [`Answer`](super::Answer)).

use serde::{Deserialize, Serialize};

use super::{ErasureReceipt, Problem, plain_text};
use crate::eip712::{Domain, StructHasher, TypedData};
use crate::error::{Error, Mismatch, Result};
use crate::eth::{EthSecret, EthSignature};
use crate::period::Period;
use crate::primitives::{Address, PolicyId, keccak256};
use crate::transport::TransportKey;

/// Periods for which a transport key may be certified: the one it is made in, and the next.
pub const TRANSPORT_KEY_PERIODS: u64 = 2;

/// A node's transport key, signed by the miner's worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransportCertificate {
    /// Owner address of the miner whose node has the secret.
    pub miner: Address,
    /// The key that messages are sealed to.
    pub key: TransportKey,
    /// Period in which the node made the key.
    pub first_period: Period,
    /// Last period in which the node has the secret; afterwards nobody has.
    pub last_period: Period,
    /// Signature by the miner's worker.
    pub signature: EthSignature,
}

impl TransportCertificate {
    /// Signs the certificate with the worker's key.
    #[must_use]
    pub fn signed(mut self, domain: &Domain, worker: &EthSecret) -> Self {
        self.signature = self.sign(domain, worker);
        self
    }

    /// Whether the key may be used in period `now`. A node may have seen the next period's first
    /// block before the one who asks.
    pub fn covers(&self, now: Period) -> bool {
        self.first_period.0 <= now.0.saturating_add(1) && now <= self.last_period
    }

    /// Checks that `worker` certified the key for `miner`, for the present period and for no more
    /// than [`TRANSPORT_KEY_PERIODS`].
    ///
    /// # Errors
    /// [`Error::Mismatch`], [`Error::CertificatePeriods`], or why the signature is refused.
    pub fn verify(
        &self,
        domain: &Domain,
        miner: &Address,
        worker: &Address,
        now: Period,
    ) -> Result<()> {
        if self.miner != *miner {
            return Err(Error::Mismatch(Mismatch::Miner));
        }
        self.check(domain, &self.signature, worker)?;
        let periods = self.first_period.count_through(self.last_period);
        if self.covers(now) && periods <= TRANSPORT_KEY_PERIODS {
            return Ok(());
        }
        Err(Error::CertificatePeriods {
            first: self.first_period.0,
            last: self.last_period.0,
            now: now.0,
        })
    }
}

impl TypedData for TransportCertificate {
    const TYPE: &'static str =
        "TransportKey(address miner,bytes32 key,uint32 firstPeriod,uint32 lastPeriod)";

    fn encode_fields(&self, hasher: StructHasher) -> StructHasher {
        hasher
            .address(&self.miner)
            .bytes32(&self.key)
            .uint(self.first_period.0)
            .uint(self.last_period.0)
    }
}

/// Reply of `GET /v2/info`: the node's identity, head and transport key, signed by the worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeInfo {
    /// The owner address whose stake the node serves.
    pub miner: Address,
    /// Address of the hot key that signs for the miner.
    pub worker: Address,
    /// EIP-155 id of the chain that the node follows.
    pub chain_id: u64,
    /// Address of the policy manager that the node follows.
    pub policy_manager: Address,
    /// Version of the node's program.
    #[serde(deserialize_with = "plain_text")]
    pub version: String,
    /// Height of the newest block that the node has stored.
    pub head_block: u64,
    /// The key that messages are sealed to.
    pub transport: TransportCertificate,
    /// Signature over all of it, by the worker.
    pub signature: EthSignature,
}

impl NodeInfo {
    /// Signs the information with the worker's key; the certificate has a signature of its own.
    #[must_use]
    pub fn signed(mut self, domain: &Domain, worker: &EthSecret) -> Self {
        self.signature = self.sign(domain, worker);
        self
    }

    /// Checks that `worker` signed this for `miner`, in this domain, with a key for the present
    /// period.
    ///
    /// # Errors
    /// As [`TransportCertificate::verify`].
    pub fn verify(
        &self,
        domain: &Domain,
        miner: &Address,
        worker: &Address,
        now: Period,
    ) -> Result<()> {
        if self.miner != *miner {
            return Err(Error::Mismatch(Mismatch::Miner));
        }
        if self.worker != *worker {
            return Err(Error::Mismatch(Mismatch::Worker));
        }
        if (self.chain_id, self.policy_manager) != (domain.chain_id, domain.contract) {
            return Err(Error::Mismatch(Mismatch::Chain));
        }
        self.check(domain, &self.signature, worker)?;
        self.transport.verify(domain, miner, worker, now)
    }
}

impl TypedData for NodeInfo {
    const TYPE: &'static str =
        "NodeInfo(address miner,string version,uint64 headBlock,bytes32 transportKey)";

    fn encode_fields(&self, hasher: StructHasher) -> StructHasher {
        hasher
            .address(&self.miner)
            .bytes32(&keccak256(self.version.as_bytes()))
            .uint(self.head_block)
            .bytes32(&self.transport.key)
    }
}

/// The state of a policy's kfrag on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KfragState {
    /// Stored on disk, and not erased.
    Stored,
    /// Never received by this node.
    Missing,
    /// Held once, erased at expiry or revocation.
    Erased,
}

/// Whether the node serves a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyStatus {
    /// Id that was asked for.
    pub policy_id: PolicyId,
    /// Whether a well-signed request would be served now.
    pub serving: bool,
    /// The reason a request would be refused, if it would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Problem>,
    /// The state of the policy's kfrag.
    pub kfrag: KfragState,
    /// Signed receipt of the erasure, after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasure: Option<ErasureReceipt>,
}

#[cfg(test)]
mod tests;
