//! A grant to one miner as an honest owner makes it, and its reader.

use kms_protocol::messages::{
    CapsuleBytes, CommitmentsBytes, KfragUpload, NodeInfo, ReencryptReply, ReencryptRequest,
    SealedKfrag,
};
use kms_protocol::{
    Address, B256, EthSecret, EthSignature, Period, Terms, keys_hash, kfrag_policy,
};
use umbral::{
    Capsule, CapsuleFrag, Context, GrantParams, SecretKey, Signer, decrypt_reencrypted, encrypt,
};

use crate::net::{Net, kms};

pub(crate) const MESSAGE: &[u8] = b"shared through a miner";

/// What the owner and the reader hold.
pub(crate) struct Grant {
    pub(crate) terms: Terms,
    pub(crate) upload: KfragUpload,
    pub(crate) context: Context,
    pub(crate) policy: umbral::Policy,
    pub(crate) receiving: SecretKey,
    pub(crate) capsule: Capsule,
    pub(crate) ciphertext: Vec<u8>,
}

pub(crate) fn grant(net: &Net, owner: Address, info: &NodeInfo, first: Period) -> Grant {
    let mut rng = getrandom::SysRng;
    let delegating = SecretKey::random(&mut rng).unwrap();
    let receiving = SecretKey::random(&mut rng).unwrap();
    let signer = Signer::random(&mut rng).unwrap();
    let (capsule, ciphertext) = encrypt(&mut rng, &delegating.public_key(), MESSAGE).unwrap();
    let verifier = EthSecret::from_bytes(&signer.to_secret_bytes()).unwrap();
    let context = Context {
        delegating: delegating.public_key(),
        receiving: receiving.public_key(),
        verifying: signer.verifying_key(),
    };
    let terms = Terms {
        author: owner,
        sponsor: owner,
        verifier: verifier.address(),
        keys_hash: keys_hash(&context.delegating, &context.receiving),
        rate: kms(1),
        first_period: first,
        last_period: Period(first.0 + 50),
        threshold: 1,
        salt: B256::random().unwrap(),
        miners: vec![info.miner],
    };
    let policy = kfrag_policy(&terms, net.domain().chain_id, &net.domain().contract).unwrap();
    let params = GrantParams {
        delegating: &delegating,
        receiving: &receiving.public_key(),
        signer: &signer,
        policy: &policy,
        miners: &[info.miner.0],
    };
    let granted = umbral::generate_kfrags(&mut rng, &params).unwrap();
    let secret = granted.kfrags[0].to_secret_bytes();
    let (seal, sealed) = encrypt(&mut rng, &info.umbral_key, &*secret).unwrap();
    let sealed = [&seal.to_bytes()[..], &sealed].concat();
    let upload = KfragUpload {
        terms: terms.clone(),
        delegating_key: context.delegating,
        receiving_key: context.receiving,
        verifying_key: context.verifying,
        sealed_kfrag: SealedKfrag::try_from(&sealed[..]).unwrap(),
        commitments: CommitmentsBytes::try_from(&granted.commitments).unwrap(),
        signature: EthSignature::UNSIGNED,
    };
    let upload = upload.signed(&net.domain(), info.miner, &verifier);
    Grant {
        terms,
        upload,
        context,
        policy,
        receiving,
        capsule,
        ciphertext,
    }
}

impl Grant {
    pub(crate) fn request(&self, net: &Net, info: &NodeInfo) -> ReencryptRequest {
        let reader = EthSecret::from_umbral(&self.receiving).unwrap();
        ReencryptRequest {
            policy_id: self.terms.id(net.domain().chain_id, &net.domain().contract),
            miner: info.miner,
            capsules: vec![CapsuleBytes::from(self.capsule.to_bytes())],
            block_number: info.head_block,
            nonce: B256::random().unwrap(),
            signature: EthSignature::UNSIGNED,
        }
        .signed(&net.domain(), &reader)
    }

    pub(crate) fn open(&self, reply: &ReencryptReply) -> Vec<u8> {
        let cfrag = CapsuleFrag::from_bytes(reply.fragments[0].cfrag.as_bytes()).unwrap();
        let miner = self.terms.miners[0].0;
        let cfrag = cfrag
            .verify(&self.capsule, &self.context, &self.policy, &miner)
            .unwrap();
        let delegating = &self.context.delegating;
        let cfrags = [cfrag];
        decrypt_reencrypted(
            &self.receiving,
            delegating,
            &self.capsule,
            &cfrags,
            &self.ciphertext,
        )
        .unwrap()
    }
}
