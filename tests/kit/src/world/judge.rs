//! What is brought before the judges of a hand-made grant: challenges of silence, accusations.

use crate::grant::fragment;
use kms_chain::{Call, Case, ChallengeDemand, ChallengeRight, Charge, ReaderConsent, SignedAnswer};
use kms_protocol::accusation::wrong_fragment_evidence;
use kms_protocol::messages::{KfragAck, ReencryptReply};
use kms_protocol::{
    Accusation, Address, ChallengeConsent, Domain, EthSecret, RevealedKeys, TypedData as _,
    keccak256,
};
use umbral::fault::{CapsuleWitness, Fault};

use super::grant::Grant;
use super::{Miner, World};

impl Grant {
    fn keys(&self) -> RevealedKeys {
        RevealedKeys::of_reader(
            &self.delegating.public_key(),
            &self.receiving.public_key(),
            &self.blinding,
        )
    }

    /// What the miner that gave this acknowledgement is asked.
    pub fn demand(&self, ack: &KfragAck) -> Box<ChallengeDemand> {
        Box::new(ChallengeDemand {
            terms: self.terms.clone(),
            miner: ack.miner,
            capsule: self.capsule_bytes(),
            witness: CapsuleWitness::new(&self.capsule)
                .unwrap()
                .equation
                .to_bytes(),
            kfrag_hash: ack.kfrag_hash,
            ack_signature: ack.signature,
        })
    }

    /// The reader lets somebody challenge a miner until a time.
    pub fn consent(
        &self,
        world: &World,
        miner: Address,
        challenger: Address,
        deadline: u64,
    ) -> ChallengeRight {
        let consent = ChallengeConsent {
            policy_id: self.id(),
            miner,
            capsule_hash: keccak256(self.capsule_bytes().as_ref()),
            challenger,
            deadline,
        };
        let contract = world.deployment.contracts.challenges.address;
        let domain = Domain::silence_challenges(world.deployment.chain_id, contract);
        ChallengeRight::Reader(Box::new(ReaderConsent {
            keys: self.keys(),
            deadline,
            signature: consent.sign(&domain, &self.reader()),
        }))
    }

    /// Posts the bond and asks.
    pub async fn challenge(
        &self,
        world: &World,
        from: &EthSecret,
        right: ChallengeRight,
        ack: &KfragAck,
    ) {
        let amount = world.chain.challenge_terms().await.unwrap().bond;
        world.send(from, Call::ApproveChallenges { amount }).await;
        let demand = self.demand(ack);
        world
            .send(from, Call::OpenChallenge { demand, right })
            .await;
    }

    /// The end of a challenge that was not answered.
    pub fn close(&self, miner: &Miner) -> Call {
        let (terms, miner) = (self.terms.clone(), miner.address());
        Call::CloseChallenge { terms, miner }
    }

    /// What the reader says of whom.
    pub fn accusation(&self, miner: &Miner, challenger: Address) -> Accusation {
        Accusation {
            miner: miner.address(),
            policy_id: self.id(),
            capsule_hash: keccak256(self.capsule_bytes().as_ref()),
            challenger,
        }
    }

    /// The reader accuses a miner of a fault in the one fragment of its reply.
    pub fn accuse(
        &self,
        world: &World,
        accusation: Accusation,
        reply: &ReencryptReply,
        fault: &Fault,
    ) -> Call {
        let contract = world.deployment.contracts.adjudicator.address;
        let domain = Domain::adjudicator(world.deployment.chain_id, contract);
        let witness = CapsuleWitness::new(&self.capsule).unwrap();
        let fragment = fragment(reply, 0).unwrap();
        let answer = SignedAnswer {
            commitments_hash: reply.commitments.hash(),
            block_time: reply.block_time,
            block_hash: reply.block_hash,
            signature: fragment.signature,
        };
        let evidence = wrong_fragment_evidence(&self.capsule, &witness, &fragment.cfrag, fault);
        Call::Accuse {
            terms: self.terms.clone(),
            case: Box::new(Case {
                accusation,
                keys: self.keys(),
                signature: accusation.sign(&domain, &self.reader()),
                charge: Charge::WrongFragment { answer, evidence },
            }),
        }
    }

    /// The fault of the one fragment of a reply, if it has one.
    pub fn fault(&self, reply: &ReencryptReply) -> Option<Fault> {
        let cfrag = &fragment(reply, 0)?.cfrag.0;
        let (context, policy) = (self.context(), self.policy());
        umbral::fault::prove_fault(&self.capsule, cfrag, &context, &policy, &reply.miner.0)
    }
}
