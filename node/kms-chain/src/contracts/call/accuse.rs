//! The three accusations, as the Adjudicator takes them.

use ethers::abi::AbiEncode;
use kms_protocol::{Accusation, B256, EthSignature, RevealedKeys, Terms};

use crate::contracts::bindings::adjudicator as contract;
use crate::convert::{h160, terms_for};

/// A signed accusation and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Accusation that the requester signed. The contract takes policy and capsule from terms and
    /// evidence.
    pub accusation: Accusation,
    /// Keys of the policy, in the form for whoever signed: reader or author.
    pub keys: RevealedKeys,
    /// Signature over the accusation, by the requester that the receipt names.
    pub signature: EthSignature,
    /// What the miner did.
    pub charge: Charge,
}

/// What a miner is accused of, with the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charge {
    /// It answered with a false cfrag.
    WrongFragment {
        /// Receipt of the cfrag.
        answer: SignedAnswer,
        /// Evidence made by `kms_protocol::accusation::wrong_fragment_evidence`.
        evidence: Vec<u8>,
    },
    /// It answered after its access had been revoked.
    ServedAfterRevocation {
        /// Receipt of the cfrag.
        answer: SignedAnswer,
        /// keccak256 of the cfrag.
        cfrag_hash: B256,
    },
    /// It turned one capsule with one kfrag into two different points.
    Equivocation {
        /// Receipts of both cfrags.
        answers: Box<[SignedAnswer; 2]>,
        /// Both cfrags, by `kms_protocol::accusation::equivocation_evidence`.
        cfrags: Vec<u8>,
    },
}

/// What a worker signed for one cfrag, but for what the case tells already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedAnswer {
    /// keccak256 of the commitments in the reply, as in the receipt.
    pub commitments_hash: B256,
    /// Time, in the receipt, of the head that the node decided on.
    pub block_time: u64,
    /// Hash, in the receipt, of the same block.
    pub block_hash: B256,
    /// Signature over the receipt, by the miner's worker.
    pub signature: EthSignature,
}

impl SignedAnswer {
    fn encoded(&self) -> contract::Answer {
        contract::Answer {
            commitments_hash: self.commitments_hash.0,
            block_time: self.block_time,
            block_hash: self.block_hash.0,
            signature: self.signature.0.to_vec().into(),
        }
    }
}

impl Case {
    pub(super) fn data(&self, terms: &Terms) -> Vec<u8> {
        let terms = terms_for!(contract, terms);
        let accusation = contract::Accusation {
            miner: h160(self.accusation.miner),
            challenger: h160(self.accusation.challenger),
            keys: self.keys.keys.to_vec().into(),
            receiving_y: self.keys.receiving_y.into(),
            signature: self.signature.0.to_vec().into(),
        };
        let capsule_hash = self.accusation.capsule_hash.0;
        match &self.charge {
            Charge::WrongFragment { answer, evidence } => contract::AccuseOfWrongFragmentCall {
                terms,
                accusation,
                answer: answer.encoded(),
                evidence: evidence.clone().into(),
            }
            .encode(),
            Charge::ServedAfterRevocation { answer, cfrag_hash } => {
                contract::AccuseOfServingAfterRevocationCall {
                    terms,
                    accusation,
                    answer: answer.encoded(),
                    capsule_hash,
                    cfrag_hash: cfrag_hash.0,
                }
                .encode()
            }
            Charge::Equivocation { answers, cfrags } => contract::AccuseOfEquivocationCall {
                terms,
                accusation,
                answers: answers.each_ref().map(SignedAnswer::encoded),
                capsule_hash,
                cfrags: cfrags.clone().into(),
            }
            .encode(),
        }
    }

    pub(super) const fn kind(&self) -> &'static str {
        match self.charge {
            Charge::WrongFragment { .. } => "accuse_of_wrong_fragment",
            Charge::ServedAfterRevocation { .. } => "accuse_of_serving_after_revocation",
            Charge::Equivocation { .. } => "accuse_of_equivocation",
        }
    }
}
