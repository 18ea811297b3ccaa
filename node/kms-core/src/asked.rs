//! What a reader asks of a policy's miners: the request to one of them, signed, and the check of
//! its reply before `answers` counts it. Neighbour: `kms_protocol::messages` has the bytes.

use std::fmt;

use kms_protocol::messages::{
    CapsuleBytes, Entry, Problem, ReencryptReply, ReencryptRequest, ReplyExpectation,
};
use kms_protocol::{Address, B256, Domain, EthSignature, FixedBytes, Refusal, Terms};
use umbral::{Capsule, Context, PublicKey, VerifyingKey};

use crate::answers::Answer;
use crate::keys::ReaderKey;

/// Capsules of one label, under one policy, for one of the reader's keys.
pub struct Asked<'a> {
    /// The policy's terms.
    pub terms: &'a Terms,
    /// The key that the policy was made for.
    pub key: &'a ReaderKey,
    /// The key of the label that the capsules are of.
    pub label_key: PublicKey,
    /// The capsules, 1 to 64.
    pub capsules: &'a [Capsule],
}

impl Asked<'_> {
    /// Makes a request for one miner alone, with a fresh nonce and the time of a recent block.
    ///
    /// # Errors
    /// [`kms_protocol::Error::Randomness`].
    pub fn request(
        &self,
        domain: &Domain,
        miner: Address,
        block_time: u64,
    ) -> kms_protocol::Result<ReencryptRequest> {
        let capsules = self.capsules.iter();
        let capsules = capsules.map(|capsule| -> CapsuleBytes { FixedBytes(capsule.to_bytes()) });
        let unsigned = ReencryptRequest {
            policy_id: self.terms.id(domain.chain_id, &domain.contract),
            miner,
            capsules: capsules.collect(),
            block_time,
            nonce: B256::random()?,
            signature: EthSignature::UNSIGNED,
        };
        Ok(unsigned.signed(domain, self.key.eth()))
    }

    /// Checks the receipts of a reply against the worker that the chain names. The cfrags are not
    /// verified here.
    ///
    /// # Errors
    /// [`ReplyFault`].
    pub fn check(
        &self,
        domain: &Domain,
        request: &ReencryptRequest,
        worker: Address,
        reply: ReencryptReply,
    ) -> Result<Answer, ReplyFault> {
        let expected = ReplyExpectation {
            requester: self.key.eth().address(),
            worker,
            verifier: self.terms.verifier,
        };
        reply
            .verify(domain, request, &expected)
            .map_err(ReplyFault::Signature)?;
        let fragments = reply.entries.into_iter().enumerate();
        let fragments = fragments.map(|(capsule, entry)| match entry {
            Entry::Fragment(fragment) => Ok((fragment.cfrag.0, fragment.signature)),
            Entry::Refused(problem) => Err(ReplyFault::Capsule { capsule, problem }),
        });
        let (cfrags, signatures) = fragments.collect::<Result<_, _>>()?;
        Ok(Answer {
            miner: request.miner,
            verifying_key: reply.verifying_key,
            cfrags,
            signatures,
            block_time: reply.block_time,
            block_hash: reply.block_hash,
            commitments: reply.commitments,
        })
    }

    /// The keys that the answers' cfrags are bound to.
    pub fn context(&self, verifying: VerifyingKey) -> Context {
        Context {
            delegating: self.label_key,
            receiving: self.key.receiving_key(),
            verifying,
        }
    }
}

/// Why a reply is not counted.
#[derive(Debug)]
pub enum ReplyFault {
    /// It is another miner's or policy's, or a receipt is not signed by the worker.
    Signature(kms_protocol::Error),
    /// It refuses a capsule. A reader asks for valid capsules only.
    #[allow(missing_docs, reason = "the message names them")]
    Capsule { capsule: usize, problem: Problem },
}

impl ReplyFault {
    /// The code of the miner's failure.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Signature(_) => "bad_signature",
            Self::Capsule { problem, .. } => problem.code.code(),
        }
    }
}

impl fmt::Display for ReplyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature(error) => error.fmt(f),
            Self::Capsule { capsule, problem } => {
                write!(f, "capsule {capsule}: {}", problem.detail)
            }
        }
    }
}

/// Whether a refusal passes when the node has taken in the newest blocks.
pub const fn lags(refusal: Refusal) -> bool {
    matches!(
        refusal,
        Refusal::PolicyUnknown
            | Refusal::PolicyUnconfirmed
            | Refusal::PolicyNotStarted
            | Refusal::StaleRequest
            | Refusal::StaleChainView
    )
}
