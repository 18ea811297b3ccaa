//! Challenges of silence: opening, answering, and closing one that was not answered.

use ethers::abi::AbiEncode;
use kms_protocol::messages::{CapsuleBytes, CfragBytes};
use kms_protocol::{Address, B256, EthSignature, RevealedKeys, Terms};

use crate::contracts::bindings::silence_challenges::{self as contract, AnswerCall, CloseCall};
use crate::convert::{h160, terms_for};

/// The capsule that a miner must turn on chain, and the proof that it can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeDemand {
    /// Terms of the policy, as created.
    pub terms: Terms,
    /// Owner address of the miner that must answer.
    pub miner: Address,
    /// Capsule to which a cfrag is demanded.
    pub capsule: CapsuleBytes,
    /// Witness of the capsule by `umbral`: W1, W2 and y of V.
    pub witness: [u8; 160],
    /// keccak256 of the kfrag (195 bytes) that the miner acknowledged.
    pub kfrag_hash: B256,
    /// Signature of that acknowledgement, by the miner's worker.
    pub ack_signature: EthSignature,
}

/// By whose right the sender challenges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChallengeRight {
    /// The sender is the policy's author.
    Author,
    /// The reader lets the sender challenge.
    Reader(Box<ReaderConsent>),
}

/// A signed [`ChallengeConsent`](kms_protocol::ChallengeConsent), as the contract takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderConsent {
    /// Keys of the policy, in the form for a reader.
    pub keys: RevealedKeys,
    /// Last block timestamp at which the consent counts, in seconds.
    pub deadline: u64,
    /// Signature over the consent, by the receiving key.
    pub signature: EthSignature,
}

/// A cfrag and its signed receipt, as `SilenceChallenges.answer` takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeAnswer {
    /// The cfrag in its simple form.
    pub cfrag: CfragBytes,
    /// keccak256 of the commitments that the node holds beside its kfrag.
    pub commitments_hash: B256,
    /// Time of the head that the node decided on.
    pub block_time: u64,
    /// Hash of the head that the node decided on.
    pub block_hash: B256,
    /// Signature over the receipt, by the miner's worker.
    pub signature: EthSignature,
}

impl ChallengeDemand {
    pub(super) fn data(&self, right: &ChallengeRight) -> Vec<u8> {
        let demand = contract::Demand {
            terms: terms_for!(contract, self.terms),
            miner: h160(self.miner),
            capsule: self.capsule.as_ref().to_vec().into(),
            capsule_witness: self.witness.to_vec().into(),
            kfrag_hash: self.kfrag_hash.0,
            ack_signature: self.ack_signature.0.to_vec().into(),
        };
        match right {
            ChallengeRight::Author => contract::OpenAsAuthorCall { demand }.encode(),
            ChallengeRight::Reader(consent) => {
                let consent = contract::ReaderConsent {
                    keys: consent.keys.keys.to_vec().into(),
                    receiving_y: consent.keys.receiving_y.into(),
                    deadline: consent.deadline,
                    signature: consent.signature.0.to_vec().into(),
                };
                contract::OpenAsReaderCall { demand, consent }.encode()
            }
        }
    }
}

impl ChallengeAnswer {
    pub(super) fn data(&self, terms: &Terms, miner: Address) -> Vec<u8> {
        AnswerCall {
            terms: terms_for!(contract, terms),
            miner: h160(miner),
            reply: contract::Answer {
                cfrag: self.cfrag.as_ref().to_vec().into(),
                commitments_hash: self.commitments_hash.0,
                block_time: self.block_time,
                block_hash: self.block_hash.0,
                signature: self.signature.0.to_vec().into(),
            },
        }
        .encode()
    }
}

/// Encodes the end of a challenge without an answer.
pub(super) fn close(terms: &Terms, miner: Address) -> Vec<u8> {
    let (terms, miner) = (terms_for!(contract, terms), h160(miner));
    CloseCall { terms, miner }.encode()
}
