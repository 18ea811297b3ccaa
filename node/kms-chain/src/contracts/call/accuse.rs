//! The accusation of a wrong fragment, as `Adjudicator.accuseOfWrongFragment` takes it.

use ethers::abi::AbiEncode;
use kms_protocol::{Accusation, B256, EthSignature, RevealedKeys, Terms};

use crate::contracts::bindings::adjudicator as contract;
use crate::convert::{h160, terms_for};

/// A signed accusation, the receipt of the answer it is about, and the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongFragment {
    /// Who is accused by whom. Policy and capsule follow from terms and evidence.
    pub accusation: Accusation,
    /// The policy's; of the reader, or of the author, whoever signed.
    pub keys: RevealedKeys,
    /// Over the accusation, by the requester that the receipt names.
    pub signature: EthSignature,
    /// The receipt's: the head the node decided on.
    pub block_number: u64,
    /// Hash of that block.
    pub block_hash: B256,
    /// Over the receipt, by the miner's worker.
    pub receipt_signature: EthSignature,
    /// As `kms_protocol::accusation::wrong_fragment_evidence` makes it.
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
                block_number: self.block_number,
                block_hash: self.block_hash.0,
                signature: self.receipt_signature.0.to_vec().into(),
            },
            evidence: self.evidence.clone().into(),
        }
        .encode()
    }
}
