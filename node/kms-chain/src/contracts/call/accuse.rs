//! The accusation of a wrong cfrag, as `Adjudicator.accuseOfWrongFragment` takes it.

use ethers::abi::AbiEncode;
use kms_protocol::{Accusation, B256, EthSignature, RevealedKeys, Terms};

use crate::contracts::bindings::adjudicator as contract;
use crate::convert::{h160, terms_for};

/// A signed accusation, the receipt of the cfrag it is about, and the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongFragment {
    /// Accusation that the requester signed. The contract takes policy and capsule from terms and
    /// evidence.
    pub accusation: Accusation,
    /// Keys of the policy, in the form for whoever signed: reader or author.
    pub keys: RevealedKeys,
    /// Signature over the accusation, by the requester that the receipt names.
    pub signature: EthSignature,
    /// keccak256 of the commitments in the reply, as in the receipt.
    pub commitments_hash: B256,
    /// Time, in the receipt, of the head that the node decided on.
    pub block_time: u64,
    /// Hash, in the receipt, of the same block.
    pub block_hash: B256,
    /// Signature over the receipt, by the miner's worker.
    pub receipt_signature: EthSignature,
    /// Evidence made by `kms_protocol::accusation::wrong_fragment_evidence`.
    pub evidence: Vec<u8>,
}

impl WrongFragment {
    pub(super) fn data(&self, terms: &Terms) -> Vec<u8> {
        contract::AccuseOfWrongFragmentCall {
            terms: terms_for!(contract, terms),
            accusation: contract::Accusation {
                miner: h160(self.accusation.miner),
                challenger: h160(self.accusation.challenger),
                keys: self.keys.keys.to_vec().into(),
                receiving_y: self.keys.receiving_y.into(),
                signature: self.signature.0.to_vec().into(),
            },
            answer: contract::Answer {
                commitments_hash: self.commitments_hash.0,
                block_time: self.block_time,
                block_hash: self.block_hash.0,
                signature: self.receipt_signature.0.to_vec().into(),
            },
            evidence: self.evidence.clone().into(),
        }
        .encode()
    }
}
