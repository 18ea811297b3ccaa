//! A node's status and that of a policy on it. Unsigned: information, never evidence.
//!
//! Replies of `GET /v1/info` and `GET /v1/policies/{id}`.

use serde::{Deserialize, Serialize};
use umbral::PublicKey;

use super::{ErasureReceipt, Problem, plain_text};
use crate::hex_serde::umbral_key;
use crate::primitives::{Address, PolicyId};

/// Reply of `GET /v1/info`: the node's identity and head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeInfo {
    /// The owner address whose stake the node serves.
    pub miner: Address,
    /// Address of the hot key that signs for the miner.
    pub worker: Address,
    /// The public key that kfrags are sealed to.
    #[serde(with = "umbral_key")]
    pub umbral_key: PublicKey,
    /// EIP-155 id of the chain that the node follows.
    pub chain_id: u64,
    /// Address of the policy manager that the node follows.
    pub policy_manager: Address,
    /// Version of the node's program.
    #[serde(deserialize_with = "plain_text")]
    pub version: String,
    /// Height of the newest block that the node has stored.
    pub head_block: u64,
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

/// Reply of `GET /v1/policies/{id}`: whether the node serves it.
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
