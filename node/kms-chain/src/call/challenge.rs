//! The answer to a challenge of silence.

use ethers::abi::AbiEncode;
use kms_protocol::messages::CfragBytes;
use kms_protocol::{Address, B256, EthSignature, Terms};

use crate::bindings::silence_challenges;
use crate::convert::h160;

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

impl ChallengeAnswer {
    pub(super) fn data(&self, terms: &Terms, miner: Address) -> Vec<u8> {
        silence_challenges::AnswerCall {
            terms: challenge_terms(terms),
            miner: h160(miner),
            reply: silence_challenges::Answer {
                cfrag: self.cfrag.as_ref().to_vec().into(),
                block_number: self.block_number,
                block_hash: self.block_hash.0,
                signature: self.signature.0.to_vec().into(),
            },
        }
        .encode()
    }
}

/// The same struct as the policy manager's; each binding has its own type of it.
fn challenge_terms(terms: &Terms) -> silence_challenges::Terms {
    silence_challenges::Terms {
        author: h160(terms.author),
        sponsor: h160(terms.sponsor),
        verifier: h160(terms.verifier),
        keys_hash: terms.keys_hash.0,
        rate: terms.rate.0,
        first_period: terms.first_period.0,
        last_period: terms.last_period.0,
        threshold: terms.threshold,
        salt: terms.salt.0,
        miners: terms.miners.iter().copied().map(h160).collect(),
    }
}
