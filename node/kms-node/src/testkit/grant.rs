//! Honest clients: an owner who grants a policy to the node's miner, and a reader who asks.

use kms_protocol::messages::{
    CapsuleBytes, KfragUpload, ReencryptReply, ReencryptRequest, ReplyExpectation, SealedKfrag,
};
use kms_protocol::{
    Address, Amount, B256, EthSecret, EthSignature, Period, PolicyId, Terms, keys_hash,
};
use umbral::{
    Capsule, CapsuleFrag, Context, KfragParams, PublicKey, Quorum, SecretKey, SignedKeys, Signer,
    decrypt_reencrypted, encrypt, generate_kfrags,
};

use super::chain::{CHAIN_ID, POLICY_MANAGER};
use super::{MINER, domain};

pub(crate) const MESSAGE: &[u8] = b"what the owner shares";

/// A grant and everybody's keys for it.
pub(crate) struct Grant {
    pub(crate) terms: Terms,
    pub(crate) delegating: SecretKey,
    pub(crate) receiving: SecretKey,
    pub(crate) signer: Signer,
    kfrag: Vec<u8>,
    capsule: Capsule,
    ciphertext: Vec<u8>,
}

impl Grant {
    /// 1 of 1, for the periods `first..=last`.
    pub(crate) fn new(first: u32, last: u32) -> Self {
        let mut rng = getrandom::SysRng;
        let delegating = SecretKey::random(&mut rng).unwrap();
        let receiving = SecretKey::random(&mut rng).unwrap();
        let signer = Signer::random(&mut rng).unwrap();
        let params = KfragParams {
            delegating: &delegating,
            receiving: &receiving.public_key(),
            signer: &signer,
            quorum: Quorum::new(1, 1).unwrap(),
            signed: SignedKeys::BOTH,
        };
        let kfrags = generate_kfrags(&mut rng, &params).unwrap();
        let kfrag = kfrags[0].to_secret_msgpack().to_vec();
        let (capsule, ciphertext) = encrypt(&mut rng, &delegating.public_key(), MESSAGE).unwrap();
        let terms = Terms {
            author: Address([1; 20]),
            sponsor: Address([1; 20]),
            verifier: EthSecret::from_bytes(&signer.to_secret_bytes())
                .unwrap()
                .address(),
            keys_hash: keys_hash(&delegating.public_key(), &receiving.public_key()),
            rate: Amount(1_000),
            first_period: Period(first),
            last_period: Period(last),
            threshold: 1,
            salt: B256::random().unwrap(),
            miners: vec![MINER],
        };
        Self {
            terms,
            delegating,
            receiving,
            signer,
            kfrag,
            capsule,
            ciphertext,
        }
    }

    pub(crate) fn id(&self) -> PolicyId {
        self.terms.id(CHAIN_ID, &POLICY_MANAGER)
    }

    /// The fragment in clear, to look for it where it must not be.
    pub(crate) fn kfrag_bytes(&self) -> &[u8] {
        &self.kfrag
    }

    /// The signed upload, the fragment sealed anew each time.
    pub(crate) fn upload(&self, node_key: &PublicKey) -> KfragUpload {
        self.upload_of(&self.kfrag, node_key)
    }

    /// The same with other contents.
    pub(crate) fn upload_of(&self, kfrag: &[u8], node_key: &PublicKey) -> KfragUpload {
        let (capsule, ciphertext) = encrypt(&mut getrandom::SysRng, node_key, kfrag).unwrap();
        let sealed = [&capsule.to_simple()[..], &ciphertext].concat();
        let verifying = EthSecret::from_bytes(&self.signer.to_secret_bytes()).unwrap();
        KfragUpload {
            terms: self.terms.clone(),
            delegating_key: self.delegating.public_key(),
            receiving_key: self.receiving.public_key(),
            verifying_key: self.signer.verifying_key(),
            sealed_kfrag: SealedKfrag::try_from(&sealed[..]).unwrap(),
            signature: EthSignature::UNSIGNED,
        }
        .signed(&domain(), MINER, &verifying)
    }

    /// The reader's key as it signs requests.
    pub(crate) fn reader(&self) -> EthSecret {
        EthSecret::from_umbral(&self.receiving).unwrap()
    }

    /// A signed request for the one capsule.
    pub(crate) fn request(&self, block_number: u64) -> ReencryptRequest {
        self.unsigned(block_number)
            .signed(&domain(), &self.reader())
    }

    pub(crate) fn unsigned(&self, block_number: u64) -> ReencryptRequest {
        ReencryptRequest {
            policy_id: self.id(),
            miner: MINER,
            capsules: vec![CapsuleBytes::from(self.capsule.to_simple())],
            block_number,
            nonce: B256::random().unwrap(),
            signature: EthSignature::UNSIGNED,
        }
    }

    /// Checks every signature and proof of a reply, and reads the message with it.
    pub(crate) fn open(
        &self,
        request: &ReencryptRequest,
        reply: &ReencryptReply,
        worker: Address,
    ) -> Vec<u8> {
        let (requester, verifier) = (self.reader().address(), self.terms.verifier);
        let expected = ReplyExpectation {
            requester,
            worker,
            verifier,
        };
        reply.verify(&domain(), request, &expected).unwrap();
        let context = Context {
            delegating: self.delegating.public_key(),
            receiving: self.receiving.public_key(),
            verifying: self.signer.verifying_key(),
        };
        let cfrag = CapsuleFrag::from_simple(reply.fragments[0].cfrag.as_bytes()).unwrap();
        let cfrag = cfrag.verify(&self.capsule, &context).unwrap();
        decrypt_reencrypted(
            &self.receiving,
            &self.delegating.public_key(),
            &self.capsule,
            &[cfrag],
            &self.ciphertext,
        )
        .unwrap()
    }
}
