//! A capsule with its answers, and how either side verifies them.

use umbral::{BatchVerifier, CapsuleFrag, PreparedContext, compat};
use umbral_peers::{MINER, Parties, Rng, policy, pre_capsule};
use umbral_pre as pre;
use umbral_pre::DefaultDeserialize as _;

/// A capsule, n answers to it, and the same of version 1 for the peer.
pub(crate) struct Answers {
    pub(crate) capsule: umbral::Capsule,
    pub(crate) theirs: pre::Capsule,
    pub(crate) ciphertext: Vec<u8>,
    pub(crate) bytes: Vec<[u8; CapsuleFrag::BYTES]>,
    pub(crate) packed: Vec<Vec<u8>>,
}

pub(crate) const MESSAGE: &[u8] = b"32 bytes of a message, no more..";

pub(crate) fn answers(parties: &Parties, count: u16) -> Answers {
    let key = parties.delegating.public_key();
    let (capsule, ciphertext) = umbral::encrypt(&mut Rng {}, &key, MESSAGE).expect("encrypts");
    let granted = parties.grant(count, count).kfrags;
    let answer = |kfrag| umbral::reencrypt(&mut Rng {}, &capsule, kfrag).expect("reencrypts");
    let bytes = granted.iter().map(|kfrag| answer(kfrag).to_bytes());
    let kfrags = parties.kfrags(count, count);
    let answer_v1 = |kfrag| compat::reencrypt(&mut Rng {}, &capsule, kfrag).expect("reencrypts");
    let packed = kfrags.iter().map(|kfrag| answer_v1(kfrag).to_msgpack());
    Answers {
        theirs: pre_capsule(&capsule),
        bytes: bytes.collect(),
        packed: packed.map(|packed| packed.to_vec()).collect(),
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

    pub(crate) fn prepare(&self, parties: &Parties) -> PreparedContext {
        let count = u16::try_from(self.bytes.len()).expect("few");
        PreparedContext::new(parties.context(), policy(count, count))
    }

    pub(crate) fn verify(
        &self,
        prepared: &mut PreparedContext,
    ) -> Vec<umbral::VerifiedCapsuleFrag> {
        let mut batch = BatchVerifier::new(prepared);
        for bytes in &self.bytes {
            batch.push(&self.capsule, bytes, &MINER);
        }
        batch
            .finish()
            .into_iter()
            .map(|verdict| verdict.expect("verifies"))
            .collect()
    }
}
