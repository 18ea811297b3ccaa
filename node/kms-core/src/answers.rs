//! Opens capsules with m answers, or finds who is at fault. The first m are combined unchecked if
//! the caller can tell a right secret from a wrong one: what opens is authentic. After the first
//! failure every cfrag is verified for this policy and its miner, then held against the author's
//! commitments, and only sound ones count: a false miner and an inconsistent author are never
//! taken for each other. Neighbour: `asked` has the question and checks each reply.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use kms_protocol::messages::CommitmentsBytes;
use kms_protocol::{Address, B256, Domain, EthSignature, kfrag_policy};
use umbral::{
    BatchVerifier, CapsuleFrag, Commitments, Policy, PreparedContext, SharedSecret,
    VerifiedCapsuleFrag, VerifyingKey, decapsulate_optimistic, decapsulate_reencrypted,
};

use crate::asked::Asked;

/// Byte ranges of a cfrag: id and X of its kfrag, then U1.
const ID_AND_PRECURSOR: std::ops::Range<usize> = 66..131;
const COMMITMENT: std::ops::Range<usize> = 197..230;

/// For a single capsule: fails unless the secret is authentic, so that cfrags may be combined
/// before they are verified.
pub type Accept<'a, T> = &'a (dyn Fn(&SharedSecret) -> kms_format::Result<T> + Sync);

/// One miner's answer, one cfrag per capsule. The receipts are verified, the cfrags are not.
#[derive(Clone)]
pub struct Answer {
    /// Owner address.
    pub miner: Address,
    /// The author's key; its address is that of the terms.
    pub verifying_key: VerifyingKey,
    /// The author's commitments, as the miner passes them on.
    pub commitments: CommitmentsBytes,
    /// One for each capsule.
    pub cfrags: Vec<[u8; CapsuleFrag::BYTES]>,
    /// The worker's signatures over the receipts, one for each cfrag.
    pub signatures: Vec<EthSignature>,
    /// Time, in the receipts, of the head that the node decided on.
    pub block_time: u64,
    /// Its hash.
    pub block_hash: B256,
}

/// Why an answer is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
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
    /// The code of the miner's failure.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Fragment(_) | Self::SeveralKeyFragments => "bad_fragment",
            Self::Commitments(_) => "bad_commitments",
            Self::Origin | Self::Share | Self::Repeated(_) | Self::Equivocation => {
                "inconsistent_share"
            }
        }
    }

    /// Whether the author is to blame, and not the miner.
    pub const fn is_the_authors(self) -> bool {
        match self {
            Self::Fragment(_) | Self::SeveralKeyFragments | Self::Commitments(_) => false,
            Self::Origin | Self::Share | Self::Repeated(_) | Self::Equivocation => true,
        }
    }
}

/// Result of adding an answer.
pub enum Step<T> {
    /// The first m opened, and what [`Accept`] made of the secret.
    Reached(T),
    /// The secrets of all capsules, opened with verified cfrags.
    Verified(Vec<SharedSecret>),
    /// Number of answers that count, and the faults of those that do not.
    Counted(usize, Vec<(Address, Fault)>),
}

/// One miner's sound cfrags, one per capsule.
struct Sound {
    miner: Address,
    frags: Vec<VerifiedCapsuleFrag>,
}

/// m sound cfrags do not open a capsule: it was made for another label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoNotOpen;

/// The answers to one question.
pub struct Answers<'a, T> {
    asked: &'a Asked<'a>,
    accept: Option<Accept<'a, T>>,
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
    /// False answers that were not taken yet.
    wrong: Vec<Answer>,
}

impl<'a, T> Answers<'a, T> {
    /// Begins with no answer.
    ///
    /// # Errors
    /// Those of [`kfrag_policy`].
    pub fn new(
        asked: &'a Asked<'a>,
        accept: Option<Accept<'a, T>>,
        domain: &Domain,
    ) -> kms_protocol::Result<Self> {
        Ok(Self {
            asked,
            accept,
            policy: kfrag_policy(asked.terms, domain.chain_id, &domain.contract)?,
            need: usize::from(asked.terms.threshold),
            prepared: None,
            unchecked: Vec::new(),
            checking: false,
            known: BTreeMap::new(),
            groups: BTreeMap::new(),
            wrong: Vec::new(),
        })
    }

    /// Adds an answer, and opens the capsules as soon as m are sound.
    ///
    /// # Errors
    /// [`DoNotOpen`].
    pub fn add(&mut self, answer: Answer) -> Result<Step<T>, DoNotOpen> {
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
            Some(secrets) => Ok(Step::Verified(secrets)),
            None => Ok(Step::Counted(self.counted(), faults)),
        }
    }

    /// Takes the answers with a false cfrag that were found since.
    pub fn take_false(&mut self) -> Vec<Answer> {
        std::mem::take(&mut self.wrong)
    }

    /// Ends the collection: returns how many answers count, and the faults not yet returned.
    pub fn give_up(&mut self) -> (usize, Vec<(Address, Fault)>) {
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
        let (Some(accept), [_]) = (self.accept, self.asked.capsules) else {
            return None;
        };
        let answers = self.unchecked.iter();
        let answers: Vec<_> = answers
            .filter_map(|answer| answer.cfrags.first().copied())
            .collect();
        let receiving = self.asked.key.secret();
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
                self.wrong.push(answer.clone());
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
        let capsules = self.asked.capsules;
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
        let receiving = self.asked.key.secret();
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
        let receiving = self.asked.key.secret();
        let context = self.asked.context(answer.verifying_key);
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
    fn with_verified(&mut self) -> Result<Option<Vec<SharedSecret>>, DoNotOpen> {
        let Some(group) = self.groups.values().find(|group| group.len() >= self.need) else {
            return Ok(None);
        };
        let (receiving, label_key) = (self.asked.key.secret(), &self.asked.label_key);
        let mut secrets = Vec::with_capacity(self.asked.capsules.len());
        for (index, capsule) in self.asked.capsules.iter().enumerate() {
            let frags = group.iter().filter_map(|sound| sound.frags.get(index));
            let frags: Vec<_> = frags.cloned().collect();
            let secret = decapsulate_reencrypted(receiving, label_key, capsule, &frags);
            secrets.push(secret.map_err(|_| DoNotOpen)?);
        }
        Ok(Some(secrets))
    }

    /// Prepares the context of the first answer; the terms give all answers one verifying key.
    fn prepare(&mut self) -> Option<&mut PreparedContext> {
        if self.prepared.is_none() {
            let context = self.asked.context(self.unchecked.first()?.verifying_key);
            self.prepared = Some(PreparedContext::new(context, self.policy));
        }
        self.prepared.as_mut()
    }
}

/// Returns id, X and U1, which name the kfrag that the author signed.
fn share_of(cfrag: &[u8; CapsuleFrag::BYTES]) -> [Option<&[u8]>; 2] {
    [cfrag.get(ID_AND_PRECURSOR), cfrag.get(COMMITMENT)]
}
