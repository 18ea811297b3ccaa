//! What a node says about itself and about a policy. Unsigned: informative, never evidence.
//!
//! Replies of `GET /v1/info` and `GET /v1/policies/{id}`. Neighbours: `problem.rs`, `erasure.rs`.

use serde::{Deserialize, Serialize};
use umbral::PublicKey;

use super::{ErasureReceipt, Problem, plain_text};
use crate::hex_serde::umbral_key;
use crate::primitives::{Address, PolicyId};

/// Reply of `GET /v1/info`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeInfo {
    /// The owner address whose stake the node serves.
    pub miner: Address,
    /// The hot key that signs for it.
    pub worker: Address,
    /// The public key that kfrags are sealed to.
    #[serde(with = "umbral_key")]
    pub umbral_key: PublicKey,
    /// The chain the node watches.
    pub chain_id: u64,
    /// The policy manager it watches.
    pub policy_manager: Address,
    /// The program's version.
    #[serde(deserialize_with = "plain_text")]
    pub version: String,
    /// Number of the newest block the node has taken in.
    pub head_block: u64,
}

/// The state of a policy's kfrag on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KfragState {
    /// Held, and durable.
    Stored,
    /// Never received.
    Missing,
    /// Held once, erased at expiry or revocation.
    Erased,
}

/// Reply of `GET /v1/policies/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyStatus {
    /// The policy.
    pub policy_id: PolicyId,
    /// Whether a well-signed request would be served now.
    pub serving: bool,
    /// The reason a request would be refused, if it would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Problem>,
    /// The state of the policy's kfrag.
    pub kfrag: KfragState,
    /// The signed word of the erasure, once there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasure: Option<ErasureReceipt>,
}

#[cfg(test)]
mod tests;
