//! Honest clients: an owner who grants a policy to the node's miner, and a reader who asks.

use kms_protocol::messages::{
    CapsuleBytes, CommitmentsBytes, KfragUpload, ReencryptReply, ReencryptRequest,
    ReplyExpectation, SealedKfrag,
};
use kms_protocol::{
    Address, Amount, B256, EthSecret, EthSignature, Period, PolicyId, Terms, keys_hash,
    kfrag_policy,
};
use umbral::{
    Capsule, CapsuleFrag, Context, GrantParams, PublicKey, SecretKey, Signer, decrypt_reencrypted,
    encrypt,
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
    pub(crate) share: Share,
    capsule: Capsule,
    ciphertext: Vec<u8>,
}

/// A fragment in clear, and the commitments it was made with.
#[derive(Clone)]
pub(crate) struct Share {
    pub(crate) kfrag: Vec<u8>,
    pub(crate) commitments: CommitmentsBytes,
}

/// One delegation of one share, for any policy and miner.
fn share_out(
    (delegating, receiving, signer): (&SecretKey, &SecretKey, &Signer),
    policy: &umbral::Policy,
    miner: Address,
) -> Share {
    let params = GrantParams {
        delegating,
        receiving: &receiving.public_key(),
        signer,
        policy,
        miners: &[miner.0],
    };
    let granted = umbral::generate_kfrags(&mut getrandom::SysRng, &params).unwrap();
    Share {
        kfrag: granted.kfrags[0].to_secret_bytes().to_vec(),
        commitments: CommitmentsBytes::try_from(&granted.commitments).unwrap(),
    }
}

impl Grant {
    /// 1 of 1, for the periods `first..=last`.
    pub(crate) fn new(first: u32, last: u32) -> Self {
        let mut rng = getrandom::SysRng;
        let delegating = SecretKey::random(&mut rng).unwrap();
        let receiving = SecretKey::random(&mut rng).unwrap();
        let signer = Signer::random(&mut rng).unwrap();
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
        let policy = kfrag_policy(&terms, CHAIN_ID, &POLICY_MANAGER).unwrap();
        let share = share_out((&delegating, &receiving, &signer), &policy, MINER);
        Self {
            terms,
            delegating,
            receiving,
            signer,
            share,
            capsule,
            ciphertext,
        }
    }

    pub(crate) fn id(&self) -> PolicyId {
        self.terms.id(CHAIN_ID, &POLICY_MANAGER)
    }

    /// What the author signs the fragment for.
    pub(crate) fn policy(&self) -> umbral::Policy {
        kfrag_policy(&self.terms, CHAIN_ID, &POLICY_MANAGER).unwrap()
    }

    /// Another delegation of the same keys.
    pub(crate) fn share_for(&self, policy: &umbral::Policy, miner: Address) -> Share {
        share_out(
            (&self.delegating, &self.receiving, &self.signer),
            policy,
            miner,
        )
    }

    /// The keys that fragments are verified for.
    pub(crate) fn context(&self) -> Context {
        Context {
            delegating: self.delegating.public_key(),
            receiving: self.receiving.public_key(),
            verifying: self.signer.verifying_key(),
        }
    }

    /// The signed upload, the fragment sealed anew each time.
    pub(crate) fn upload(&self, node_key: &PublicKey) -> KfragUpload {
        self.upload_of(&self.share, node_key)
    }

    /// The same with other contents.
    pub(crate) fn upload_of(&self, share: &Share, node_key: &PublicKey) -> KfragUpload {
        let (capsule, ciphertext) =
            encrypt(&mut getrandom::SysRng, node_key, &share.kfrag).unwrap();
        let sealed = [&capsule.to_bytes()[..], &ciphertext].concat();
        let verifying = EthSecret::from_bytes(&self.signer.to_secret_bytes()).unwrap();
        KfragUpload {
            terms: self.terms.clone(),
            delegating_key: self.delegating.public_key(),
            receiving_key: self.receiving.public_key(),
            verifying_key: self.signer.verifying_key(),
            sealed_kfrag: SealedKfrag::try_from(&sealed[..]).unwrap(),
            commitments: share.commitments.clone(),
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
            capsules: vec![CapsuleBytes::from(self.capsule.to_bytes())],
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
        let (context, policy) = (self.context(), self.policy());
        let cfrag = CapsuleFrag::from_bytes(reply.fragments[0].cfrag.as_bytes()).unwrap();
        let cfrag = cfrag
            .verify(&self.capsule, &context, &policy, &MINER.0)
            .unwrap();
        let commitments = reply.commitments.parse().unwrap();
        commitments
            .check_origin(&self.receiving, &context, &policy)
            .unwrap();
        commitments
            .check_capsule_frag(&self.receiving, cfrag.as_unverified())
            .unwrap();
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
