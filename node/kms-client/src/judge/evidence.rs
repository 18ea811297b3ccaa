//! A miner's answers that convict it, with all that the Adjudicator asks for but the reader's
//! signature, which is made when it is brought there. Nothing in it is secret.
//! Neighbours: `book` keeps it, `accuse` sends it.

use kms_chain::{Case, Charge, SignedAnswer};
use kms_protocol::accusation::{equivocation_evidence, wrong_fragment_evidence};
use kms_protocol::messages::{CapsuleBytes, CfragBytes};
use kms_protocol::{
    Accusation, Address, B256, Domain, EthSignature, PairKey, PolicyId, RevealedKeys, Terms,
    TypedData as _, keccak256, kfrag_policy,
};
use serde::{Deserialize, Serialize};
use umbral::fault::{CapsuleWitness, Fault, prove_fault};
use umbral::{Capsule, Context, PublicKey, VerifyingKey};

use super::error::JudgeError;
use crate::error::{Error, Result};
use crate::store::Versioned;
use kms_core::keys::ReaderKey;

/// Byte ranges of a cfrag: E1 and V1, then U1.
const IMAGES: std::ops::Range<usize> = 0..66;
const COMMITMENT: std::ops::Range<usize> = 197..230;

/// What a miner did, as the Adjudicator names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Offence {
    /// It answered with a false cfrag.
    WrongFragment,
    /// It answered after its access had been revoked.
    ServedAfterRevocation,
    /// It gave two answers for one capsule, made with one kfrag.
    Equivocation,
}

impl Offence {
    /// The words for it in lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WrongFragment => "wrong fragment",
            Self::ServedAfterRevocation => "served after revocation",
            Self::Equivocation => "two answers",
        }
    }
}

/// A cfrag and what the worker signed for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Told {
    pub(crate) cfrag: CfragBytes,
    pub(crate) commitments_hash: B256,
    pub(crate) block_time: u64,
    pub(crate) block_hash: B256,
    pub(crate) signature: EthSignature,
}

impl Told {
    const fn signed(&self) -> SignedAnswer {
        SignedAnswer {
            commitments_hash: self.commitments_hash,
            block_time: self.block_time,
            block_hash: self.block_hash,
            signature: self.signature,
        }
    }

    /// Whether both were made with one kfrag, and one of them is false.
    fn contradicts(&self, other: &Self) -> bool {
        let part = |of: &Self, range: &std::ops::Range<usize>| {
            let bytes = of.cfrag.0.get(range.clone());
            bytes.map(<[u8]>::to_vec)
        };
        part(self, &COMMITMENT) == part(other, &COMMITMENT)
            && part(self, &IMAGES) != part(other, &IMAGES)
    }
}

/// What convicts one miner over one capsule of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    pub(super) version: u32,
    /// Policy under which it answered.
    pub policy: PolicyId,
    /// Owner address of the miner.
    pub miner: Address,
    /// What it did.
    pub offence: Offence,
    pub(super) terms: Terms,
    /// Number of the policy among those of the pair.
    pub(super) number: u32,
    #[serde(with = "kms_protocol::hex_serde::umbral_key")]
    pub(super) label_key: PublicKey,
    #[serde(with = "kms_protocol::hex_serde::umbral_key")]
    pub(super) receiving_key: PublicKey,
    #[serde(with = "kms_protocol::hex_serde::verifying_key")]
    pub(super) verifying_key: VerifyingKey,
    pub(super) capsule: CapsuleBytes,
    pub(super) answers: Vec<Told>,
}

impl Versioned for Evidence {
    const VERSION: u32 = 1;
}

/// Policy and keys of a question.
pub(crate) struct Subject<'a> {
    pub(crate) policy: PolicyId,
    pub(crate) terms: &'a Terms,
    pub(crate) number: u32,
    pub(crate) context: Context,
}

impl Evidence {
    /// An answer to a question of this home's, whose receipt was verified.
    pub(crate) fn new(
        asked: &Subject<'_>,
        miner: Address,
        offence: Offence,
        capsule: CapsuleBytes,
        told: Told,
    ) -> Self {
        Self {
            version: Self::VERSION,
            policy: asked.policy,
            miner,
            offence,
            terms: asked.terms.clone(),
            number: asked.number,
            label_key: asked.context.delegating,
            receiving_key: asked.context.receiving,
            verifying_key: asked.context.verifying,
            capsule,
            answers: vec![told],
        }
    }

    /// Its name: the Adjudicator convicts once for each miner, policy and capsule.
    pub fn id(&self) -> B256 {
        self.accusation(Address::ZERO).key()
    }

    /// Time of the newest answer, as the miner signed it.
    pub fn block_time(&self) -> u64 {
        let times = self.answers.iter().map(|told| told.block_time);
        times.max().unwrap_or(0)
    }

    /// Takes another answer over the same capsule, if the evidence is better with it.
    pub(super) fn improved(mut self, other: Self) -> Option<Self> {
        let (Some(old), Some(new)) = (self.answers.first(), other.answers.first()) else {
            return Some(other);
        };
        match (self.offence, other.offence) {
            (Offence::WrongFragment, _) if old.contradicts(new) => {
                self.offence = Offence::Equivocation;
                self.answers.extend(other.answers);
                Some(self)
            }
            // The later answer lies further beyond the time that a miner has to see a revocation.
            (Offence::ServedAfterRevocation, _) if new.block_time > old.block_time => Some(other),
            _ => None,
        }
    }

    /// The accusation that the reader is to sign.
    pub(super) fn accusation(&self, challenger: Address) -> Accusation {
        Accusation {
            miner: self.miner,
            policy_id: self.policy,
            capsule_hash: keccak256(self.capsule.as_ref()),
            challenger,
        }
    }

    pub(super) const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The fault of the first answer's cfrag, if it has one.
    pub(crate) fn fault(&self, domain: &Domain) -> Result<Option<Fault>> {
        let told = self.answers.first();
        let told = told.ok_or(JudgeError::EvidenceVoid { id: self.id() })?;
        let policy = kfrag_policy(&self.terms, domain.chain_id, &domain.contract)?;
        let context = Context {
            delegating: self.label_key,
            receiving: self.receiving_key,
            verifying: self.verifying_key,
        };
        let capsule = Capsule::from_bytes(&self.capsule.0)?;
        let (cfrag, miner) = (&told.cfrag.0, &self.miner.0);
        Ok(prove_fault(&capsule, cfrag, &context, &policy, miner))
    }

    /// The case for the Adjudicator: signed by the reader key that asked; the reward goes to
    /// `challenger`.
    pub(super) fn case(
        &self,
        keys: &[ReaderKey],
        challenger: Address,
        node: &Domain,
        judge: &Domain,
    ) -> Result<Case> {
        let id = self.id();
        let key = keys
            .iter()
            .find(|key| key.receiving_key() == self.receiving_key);
        let key = key.ok_or(JudgeError::EvidenceForeign { id })?;
        let pair = PairKey::of_reader(key.secret(), &self.label_key)?;
        let accusation = self.accusation(challenger);
        Ok(Case {
            accusation,
            keys: RevealedKeys::of_reader(
                &self.label_key,
                &self.receiving_key,
                &pair.blinding(self.number),
            ),
            signature: accusation.sign(judge, key.eth()),
            charge: self.charge(node)?,
        })
    }

    fn charge(&self, node: &Domain) -> Result<Charge> {
        let void = || Error::from(JudgeError::EvidenceVoid { id: self.id() });
        let (told, other) = match self.answers.as_slice() {
            [told] => (told, None),
            [told, other] => (told, Some(other)),
            _ => return Err(void()),
        };
        match (self.offence, other) {
            (Offence::WrongFragment, None) => {
                let capsule = Capsule::from_bytes(&self.capsule.0)?;
                let witness = CapsuleWitness::new(&capsule)?;
                let fault = self.fault(node)?.ok_or_else(void)?;
                Ok(Charge::WrongFragment {
                    answer: told.signed(),
                    evidence: wrong_fragment_evidence(&capsule, &witness, &told.cfrag, &fault),
                })
            }
            (Offence::ServedAfterRevocation, None) => Ok(Charge::ServedAfterRevocation {
                answer: told.signed(),
                cfrag_hash: keccak256(told.cfrag.as_ref()),
            }),
            (Offence::Equivocation, Some(other)) if told.contradicts(other) => {
                Ok(Charge::Equivocation {
                    answers: Box::new([told.signed(), other.signed()]),
                    cfrags: equivocation_evidence(&told.cfrag, &other.cfrag),
                })
            }
            _ => Err(void()),
        }
    }
}
