//! Asks all n miners of a policy in parallel, and reports each one's failure. `kms_core` has the
//! rules: `asked` checks each reply against the worker bonded on chain, `answers` the cfrags.

use std::time::Duration;

use futures_util::future::try_join;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use kms_chain::MinerInfo;
use kms_core::answers::{Accept, Answer, Answers, DoNotOpen, Fault, Step};
use kms_core::asked::{Asked, lags};
use kms_protocol::{Address, Domain, FixedBytes};
use tokio::time::Instant;
use umbral::{Capsule, PublicKey, SharedSecret};

use super::Reader;
use super::find::Candidate;
use crate::asking::{Pause, dismissed, failed, reach, within};
use crate::error::{Error, NodeFailure, Result};
use crate::judge::{Evidence, Offence, Subject, Told};
use crate::line::Moment;
use crate::node_http::AskError;
use crate::progress::{Event, Progress};

/// First pause before a node that lags is asked again, in milliseconds.
const RETRY_FIRST_MS: u64 = 200;

/// Takes the secrets of all capsules.
type Finish<'a, T> = &'a (dyn Fn(Vec<SharedSecret>) -> Result<T> + Sync);

/// What the capsules are opened for.
pub(super) struct Goal<'a, T> {
    pub(super) accept: Option<Accept<'a, T>>,
    /// Takes the secrets of all capsules, opened with verified cfrags.
    pub(super) finish: Finish<'a, T>,
}

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
    fn none(infos: &'a [MinerInfo], progress: &'a dyn Progress) -> Self {
        Self {
            infos,
            progress,
            nodes: Vec::new(),
        }
    }

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
        let mut failures = Failures::none(&infos, progress);
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
        let asked = question.asked();
        let mut answers = Answers::new(&asked, goal.accept, &self.chain.domain())?;
        let mut authors = 0;
        while let Some((info, answer)) = running.next().await {
            let miner = info.miner;
            let step = match answer {
                Ok(answer) => self.add(question, answer, &mut answers, progress)?,
                Err(failure) => {
                    failures.note(failure);
                    continue;
                }
            };
            let reached = match step {
                Step::Reached(reached) => reached,
                Step::Verified(secrets) => (goal.finish)(secrets)?,
                Step::Counted(done, faults) => {
                    if faults.iter().all(|(at_fault, _)| *at_fault != miner) {
                        progress.event(Event::NodeDone { miner, done, of });
                    }
                    authors += count_authors(&faults);
                    failures.note_faults(faults);
                    continue;
                }
            };
            // The slower miners' answers are not waited for.
            let done = need;
            progress.event(Event::NodeDone { miner, done, of });
            return Ok(reached);
        }
        let (got, faults) = answers.give_up();
        self.keep(question, answers.take_false(), progress);
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
        question: &Question<'_>,
        answer: Answer,
        answers: &mut Answers<'_, T>,
        progress: &dyn Progress,
    ) -> Result<Step<T>> {
        let step = answers.add(answer);
        self.keep(question, answers.take_false(), progress);
        let policy = question.candidate.created.id;
        step.map_err(|DoNotOpen| Error::FragmentsDoNotOpen { policy })
    }

    /// Keeps what convicts miners. A read goes on without it.
    fn keep(&self, question: &Question<'_>, wrong: Vec<Answer>, progress: &dyn Progress) {
        let Some(book) = self.evidence else {
            return;
        };
        let domain = self.chain.domain();
        let evidence = wrong
            .iter()
            .filter_map(|answer| question.evidence(answer, &domain));
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
            let asked = question.asked();
            let request = asked.request(&moment.domain, info.miner, moment.time);
            let request =
                request.map_err(|error| failed(info, "random_failed", error.to_string()))?;
            let answer = self.nodes.reencrypt(&peer, &moment, &request);
            let error = match within(question.deadline, answer).await {
                Ok(reply) => {
                    let answer = asked.check(&moment.domain, &request, peer.worker, reply);
                    return answer.map_err(|fault| failed(info, fault.code(), fault.to_string()));
                }
                Err(error) => error,
            };
            let wait = pause.next(&error);
            if !passes(&error) || Instant::now() + wait >= patience {
                return Err(failed(info, error.code(), error.detail()));
            }
            tokio::time::sleep(wait).await;
        }
    }
}

impl Question<'_> {
    fn asked(&self) -> Asked<'_> {
        Asked {
            terms: &self.candidate.created.terms,
            key: self.candidate.key,
            label_key: self.label_key,
            capsules: self.capsules,
        }
    }

    /// The first of an answer's cfrags that convicts its miner.
    fn evidence(&self, answer: &Answer, domain: &Domain) -> Option<Evidence> {
        let told = (0..answer.cfrags.len())
            .filter_map(|index| self.told(answer, index, Offence::WrongFragment));
        let mut wrong = told.filter(|told| matches!(told.fault(domain), Ok(Some(_))));
        wrong.next()
    }

    /// What an answer says of one capsule, as it is kept.
    pub(super) fn told(&self, answer: &Answer, index: usize, offence: Offence) -> Option<Evidence> {
        let capsule = self.capsules.get(index)?;
        let told = Told {
            cfrag: FixedBytes(*answer.cfrags.get(index)?),
            commitments_hash: answer.commitments.hash(),
            block_time: answer.block_time,
            block_hash: answer.block_hash,
            signature: *answer.signatures.get(index)?,
        };
        let subject = Subject {
            policy: self.candidate.created.id,
            terms: &self.candidate.created.terms,
            number: self.candidate.number,
            context: self.asked().context(answer.verifying_key),
        };
        let capsule = FixedBytes(capsule.to_bytes());
        Some(Evidence::new(
            &subject,
            answer.miner,
            offence,
            capsule,
            told,
        ))
    }
}

/// Faults that are the author's.
fn count_authors(faults: &[(Address, Fault)]) -> usize {
    let authors = faults.iter().filter(|(_, fault)| fault.is_the_authors());
    authors.count()
}

/// Whether a node refused for being behind the chain.
fn passes(error: &AskError) -> bool {
    matches!(error, AskError::Refused(problem) if lags(problem.code))
}
