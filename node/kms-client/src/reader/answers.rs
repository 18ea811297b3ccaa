//! Opens capsules with m answers, or finds who is at fault. The first m are combined unchecked if
//! the caller can tell a right secret from a wrong one: what opens is authentic. After the first
//! failure every cfrag is verified for this policy and its miner, then held against the author's
//! commitments, and only sound ones count: a false miner and an inconsistent author are never
//! taken for each other. Neighbour: `collect` asks the miners and reports.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use kms_protocol::messages::CommitmentsBytes;
use kms_protocol::{Address, B256, Domain, EthSignature, FixedBytes, kfrag_policy};
use umbral::{
    BatchVerifier, CapsuleFrag, Commitments, Context, Policy, PreparedContext, SharedSecret,
    VerifiedCapsuleFrag, VerifyingKey, decapsulate_optimistic, decapsulate_reencrypted,
};

use super::collect::Question;
use crate::error::{Error, Result};
use crate::judge::{Asked, Evidence, Offence, Told};

/// Byte ranges of a cfrag: id and X of its kfrag, then U1.
const ID_AND_PRECURSOR: std::ops::Range<usize> = 66..131;
const COMMITMENT: std::ops::Range<usize> = 197..230;

/// Functions that take an opened secret: the header's check, the caller's use.
type Accept<'a, T> = &'a (dyn Fn(&SharedSecret) -> kms_format::Result<T> + Sync);
type Finish<'a, T> = &'a (dyn Fn(Vec<SharedSecret>) -> Result<T> + Sync);

/// What the capsules are opened for.
pub(super) struct Goal<'a, T> {
    /// For a single capsule: fails unless the secret is authentic, so that cfrags may be
    /// combined before they are verified.
    pub(super) accept: Option<Accept<'a, T>>,
    /// Takes the secrets of all capsules, opened with verified cfrags.
    pub(super) finish: Finish<'a, T>,
}

/// One miner's answer, one cfrag per capsule. The receipts are verified, the cfrags are not.
pub(super) struct Answer {
    pub(super) miner: Address,
    pub(super) verifying_key: VerifyingKey,
    pub(super) commitments: CommitmentsBytes,
    pub(super) cfrags: Vec<[u8; CapsuleFrag::BYTES]>,
    /// The worker's signatures over the receipts, one per cfrag.
    pub(super) signatures: Vec<EthSignature>,
    /// Time and hash, in the receipts, of the head that the node decided on.
    pub(super) block_time: u64,
    pub(super) block_hash: B256,
}

/// Why an answer is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// It does not decode, its proof does not hold, or it is not signed for this policy and this
    /// miner: another miner's cfrag, or one of another grant.
    #[error(transparent)]
    Fragment(umbral::Error),
    /// Its cfrags are of several kfrags; one miner holds one.
    #[error("its cfrags come from several kfrags")]
    SeveralKeyFragments,
    /// The commitments are not the author's; no node takes a kfrag without those for the policy.
    #[error("what it passes on are not the author's commitments: {0}")]
    Commitments(umbral::Error),
    /// The author committed to shares that cannot open what is encrypted to the label.
    #[error("the author's commitments are not to the label's key")]
    Origin,
    /// The author gave the miner a share that is not the one it committed to.
    #[error("the author's share is not on the committed polynomial")]
    Share,
    /// The author gave two miners one share.
    #[error("the author gave miner {0} the same share")]
    Repeated(Address),
    /// The author committed to several polynomials for one policy.
    #[error("the author committed to other shares for other miners")]
    Equivocation,
}

impl Fault {
    /// The code of a `NodeFailure`.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Fragment(_) | Self::SeveralKeyFragments => "bad_fragment",
            Self::Commitments(_) => "bad_commitments",
            Self::Origin | Self::Share | Self::Repeated(_) | Self::Equivocation => {
                "inconsistent_share"
            }
        }
    }

    /// Whether the author is to blame, and not the miner.
    pub(super) const fn is_the_authors(self) -> bool {
        match self {
            Self::Fragment(_) | Self::SeveralKeyFragments | Self::Commitments(_) => false,
            Self::Origin | Self::Share | Self::Repeated(_) | Self::Equivocation => true,
        }
    }
}

/// Result of adding an answer.
pub(super) enum Step<T> {
    Reached(T),
    /// Number of answers that count, and the faults of those that do not.
    Counted(usize, Vec<(Address, Fault)>),
}

/// One miner's sound cfrags, one per capsule.
struct Sound {
    miner: Address,
    frags: Vec<VerifiedCapsuleFrag>,
}

/// The answers to one question.
pub(super) struct Answers<'a, T> {
    question: &'a Question<'a>,
    goal: &'a Goal<'a, T>,
    domain: Domain,
    policy: Policy,
    need: usize,
    /// Made with the first answer: the verifying key is not on the chain, only its address.
    prepared: Option<PreparedContext>,
    /// Answers that are not verified yet.
    unchecked: Vec<Answer>,
    /// True after the first m did not open: every answer is verified as it comes.
    checking: bool,
    /// Commitments seen so far, each parsed or with what is wrong.
    known: BTreeMap<CommitmentsBytes, Result<Commitments, Fault>>,
    /// Sound answers, by what the author committed to.
    groups: BTreeMap<Vec<u8>, Vec<Sound>>,
    /// What convicts miners, and was not taken yet.
    evidence: Vec<Evidence>,
}

impl<'a, T> Answers<'a, T> {
    pub(super) fn new(
        question: &'a Question<'a>,
        goal: &'a Goal<'a, T>,
        domain: Domain,
    ) -> Result<Self> {
        let terms = &question.candidate.created.terms;
        Ok(Self {
            question,
            goal,
            domain,
            policy: kfrag_policy(terms, domain.chain_id, &domain.contract)?,
            need: usize::from(terms.threshold),
            prepared: None,
            unchecked: Vec::new(),
            checking: false,
            known: BTreeMap::new(),
            groups: BTreeMap::new(),
            evidence: Vec::new(),
        })
    }

    /// Adds an answer, and opens the capsules as soon as m are sound.
    ///
    /// # Errors
    /// [`Error::Format`] if the secret is right and the caller refuses it,
    /// [`Error::FragmentsDoNotOpen`].
    pub(super) fn add(&mut self, answer: Answer) -> Result<Step<T>> {
        self.unchecked.push(answer);
        if !self.checking {
            if self.unchecked.len() < self.need {
                return Ok(Step::Counted(self.unchecked.len(), Vec::new()));
            }
            if let Some(reached) = self.at_once() {
                return Ok(Step::Reached(reached));
            }
        }
        let faults = self.check();
        match self.with_verified()? {
            Some(reached) => Ok(Step::Reached(reached)),
            None => Ok(Step::Counted(self.counted(), faults)),
        }
    }

    /// Takes the false answers that were found since.
    pub(super) fn take_evidence(&mut self) -> Vec<Evidence> {
        std::mem::take(&mut self.evidence)
    }

    /// Ends the collection: returns how many answers count, and the faults not yet returned.
    pub(super) fn give_up(&mut self) -> (usize, Vec<(Address, Fault)>) {
        let mut faults = self.check();
        let largest = self.groups.values().max_by_key(|group| group.len());
        let largest =
            largest.map_or_else(Vec::new, |group| group.iter().map(|s| s.miner).collect());
        let counted = self.groups.values().flatten().map(|sound| sound.miner);
        let outside = counted.filter(|miner| !largest.contains(miner));
        faults.extend(outside.map(|miner| (miner, Fault::Equivocation)));
        (largest.len(), faults)
    }

    fn counted(&self) -> usize {
        self.groups.values().map(Vec::len).max().unwrap_or(0)
    }

    /// Combines the first m unchecked. `None` if they do not open, for whatever reason.
    fn at_once(&self) -> Option<T> {
        let (Some(accept), [_]) = (self.goal.accept, self.question.capsules) else {
            return None;
        };
        let answers = self.unchecked.iter();
        let answers: Vec<_> = answers
            .filter_map(|answer| answer.cfrags.first().copied())
            .collect();
        let receiving = self.question.candidate.key.secret();
        decapsulate_optimistic(receiving, &answers, |secret| accept(secret).ok())
    }

    /// Verifies what is unchecked, and from now on every answer as it comes. Sound answers join
    /// their group; the others are returned with their faults.
    fn check(&mut self) -> Vec<(Address, Fault)> {
        self.checking = true;
        let verified = self.verify();
        let mut faults = Vec::new();
        for (answer, frags) in verified {
            let miner = answer.miner;
            if let Err(Fault::Fragment(_)) = frags {
                self.evidence
                    .extend(self.question.evidence(&answer, &self.domain));
            }
            let judged = frags.and_then(|frags| self.judge(&answer, frags));
            if let Err(fault) = judged {
                faults.push((miner, fault));
            }
        }
        faults
    }

    /// The proofs and signatures of all unchecked answers, together.
    fn verify(&mut self) -> Vec<(Answer, Result<Vec<VerifiedCapsuleFrag>, Fault>)> {
        let capsules = self.question.capsules;
        if self.prepare().is_none() {
            return Vec::new();
        }
        let answers = std::mem::take(&mut self.unchecked);
        let Some(prepared) = &mut self.prepared else {
            return Vec::new();
        };
        let mut batch = BatchVerifier::new(prepared);
        for answer in &answers {
            for (capsule, cfrag) in capsules.iter().zip(&answer.cfrags) {
                batch.push(capsule, cfrag, &answer.miner.0);
            }
        }
        let mut verdicts = batch.finish().into_iter();
        let verified = answers.into_iter().map(|answer| {
            let of_this: Vec<_> = verdicts.by_ref().take(answer.cfrags.len()).collect();
            let frags: Result<Vec<_>, _> = of_this.into_iter().collect();
            (answer, frags.map_err(Fault::Fragment))
        });
        verified.collect()
    }

    /// Holds verified cfrags against the commitments they came with, and counts them.
    fn judge(&mut self, answer: &Answer, frags: Vec<VerifiedCapsuleFrag>) -> Result<(), Fault> {
        let mut shares = answer.cfrags.iter().map(share_of);
        let first = shares.next();
        if shares.any(|share| Some(share) != first) {
            return Err(Fault::SeveralKeyFragments);
        }
        let receiving = self.question.candidate.key.secret();
        let first = frags.first().ok_or(Fault::SeveralKeyFragments)?;
        let id = *first.id();
        self.commitments(answer)?
            .check_capsule_frag(receiving, first.as_unverified())
            .map_err(|_| Fault::Share)?;
        let statement = answer.commitments.statement().to_vec();
        let group = self.groups.entry(statement).or_default();
        let holds = |sound: &&Sound| sound.frags.first().is_some_and(|frag| *frag.id() == id);
        if let Some(other) = group.iter().find(holds) {
            return Err(Fault::Repeated(other.miner));
        }
        let miner = answer.miner;
        group.push(Sound { miner, frags });
        Ok(())
    }

    /// The commitments of an answer, if the author signed them and they are to the label's key.
    fn commitments(&mut self, answer: &Answer) -> Result<&Commitments, Fault> {
        let receiving = self.question.candidate.key.secret();
        let context = self.question.context(answer.verifying_key);
        let policy = &self.policy;
        let known = match self.known.entry(answer.commitments.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let parsed = answer.commitments.parse().map_err(Fault::Commitments);
                entry.insert(parsed.and_then(|commitments| {
                    match commitments.check_origin(receiving, &context, policy) {
                        Ok(()) => Ok(commitments),
                        Err(umbral::Error::InconsistentShares) => Err(Fault::Origin),
                        Err(error) => Err(Fault::Commitments(error)),
                    }
                }))
            }
        };
        known.as_ref().map_err(|fault| *fault)
    }

    /// Opens every capsule with the sound cfrags of m miners, once there are so many.
    fn with_verified(&mut self) -> Result<Option<T>> {
        let Some(group) = self.groups.values().find(|group| group.len() >= self.need) else {
            return Ok(None);
        };
        let candidate = self.question.candidate;
        let label_key = &self.question.label_key;
        let mut secrets = Vec::with_capacity(self.question.capsules.len());
        for (index, capsule) in self.question.capsules.iter().enumerate() {
            let frags = group.iter().filter_map(|sound| sound.frags.get(index));
            let frags: Vec<_> = frags.cloned().collect();
            let secret =
                decapsulate_reencrypted(candidate.key.secret(), label_key, capsule, &frags);
            let policy = candidate.created.id;
            secrets.push(secret.map_err(|_| Error::FragmentsDoNotOpen { policy })?);
        }
        (self.goal.finish)(secrets).map(Some)
    }

    /// Prepares the context of the first answer; the terms give all answers one verifying key.
    fn prepare(&mut self) -> Option<&mut PreparedContext> {
        if self.prepared.is_none() {
            let context = self.question.context(self.unchecked.first()?.verifying_key);
            self.prepared = Some(PreparedContext::new(context, self.policy));
        }
        self.prepared.as_mut()
    }
}

impl Question<'_> {
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
        let asked = Asked {
            policy: self.candidate.created.id,
            terms: &self.candidate.created.terms,
            number: self.candidate.number,
            context: self.context(answer.verifying_key),
        };
        let capsule = FixedBytes(capsule.to_bytes());
        Some(Evidence::new(&asked, answer.miner, offence, capsule, told))
    }

    fn context(&self, verifying: VerifyingKey) -> Context {
        Context {
            delegating: self.label_key,
            receiving: self.candidate.key.receiving_key(),
            verifying,
        }
    }
}

/// Returns id, X and U1, which name the kfrag that the author signed.
fn share_of(cfrag: &[u8; CapsuleFrag::BYTES]) -> [Option<&[u8]>; 2] {
    [cfrag.get(ID_AND_PRECURSOR), cfrag.get(COMMITMENT)]
}
