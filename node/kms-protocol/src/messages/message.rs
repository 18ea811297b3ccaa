//! What travels in the envelope of `transport.rs`: one message from a client, one signed answer.
//!
//! A message is JSON. An answer is the worker's signature (65 bytes) and JSON: the signature covers
//! the miner, the sealed message and every byte of the answer, so that nobody between the two can
//! put a refusal, a status or commitments of its own in an answer's place.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{KfragAck, KfragUpload, PolicyStatus, Problem, ReencryptReply, ReencryptRequest};
use crate::eip712::{StructHasher, TypedData};
use crate::error::{Error, Result};
use crate::eth::{EthSecret, EthSignature};
use crate::primitives::{Address, B256, PolicyId, keccak256};
use crate::transport::{self, Destination, Exchange, TransportKey};

/// Bytes reserved for a message's JSON, above the longest: no reallocation leaves a copy behind.
const MESSAGE_CAPACITY: usize = 24 * 1024;
/// Bytes of the signature before an answer's JSON.
const SIGNATURE_BYTES: usize = 65;

/// What a client asks of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// An owner hands over a kfrag.
    Kfrag(Box<KfragUpload>),
    /// A reader has capsules re-encrypted.
    Reencrypt(ReencryptRequest),
    /// Anybody asks what the node holds of a policy.
    Status(PolicyId),
}

impl Message {
    /// Seals the message to a node's transport key.
    ///
    /// # Errors
    /// Those of [`transport::seal`].
    pub fn seal(
        &self,
        key: &TransportKey,
        destination: &Destination<'_>,
    ) -> Result<(Vec<u8>, Exchange)> {
        let mut json = Zeroizing::new(Vec::with_capacity(MESSAGE_CAPACITY));
        serde_json::to_writer(&mut *json, self).map_err(|_| Error::MessageFormat)?;
        transport::seal(key, destination, &json)
    }

    /// Reads the content of an opened message.
    ///
    /// # Errors
    /// What serde_json says of it.
    pub fn parse(json: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(json)
    }
}

/// What a node answers, one variant for each kind of message, or a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The kfrag is on the node's disk.
    Stored(KfragAck),
    /// A cfrag for each capsule.
    Fragments(ReencryptReply),
    /// What the node holds of the policy.
    Status(Box<PolicyStatus>),
    /// Why the node does nothing of the kind.
    Refused(Problem),
}

impl Answer {
    /// Signs the answer with the worker's key and seals it as the reply of its exchange.
    ///
    /// # Errors
    /// [`Error::Randomness`].
    pub fn seal(
        &self,
        destination: &Destination<'_>,
        exchange: &Exchange,
        worker: &EthSecret,
    ) -> Result<Vec<u8>> {
        let json = serde_json::to_vec(self).map_err(|_| Error::MessageFormat)?;
        let signature =
            AnswerStatement::new(destination, exchange, &json).sign(destination.domain, worker);
        exchange.seal_reply(&[&signature.as_bytes()[..], &json].concat())
    }

    /// Opens the reply of an exchange and checks that `worker` signed it.
    ///
    /// # Errors
    /// [`Error::Envelope`], [`Error::MessageFormat`], or why the signature is refused.
    pub fn open(
        destination: &Destination<'_>,
        exchange: &Exchange,
        worker: &Address,
        sealed: &[u8],
    ) -> Result<Self> {
        let plain = exchange.open_reply(sealed)?;
        let (signature, json) = plain
            .split_first_chunk::<SIGNATURE_BYTES>()
            .ok_or(Error::MessageFormat)?;
        AnswerStatement::new(destination, exchange, json).check(
            destination.domain,
            &EthSignature(*signature),
            worker,
        )?;
        serde_json::from_slice(json).map_err(|_| Error::MessageFormat)
    }
}

/// The statement that a worker signs with every answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerStatement {
    /// Owner address of the miner that answers.
    pub miner: Address,
    /// keccak256 of the sealed message, as it was sent.
    pub message_hash: B256,
    /// keccak256 of the answer's JSON.
    pub answer_hash: B256,
}

impl AnswerStatement {
    fn new(destination: &Destination<'_>, exchange: &Exchange, json: &[u8]) -> Self {
        Self {
            miner: *destination.miner,
            message_hash: exchange.message_hash(),
            answer_hash: keccak256(json),
        }
    }
}

impl TypedData for AnswerStatement {
    const TYPE: &'static str = "Answer(address miner,bytes32 messageHash,bytes32 answerHash)";

    fn encode_fields(&self, hasher: StructHasher) -> StructHasher {
        hasher
            .address(&self.miner)
            .bytes32(&self.message_hash)
            .bytes32(&self.answer_hash)
    }
}

#[cfg(test)]
mod tests;
