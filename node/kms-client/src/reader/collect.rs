//! Asking all n miners of a policy at once and keeping the first m whose every fragment verifies.
//! Checked per miner: the receipt's signature against the worker bonded on chain, the verifying key
//! against the terms, each fragment's proof against this capsule and these keys. Counted are
//! distinct fragments, never answers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use kms_chain::MinerInfo;
use kms_protocol::messages::{CapsuleBytes, ReencryptReply, ReencryptRequest, ReplyExpectation};
use kms_protocol::{Address, B256, EthSignature, Refusal};
use tokio::time::Instant;
use umbral::{Capsule, CapsuleFrag, Context, PublicKey, VerifiedCapsuleFrag};

use super::Reader;
use super::find::Candidate;
use crate::error::{Error, NodeFailure, Result};
use crate::owner::{Pause, failed, reach, within};
use crate::ports::NodeError;
use crate::progress::{Event, Progress};

/// Where the precursor X stands in a fragment's simple form.
const PRECURSOR_OFFSET: usize = 98;
const PRECURSOR_BYTES: usize = 33;
/// First pause before a node that lags is asked again, in milliseconds.
const RETRY_FIRST_MS: u64 = 200;

/// Every miner's answer is checked against this.
struct Question<'a> {
    candidate: &'a Candidate<'a>,
    label_key: PublicKey,
    capsules: &'a [Capsule],
    deadline: Instant,
}

/// One miner's verified fragments, one per capsule, all of one key fragment.
struct Answer {
    kfrag_id: [u8; 32],
    /// X of the delegation that the key fragment belongs to.
    precursor: [u8; PRECURSOR_BYTES],
    frags: Vec<VerifiedCapsuleFrag>,
}

/// Why an answer with a valid receipt is still no answer.
#[derive(Debug, thiserror::Error)]
enum FragmentFault {
    /// It does not decode or its proof does not hold.
    #[error(transparent)]
    Umbral(#[from] umbral::Error),
    /// One miner holds one key fragment.
    #[error("its fragments come from several key fragments")]
    SeveralKeyFragments,
    /// A second miner answered with the same key fragment: one of the two repeats the other.
    #[error("the same fragment as from {0}: one of the two repeats the other")]
    Repeated(Address),
    /// Of an earlier grant to the same reader, useless together with the present one's.
    #[error("its fragment belongs to another grant")]
    AnotherGrant,
}

impl Reader<'_> {
    /// Fragments of m miners: for each capsule, one of each of them.
    pub(super) async fn collect(
        &self,
        candidate: &Candidate<'_>,
        label_key: &PublicKey,
        capsules: &[Capsule],
        (deadline, progress): (Instant, &dyn Progress),
    ) -> Result<Vec<Vec<VerifiedCapsuleFrag>>> {
        let terms = &candidate.created.terms;
        let (need, of) = (usize::from(terms.threshold), terms.miners.len());
        let infos = self.chain.miner_info(&terms.miners).await?;
        let label_key = *label_key;
        let question = Question {
            candidate,
            label_key,
            capsules,
            deadline,
        };
        let question = &question;
        let mut running: FuturesUnordered<_> = infos
            .iter()
            .map(|info| async move { (info, self.ask(info, question).await) })
            .collect();

        let mut groups = Groups::default();
        let mut failures: Vec<NodeFailure> = Vec::new();
        while let Some((info, answer)) = running.next().await {
            let counted = answer.and_then(|answer| {
                let fault = |fault: FragmentFault| bad_fragment(info, &fault);
                groups.add(info.miner, answer).map_err(fault)
            });
            match counted {
                Ok(done) => progress.event(Event::NodeDone {
                    miner: info.miner,
                    done,
                    of,
                }),
                Err(failure) => {
                    let code = failure.code.clone();
                    progress.event(Event::NodeFailed {
                        miner: info.miner,
                        code,
                    });
                    failures.push(failure);
                }
            }
            // The slower miners' answers are not waited for.
            if let Some(complete) = groups.take_complete(need, capsules.len()) {
                return Ok(complete);
            }
        }
        drop(running);
        let (got, minority) = groups.largest();
        let outside = infos.iter().filter(|info| minority.contains(&info.miner));
        failures.extend(outside.map(|info| bad_fragment(info, &FragmentFault::AnotherGrant)));
        failures.sort_by_key(|failure| failure.miner);
        Err(Error::ThresholdNotMet {
            need,
            got,
            nodes: failures,
        })
    }

    /// Asks until there is an answer, a refusal that stands, or time is up. A node may see a new
    /// block, and with it a policy's beginning, a little later than this reader.
    async fn ask(&self, info: &MinerInfo, question: &Question<'_>) -> Result<Answer, NodeFailure> {
        let (worker, url) = reach(info, |url| self.nodes.parse_url(url))?;
        let lag = Duration::from_millis(self.limits.lag_ms);
        let patience = question.deadline.min(Instant::now() + lag);
        let mut pause = Pause::new(RETRY_FIRST_MS);
        loop {
            let request = self.request(info, question).await?;
            let error = match within(question.deadline, self.nodes.reencrypt(&url, &request)).await
            {
                Ok(reply) => return self.check(&reply, (&request, info, worker), question),
                Err(error) => error,
            };
            let wait = pause.next(&error);
            if !lags(&error) || Instant::now() + wait >= patience {
                return Err(failed(info, error.code(), error.detail()));
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// A request for this miner alone, with a fresh nonce and the present block.
    async fn request(
        &self,
        info: &MinerInfo,
        question: &Question<'_>,
    ) -> Result<ReencryptRequest, NodeFailure> {
        let no_head = |error: Error| failed(info, error.code(), error.to_string());
        let no_nonce =
            |error: kms_protocol::Error| failed(info, "random_failed", error.to_string());
        let unsigned = ReencryptRequest {
            policy_id: question.candidate.created.id,
            miner: info.miner,
            capsules: question.capsules.iter().map(bytes_of).collect(),
            block_number: self.chain.head().await.map_err(no_head)?.number,
            nonce: B256::random().map_err(no_nonce)?,
            signature: EthSignature::UNSIGNED,
        };
        Ok(unsigned.signed(&self.chain.domain(), question.candidate.key.eth()))
    }

    fn check(
        &self,
        reply: &ReencryptReply,
        (request, info, worker): (&ReencryptRequest, &MinerInfo, Address),
        question: &Question<'_>,
    ) -> Result<Answer, NodeFailure> {
        let expected = ReplyExpectation {
            requester: question.candidate.key.eth().address(),
            worker,
            verifier: question.candidate.created.terms.verifier,
        };
        reply
            .verify(&self.chain.domain(), request, &expected)
            .map_err(|error| failed(info, "bad_signature", error.to_string()))?;
        verified(reply, question).map_err(|fault| bad_fragment(info, &fault))
    }
}

/// Refusals that pass when the node has taken in the newest blocks.
fn lags(error: &NodeError) -> bool {
    let NodeError::Refused(problem) = error else {
        return false;
    };
    matches!(
        problem.code,
        Refusal::PolicyUnknown
            | Refusal::PolicyUnconfirmed
            | Refusal::PolicyNotStarted
            | Refusal::StaleRequest
            | Refusal::StaleChainView
    )
}

fn bytes_of(capsule: &Capsule) -> CapsuleBytes {
    kms_protocol::FixedBytes(capsule.to_simple())
}

fn bad_fragment(info: &MinerInfo, fault: &FragmentFault) -> NodeFailure {
    failed(info, "bad_fragment", fault.to_string())
}

/// Verifies each fragment against its capsule and the three keys, and that all come from one key
/// fragment.
fn verified(reply: &ReencryptReply, question: &Question<'_>) -> Result<Answer, FragmentFault> {
    let context = Context {
        delegating: question.label_key,
        receiving: question.candidate.key.receiving_key(),
        verifying: reply.verifying_key,
    };
    let mut frags = Vec::with_capacity(reply.fragments.len());
    let mut origins = BTreeSet::new();
    for (fragment, capsule) in reply.fragments.iter().zip(question.capsules) {
        let frag = CapsuleFrag::from_simple(&fragment.cfrag.0)?.verify(capsule, &context)?;
        origins.insert((*frag.id(), precursor_of(&frag)));
        frags.push(frag);
    }
    let mut origins = origins.into_iter();
    match (origins.next(), origins.next()) {
        (Some((kfrag_id, precursor)), None) => Ok(Answer {
            kfrag_id,
            precursor,
            frags,
        }),
        _ => Err(FragmentFault::SeveralKeyFragments),
    }
}

/// X, bytes 98..131 of the simple form.
fn precursor_of(frag: &VerifiedCapsuleFrag) -> [u8; PRECURSOR_BYTES] {
    let bytes = frag.to_simple();
    let (_, from) = bytes.split_at(PRECURSOR_OFFSET);
    from.first_chunk().copied().unwrap_or([0; PRECURSOR_BYTES])
}

/// Answers by delegation: only fragments of one delegation open a capsule together, and a miner may
/// answer with a valid fragment of an older grant.
#[derive(Default)]
struct Groups(BTreeMap<[u8; PRECURSOR_BYTES], Vec<(Address, Answer)>>);

impl Groups {
    /// Counts an answer, unless its key fragment was counted before. Returns the group's size.
    fn add(&mut self, miner: Address, answer: Answer) -> Result<usize, FragmentFault> {
        let group = self.0.entry(answer.precursor).or_default();
        let same = |(_, counted): &&(Address, Answer)| counted.kfrag_id == answer.kfrag_id;
        if let Some((other, _)) = group.iter().find(same) {
            return Err(FragmentFault::Repeated(*other));
        }
        group.push((miner, answer));
        Ok(group.len())
    }

    /// For each capsule the fragments of a group that has reached the threshold.
    fn take_complete(
        &mut self,
        need: usize,
        capsules: usize,
    ) -> Option<Vec<Vec<VerifiedCapsuleFrag>>> {
        let precursor = *self.0.iter().find(|(_, group)| group.len() >= need)?.0;
        let group = self.0.remove(&precursor)?;
        let mut collected: Vec<Vec<_>> = (0..capsules).map(|_| Vec::new()).collect();
        for (_, answer) in group {
            for (of_capsule, frag) in collected.iter_mut().zip(answer.frags) {
                of_capsule.push(frag);
            }
        }
        Some(collected)
    }

    /// Size of the largest group, and the miners of all others.
    fn largest(&self) -> (usize, BTreeSet<Address>) {
        let largest = self.0.iter().max_by_key(|(_, group)| group.len());
        let Some((precursor, group)) = largest else {
            return (0, BTreeSet::new());
        };
        let others = self.0.iter().filter(|(other, _)| *other != precursor);
        let miners = others.flat_map(|(_, group)| group.iter().map(|(miner, _)| *miner));
        (group.len(), miners.collect())
    }
}
