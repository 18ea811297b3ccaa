//! A capsule with its answers, and how either side verifies them.

use umbral::{BatchVerifier, PreparedContext};
use umbral_peers::{Parties, Rng, pre_capsule};
use umbral_pre as pre;
use umbral_pre::DefaultDeserialize as _;

/// A capsule, n answers to it in both wire forms, and the peer's view.
pub(crate) struct Answers {
    pub(crate) capsule: umbral::Capsule,
    pub(crate) theirs: pre::Capsule,
    pub(crate) ciphertext: Vec<u8>,
    pub(crate) simple: Vec<[u8; umbral::CAPSULE_FRAG_BYTES]>,
    pub(crate) packed: Vec<Vec<u8>>,
}

pub(crate) const MESSAGE: &[u8] = b"32 bytes of a message, no more..";

pub(crate) fn answers(parties: &Parties, count: u16) -> Answers {
    let key = parties.delegating.public_key();
    let (capsule, ciphertext) = umbral::encrypt(&mut Rng {}, &key, MESSAGE).expect("encrypts");
    let kfrags = parties.kfrags(count, count);
    let answers: Vec<_> = kfrags
        .iter()
        .map(|kfrag| umbral::reencrypt(&mut Rng {}, &capsule, kfrag).expect("reencrypts"))
        .collect();
    Answers {
        theirs: pre_capsule(&capsule),
        simple: answers
            .iter()
            .map(umbral::VerifiedCapsuleFrag::to_simple)
            .collect(),
        packed: answers
            .iter()
            .map(|answer| answer.to_msgpack().to_vec())
            .collect(),
        capsule,
        ciphertext,
    }
}

impl Answers {
    pub(crate) fn peer_verify(&self, parties: &Parties, packed: &[u8]) -> pre::VerifiedCapsuleFrag {
        let cfrag = pre::CapsuleFrag::from_bytes(packed).expect("decodes");
        let (a, b) = (
            parties.pre_delegating.public_key(),
            parties.pre_receiving.public_key(),
        );
        let verifying = parties.pre_signer.verifying_key();
        cfrag
            .verify(&self.theirs, &verifying, &a, &b)
            .map_err(|(error, _)| error)
            .expect("verifies")
    }

    pub(crate) fn verify(
        &self,
        prepared: &mut PreparedContext,
    ) -> Vec<umbral::VerifiedCapsuleFrag> {
        let mut batch = BatchVerifier::new(prepared);
        for bytes in &self.simple {
            batch.push_simple(&self.capsule, bytes);
        }
        batch
            .finish()
            .into_iter()
            .map(|verdict| verdict.expect("verifies"))
            .collect()
    }
}
