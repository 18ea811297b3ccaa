//! Challenges of silence: asking on chain, answering, and ending one that was not answered.

use ethers::abi::AbiEncode;
use kms_protocol::messages::{CapsuleBytes, CfragBytes};
use kms_protocol::{Address, B256, EthSignature, RevealedKeys, Terms};

use crate::contracts::bindings::silence_challenges::{self as contract, AnswerCall, CloseCall};
use crate::convert::{h160, terms_for};

/// What is asked of whom, and the proof that an honest miner can answer it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeDemand {
    /// The policy's terms.
    pub terms: Terms,
    /// The owner address.
    pub miner: Address,
    /// The capsule.
    pub capsule: CapsuleBytes,
    /// `umbral`'s witness of the capsule: W1, W2 and y of V.
    pub witness: [u8; 160],
    /// Of the fragment that the miner acknowledged.
    pub sealed_hash: B256,
    /// Its acknowledgement's.
    pub ack_signature: EthSignature,
}

/// Whose right the challenge is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChallengeRight {
    /// The sender is the policy's author.
    Author,
    /// The reader lets the sender ask.
    Reader(ReaderConsent),
}

/// A [`ChallengeConsent`](kms_protocol::ChallengeConsent) as the contract takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderConsent {
    /// The policy's.
    pub keys: RevealedKeys,
    /// Last second in which the signature holds.
    pub deadline: u64,
    /// By the receiving key.
    pub signature: EthSignature,
}

/// A fragment and the receipt that vouches for it, as `SilenceChallenges.answer` takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeAnswer {
    /// The fragment in its simple form.
    pub cfrag: CfragBytes,
    /// The head the node decided on.
    pub block_number: u64,
    /// Hash of that block.
    pub block_hash: B256,
    /// Over the receipt, by the miner's worker.
    pub signature: EthSignature,
}

impl ChallengeDemand {
    pub(super) fn data(&self, right: &ChallengeRight) -> Vec<u8> {
        let demand = contract::Demand {
            terms: terms_for!(contract, self.terms),
            miner: h160(self.miner),
            capsule: self.capsule.as_ref().to_vec().into(),
            capsule_witness: self.witness.to_vec().into(),
            sealed_hash: self.sealed_hash.0,
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
                block_number: self.block_number,
                block_hash: self.block_hash.0,
                signature: self.signature.0.to_vec().into(),
            },
        }
        .encode()
    }
}

/// The end of a challenge without an answer.
pub(super) fn close(terms: &Terms, miner: Address) -> Vec<u8> {
    let (terms, miner) = (terms_for!(contract, terms), h160(miner));
    CloseCall { terms, miner }.encode()
}
