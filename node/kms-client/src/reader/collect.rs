//! Asks all n miners of a policy in parallel, and reports each one's failure. Checked here, per
//! miner: the receipt's signature against the worker bonded on chain, the verifying key against
//! the terms. `answers` verifies the cfrags.

use std::time::Duration;

use futures_util::future::try_join;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use kms_chain::MinerInfo;
use kms_protocol::messages::{
    CapsuleBytes, Entry, ReencryptReply, ReencryptRequest, ReplyExpectation,
};
use kms_protocol::{Address, B256, EthSignature, Refusal};
use tokio::time::Instant;
use umbral::{Capsule, CapsuleFrag, PublicKey};

use super::Reader;
use super::answers::{Answer, Answers, Fault, Goal, Step};
use super::find::Candidate;
use crate::asking::{Pause, dismissed, failed, reach, within};
use crate::error::{Error, NodeFailure, Result};
use crate::judge::Evidence;
use crate::line::{Moment, Peer};
use crate::node_http::AskError;
use crate::progress::{Event, Progress};

/// First pause before a node that lags is asked again, in milliseconds.
const RETRY_FIRST_MS: u64 = 200;

/// What is asked of every miner, and until when.
pub(super) struct Question<'a> {
    pub(super) candidate: &'a Candidate<'a>,
    pub(super) label_key: PublicKey,
    pub(super) capsules: &'a [Capsule],
    pub(super) deadline: Instant,
}

/// Failures so far, each reported as it happens.
struct Failures<'a> {
    infos: &'a [MinerInfo],
    progress: &'a dyn Progress,
    nodes: Vec<NodeFailure>,
}

impl<'a> Failures<'a> {
    fn note(&mut self, failure: NodeFailure) {
        self.progress.event(Event::NodeFailed {
            miner: failure.miner,
            code: failure.code.clone(),
        });
        self.nodes.push(failure);
    }

    /// Returns the miners to ask. One whose arrangement was revoked is not asked: an honest one
    /// refuses, and the answer of another is never counted.
    fn set_aside(&mut self, revoked: &[Address]) -> Vec<&'a MinerInfo> {
        let (aside, asked): (Vec<_>, Vec<_>) = self
            .infos
            .iter()
            .partition(|info| revoked.contains(&info.miner));
        aside
            .into_iter()
            .for_each(|info| self.note(dismissed(info)));
        asked
    }

    fn note_faults(&mut self, faults: Vec<(Address, Fault)>) {
        for (miner, fault) in faults {
            if let Some(info) = self.infos.iter().find(|info| info.miner == miner) {
                self.note(failed(info, fault.code(), fault.to_string()));
            }
        }
    }
}

impl Reader<'_> {
    /// Opens the capsules with the answers of m miners.
    pub(super) async fn collect<T>(
        &self,
        question: &Question<'_>,
        goal: &Goal<'_, T>,
        progress: &dyn Progress,
    ) -> Result<T> {
        let terms = &question.candidate.created.terms;
        let (policy, need) = (question.candidate.created.id, usize::from(terms.threshold));
        let infos = self.chain.miner_info(&terms.miners);
        let (infos, revoked) = try_join(infos, self.chain.revoked_miners(terms)).await?;
        let mut failures = Failures {
            infos: &infos,
            progress,
            nodes: Vec::new(),
        };
        let asked = failures.set_aside(&revoked);
        let (of, nodes) = (asked.len(), failures.nodes.clone());
        if of < need {
            let left = of;
            return Err(Error::ArrangementsRevoked {
                policy,
                need,
                left,
                nodes,
            });
        }
        let mut running: FuturesUnordered<_> = asked
            .into_iter()
            .map(|info| async move { (info, self.ask(info, question).await) })
            .collect();
        let mut answers = Answers::new(question, goal, self.chain.domain())?;
        let mut authors = 0;
        while let Some((info, answer)) = running.next().await {
            let answer = match answer {
                Ok(answer) => answer,
                Err(failure) => {
                    failures.note(failure);
                    continue;
                }
            };
            let miner = info.miner;
            match self.add(answer, &mut answers, progress)? {
                // The slower miners' answers are not waited for.
                Step::Reached(reached) => {
                    let done = need;
                    progress.event(Event::NodeDone { miner, done, of });
                    return Ok(reached);
                }
                Step::Counted(done, faults) => {
                    if faults.iter().all(|(at_fault, _)| *at_fault != miner) {
                        progress.event(Event::NodeDone { miner, done, of });
                    }
                    authors += count_authors(&faults);
                    failures.note_faults(faults);
                }
            }
        }
        let (got, faults) = answers.give_up();
        self.keep(answers.take_evidence(), progress);
        authors += count_authors(&faults);
        failures.note_faults(faults);
        let mut nodes = failures.nodes;
        nodes.sort_by_key(|failure| failure.miner);
        // Even if every other miner asked gave a sound answer, they would be too few.
        if of.saturating_sub(authors) < need {
            return Err(Error::SharesInconsistent { policy, nodes });
        }
        Err(Error::ThresholdNotMet { need, got, nodes })
    }

    fn add<T>(
        &self,
        answer: Answer,
        answers: &mut Answers<'_, T>,
        progress: &dyn Progress,
    ) -> Result<Step<T>> {
        let step = answers.add(answer);
        self.keep(answers.take_evidence(), progress);
        step
    }

    /// Keeps what convicts miners. A read goes on without it.
    fn keep(&self, evidence: Vec<Evidence>, progress: &dyn Progress) {
        let Some(book) = self.evidence else {
            return;
        };
        for evidence in evidence {
            let miner = evidence.miner;
            match book.keep(evidence) {
                Ok(true) => progress.event(Event::EvidenceKept { miner }),
                Ok(false) => {}
                Err(error) => {
                    let code = error.code();
                    progress.event(Event::EvidenceLost { miner, code });
                }
            }
        }
    }

    /// Asks until there is an answer, a refusal that stands, or time is up. A node may see a new
    /// block, and with it a policy's beginning, a little later than this reader.
    pub(super) async fn ask(
        &self,
        info: &MinerInfo,
        question: &Question<'_>,
    ) -> Result<Answer, NodeFailure> {
        let peer = reach(info, self.nodes)?;
        let lag = Duration::from_millis(self.limits.lag_ms);
        let patience = question.deadline.min(Instant::now() + lag);
        let mut pause = Pause::new(RETRY_FIRST_MS);
        loop {
            let moment = Moment::now(self.chain).await;
            let moment = moment.map_err(|error| failed(info, error.code(), error.to_string()))?;
            let request = self.request(info, question, &moment)?;
            let answer = self.nodes.reencrypt(&peer, &moment, &request);
            let error = match within(question.deadline, answer).await {
                Ok(reply) => return self.check(reply, &request, info, &peer, question),
                Err(error) => error,
            };
            let wait = pause.next(&error);
            if !lags(&error) || Instant::now() + wait >= patience {
                return Err(failed(info, error.code(), error.detail()));
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// A request for this miner alone, with a fresh nonce and the present time.
    fn request(
        &self,
        info: &MinerInfo,
        question: &Question<'_>,
        moment: &Moment,
    ) -> Result<ReencryptRequest, NodeFailure> {
        let no_nonce =
            |error: kms_protocol::Error| failed(info, "random_failed", error.to_string());
        let unsigned = ReencryptRequest {
            policy_id: question.candidate.created.id,
            miner: info.miner,
            capsules: question.capsules.iter().map(bytes_of).collect(),
            block_time: moment.time,
            nonce: B256::random().map_err(no_nonce)?,
            signature: EthSignature::UNSIGNED,
        };
        Ok(unsigned.signed(&moment.domain, question.candidate.key.eth()))
    }

    fn check(
        &self,
        reply: ReencryptReply,
        request: &ReencryptRequest,
        info: &MinerInfo,
        peer: &Peer,
        question: &Question<'_>,
    ) -> Result<Answer, NodeFailure> {
        let expected = ReplyExpectation {
            requester: question.candidate.key.eth().address(),
            worker: peer.worker,
            verifier: question.candidate.created.terms.verifier,
        };
        reply
            .verify(&self.chain.domain(), request, &expected)
            .map_err(|error| failed(info, "bad_signature", error.to_string()))?;
        Ok(Answer {
            miner: info.miner,
            verifying_key: reply.verifying_key,
            cfrags: cfrags(&reply, info)?,
            signatures: signatures(&reply),
            block_time: reply.block_time,
            block_hash: reply.block_hash,
            commitments: reply.commitments,
        })
    }
}

/// Returns the cfrag of every capsule. The reader asks for valid capsules only, so an answer that
/// refuses one of them is not counted.
fn cfrags(
    reply: &ReencryptReply,
    info: &MinerInfo,
) -> Result<Vec<[u8; CapsuleFrag::BYTES]>, NodeFailure> {
    let entries = reply.entries.iter().enumerate();
    entries
        .map(|(index, entry)| match entry {
            Entry::Fragment(fragment) => Ok(fragment.cfrag.0),
            Entry::Refused(problem) => {
                let detail = format!("capsule {index}: {}", problem.detail);
                Err(failed(info, problem.code.code(), detail))
            }
        })
        .collect()
}

/// The worker's signature over the receipt of every cfrag.
fn signatures(reply: &ReencryptReply) -> Vec<EthSignature> {
    let entries = reply.entries.iter().filter_map(|entry| match entry {
        Entry::Fragment(fragment) => Some(fragment.signature),
        Entry::Refused(_) => None,
    });
    entries.collect()
}

/// Faults that are the author's.
fn count_authors(faults: &[(Address, Fault)]) -> usize {
    let authors = faults.iter().filter(|(_, fault)| fault.is_the_authors());
    authors.count()
}

/// Refusals that pass when the node has taken in the newest blocks.
fn lags(error: &AskError) -> bool {
    let AskError::Refused(problem) = error else {
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
    kms_protocol::FixedBytes(capsule.to_bytes())
}
