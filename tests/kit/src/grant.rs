//! A grant made by hand, with every key in reach: a test can hand over, ask and open as the real
//! owner and reader do, and also as neither ever would.

use kms_protocol::messages::{
    CapsuleBytes, CfragBytes, CommitmentsBytes, Delivery, Entry, Fragment, KfragUpload,
    ReencryptReply, ReencryptRequest, ReplyExpectation, SecretKfrag,
};
use kms_protocol::{
    Address, Amount, B256, Domain, EthSecret, EthSignature, FixedBytes, PairKey, Period, PolicyId,
    Terms, address_of_verifying, kfrag_policy,
};
use umbral::{
    Capsule, CapsuleFrag, Context, GrantParams, Granted, KeyFrag, Policy, SecretKey, Signer,
    VerifiedCapsuleFrag, generate_kfrags,
};

/// The fragment of a reply for the capsule at `index`; `None` if it was refused.
pub fn fragment(reply: &ReencryptReply, index: usize) -> Option<&Fragment> {
    match reply.entries.get(index)? {
        Entry::Fragment(fragment) => Some(fragment),
        Entry::Refused(_) => None,
    }
}

/// What the owner shares.
pub const MESSAGE: &[u8] = b"what the owner shares";

/// What a policy is made of, keys aside.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Author and sponsor.
    pub author: Address,
    /// Fee per miner and period.
    pub rate: Amount,
    /// First paid period.
    pub first: Period,
    /// Last paid period.
    pub last: Period,
    /// How many miners the reader needs.
    pub threshold: u8,
    /// Whom the policy names.
    pub miners: Vec<Address>,
}

/// The terms, everybody's keys, and one message encrypted for the label.
pub struct Grant {
    /// The chain and contract it is made for.
    pub domain: Domain,
    /// What the policy commits to.
    pub terms: Terms,
    /// The label's key.
    pub delegating: SecretKey,
    /// The reader's key.
    pub receiving: SecretKey,
    /// What hides both keys in the terms.
    pub blinding: B256,
    /// The author's key.
    pub signer: Signer,
    /// Kfrags in the order of the terms' miners, and their commitments.
    pub granted: Granted,
    /// Capsule of the message.
    pub capsule: Capsule,
    ciphertext: Vec<u8>,
}

/// What a node is handed: a kfrag in clear, and the commitments it was made with.
#[derive(Clone)]
pub struct Parcel {
    /// The kfrag's secret bytes.
    pub kfrag: Vec<u8>,
    /// The commitments to the polynomial.
    pub commitments: CommitmentsBytes,
}

impl Grant {
    /// A grant to a reader of its own.
    pub fn new(domain: Domain, offer: Offer) -> Self {
        Self::to(
            domain,
            offer,
            SecretKey::random(&mut getrandom::SysRng).unwrap(),
        )
    }

    /// A grant to the reader with this key.
    pub fn to(domain: Domain, offer: Offer, receiving: SecretKey) -> Self {
        let rng = &mut getrandom::SysRng;
        let delegating = SecretKey::random(rng).unwrap();
        let signer = Signer::random(rng).unwrap();
        let label = delegating.public_key();
        let (capsule, ciphertext) = umbral::encrypt(rng, &label, MESSAGE).unwrap();
        let pair = PairKey::of_owner(&delegating, &receiving.public_key()).unwrap();
        let mut miners = offer.miners;
        miners.sort_unstable();
        let terms = Terms {
            author: offer.author,
            sponsor: offer.author,
            verifier: address_of_verifying(&signer.verifying_key()),
            keys_hash: pair.keys_hash(0),
            rate: offer.rate,
            first_period: offer.first,
            last_period: offer.last,
            threshold: offer.threshold,
            salt: B256::random().unwrap(),
            miners,
        };
        let terms = pair.tagged(terms, domain.chain_id, &domain.contract);
        let policy = kfrag_policy(&terms, domain.chain_id, &domain.contract).unwrap();
        let ids: Vec<_> = terms.miners.iter().map(|miner| miner.0).collect();
        let params = GrantParams {
            delegating: &delegating,
            receiving: &receiving.public_key(),
            signer: &signer,
            policy: &policy,
            miners: &ids,
        };
        let granted = generate_kfrags(rng, &params).unwrap();
        Self {
            domain,
            terms,
            delegating,
            receiving,
            blinding: pair.blinding(0),
            signer,
            granted,
            capsule,
            ciphertext,
        }
    }

    /// The policy's id.
    pub fn id(&self) -> PolicyId {
        self.terms.id(self.domain.chain_id, &self.domain.contract)
    }

    /// What the author signs its kfrags for.
    pub fn policy(&self) -> Policy {
        kfrag_policy(&self.terms, self.domain.chain_id, &self.domain.contract).unwrap()
    }

    /// The keys that fragments are verified for.
    pub fn context(&self) -> Context {
        Context {
            delegating: self.delegating.public_key(),
            receiving: self.receiving.public_key(),
            verifying: self.signer.verifying_key(),
        }
    }

    /// Another delegation by the same author, for any policy and miners.
    pub fn grant_again(&self, policy: &Policy, miners: &[Address]) -> Granted {
        let miners: Vec<_> = miners.iter().map(|miner| miner.0).collect();
        let params = GrantParams {
            delegating: &self.delegating,
            receiving: &self.receiving.public_key(),
            signer: &self.signer,
            policy,
            miners: &miners,
        };
        generate_kfrags(&mut getrandom::SysRng, &params).unwrap()
    }

    /// What a miner of the terms is due out of a delegation.
    pub fn parcel_of(&self, granted: &Granted, miner: Address) -> Parcel {
        let miners = self.terms.miners.iter();
        let number = miners.take_while(|m| **m != miner).count();
        let kfrag = &granted.kfrags[number % granted.kfrags.len()];
        Parcel {
            kfrag: kfrag.to_secret_bytes().to_vec(),
            commitments: CommitmentsBytes::try_from(&granted.commitments).unwrap(),
        }
    }

    /// What a miner of the terms is due.
    pub fn parcel(&self, miner: Address) -> Parcel {
        self.parcel_of(&self.granted, miner)
    }

    /// The signed upload for a miner of the terms, delivered in the first period of chain time.
    pub fn upload(&self, miner: Address) -> KfragUpload {
        self.upload_of(&self.parcel(miner), miner)
    }

    /// The same with other contents.
    pub fn upload_of(&self, parcel: &Parcel, miner: Address) -> KfragUpload {
        let kfrag: &[u8; KeyFrag::BYTES] = parcel.kfrag.as_slice().try_into().unwrap();
        let upload = KfragUpload {
            terms: self.terms.clone(),
            delegating_key: self.delegating.public_key(),
            receiving_key: self.receiving.public_key(),
            blinding: self.blinding,
            verifying_key: self.signer.verifying_key(),
            kfrag: SecretKfrag::from(kfrag),
            commitments: parcel.commitments.clone(),
            delivery: Delivery::unsigned(Period(1)),
            signature: EthSignature::UNSIGNED,
        };
        let signer = EthSecret::from_signer(&self.signer).unwrap();
        upload.signed(&self.domain, miner, &signer)
    }

    /// The reader's key as it signs requests.
    pub fn reader(&self) -> EthSecret {
        EthSecret::from_umbral(&self.receiving).unwrap()
    }

    /// The capsule as it travels.
    pub fn capsule_bytes(&self) -> CapsuleBytes {
        FixedBytes(self.capsule.to_bytes())
    }

    /// A request to a miner for the one capsule, not signed yet.
    pub fn unsigned(&self, miner: Address, block_time: u64) -> ReencryptRequest {
        ReencryptRequest {
            policy_id: self.id(),
            miner,
            capsules: vec![self.capsule_bytes()],
            block_time,
            nonce: B256::random().unwrap(),
            signature: EthSignature::UNSIGNED,
        }
    }

    /// The same, signed by the reader.
    pub fn request(&self, miner: Address, block_time: u64) -> ReencryptRequest {
        let request = self.unsigned(miner, block_time);
        request.signed(&self.domain, &self.reader())
    }

    /// Checks every signature and proof of a reply as the reader does; the fragment it brings.
    pub fn check(
        &self,
        request: &ReencryptRequest,
        reply: &ReencryptReply,
        worker: Address,
    ) -> VerifiedCapsuleFrag {
        let expected = ReplyExpectation {
            requester: self.reader().address(),
            worker,
            verifier: self.terms.verifier,
        };
        reply.verify(&self.domain, request, &expected).unwrap();
        let commitments = reply.commitments.parse().unwrap();
        commitments
            .check_origin(&self.receiving, &self.context(), &self.policy())
            .unwrap();
        let fragment = fragment(reply, 0).unwrap();
        let cfrag = self.verified(request.miner, &fragment.cfrag);
        commitments
            .check_capsule_frag(&self.receiving, cfrag.as_unverified())
            .unwrap();
        cfrag
    }

    /// A fragment of this miner for the capsule.
    pub fn verified(&self, miner: Address, cfrag: &CfragBytes) -> VerifiedCapsuleFrag {
        let frag = CapsuleFrag::from_bytes(&cfrag.0).unwrap();
        let (context, policy) = (self.context(), self.policy());
        frag.verify(&self.capsule, &context, &policy, &miner.0)
            .unwrap()
    }

    /// Whether these fragments bring the message to light.
    pub fn opens(&self, frags: &[VerifiedCapsuleFrag]) -> bool {
        let label = self.delegating.public_key();
        umbral::decrypt_reencrypted(
            &self.receiving,
            &label,
            &self.capsule,
            frags,
            &self.ciphertext,
        )
        .is_ok_and(|message| message.as_slice() == MESSAGE)
    }
}
