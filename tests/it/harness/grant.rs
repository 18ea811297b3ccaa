//! A grant made by hand, with every key in reach: a test can hand over, ask and open as the real
//! owner and reader do, and also as neither ever would.

use kms_chain::Call;
use kms_protocol::messages::{
    CapsuleBytes, CfragBytes, CommitmentsBytes, KfragAck, KfragUpload, Problem, ReencryptReply,
    ReencryptRequest, SealedKfrag,
};
use kms_protocol::{
    Address, Amount, B256, EthSecret, EthSignature, FixedBytes, Period, PolicyId, Terms,
    address_of, address_of_verifying, keys_hash, kfrag_policy,
};
use umbral::{
    Capsule, CapsuleFrag, Context, GrantParams, Granted, PublicKey, SecretKey, SharedSecret,
    Signer, VerifiedCapsuleFrag, VerifiedKeyFrag,
};

use super::node::Node;
use super::world::{Miner, World};

/// Fee per miner and period in the tests.
const RATE: Amount = Amount(1_000_000_000_000_000);
/// Periods that are paid.
const PERIODS: u32 = 10;

fn seal(node: &PublicKey, kfrag: &VerifiedKeyFrag) -> SealedKfrag {
    let secret = kfrag.to_secret_bytes();
    let (capsule, ciphertext) =
        umbral::encrypt(&mut getrandom::SysRng, node, secret.as_slice()).unwrap();
    let sealed = [capsule.to_bytes().as_slice(), &ciphertext].concat();
    SealedKfrag::try_from(sealed.as_slice()).unwrap()
}

/// One delegation of these keys.
fn share_out(
    (delegating, receiving, signer): (&SecretKey, &SecretKey, &Signer),
    policy: &umbral::Policy,
    miners: &[Address],
) -> Granted {
    let miners: Vec<_> = miners.iter().map(|miner| miner.0).collect();
    let params = GrantParams {
        delegating,
        receiving: &receiving.public_key(),
        signer,
        policy,
        miners: &miners,
    };
    umbral::generate_kfrags(&mut getrandom::SysRng, &params).unwrap()
}

/// Keys of all parties, the terms, and one capsule with its secret.
pub(crate) struct Grant {
    pub(crate) sponsor: EthSecret,
    pub(crate) terms: Terms,
    pub(crate) id: PolicyId,
    pub(crate) reader: EthSecret,
    pub(super) delegating: SecretKey,
    pub(super) receiving: SecretKey,
    signer: Signer,
    granted: Granted,
    pub(super) capsule: Capsule,
    secret: SharedSecret,
}

impl Grant {
    /// m of the given miners, from the present period on. Nothing is on chain yet.
    pub(crate) async fn prepare(world: &World, miners: &[Address], threshold: u8) -> Self {
        let first = world.period().await;
        Self::prepare_from(world, miners, (threshold, first)).await
    }

    /// The same with another first period.
    pub(crate) async fn prepare_from(
        world: &World,
        miners: &[Address],
        (threshold, first): (u8, Period),
    ) -> Self {
        let receiving = SecretKey::random(&mut getrandom::SysRng).unwrap();
        Self::prepare_for(world, miners, (threshold, first), receiving).await
    }

    /// The same for a reader whose key is known.
    pub(crate) async fn prepare_for(
        world: &World,
        miners: &[Address],
        (threshold, first): (u8, Period),
        receiving: SecretKey,
    ) -> Self {
        let rng = &mut getrandom::SysRng;
        let sponsor = world.account(100).await;
        let delegating = SecretKey::random(rng).unwrap();
        let signer = Signer::random(rng).unwrap();
        let (capsule, secret) = umbral::encapsulate(rng, &delegating.public_key()).unwrap();
        let mut miners = miners.to_vec();
        miners.sort();
        let terms = Terms {
            author: sponsor.address(),
            sponsor: sponsor.address(),
            verifier: address_of_verifying(&signer.verifying_key()),
            keys_hash: keys_hash(&delegating.public_key(), &receiving.public_key()),
            rate: RATE,
            first_period: first,
            last_period: Period(first.0 + PERIODS - 1),
            threshold,
            salt: B256::random().unwrap(),
            miners,
        };
        let reader = EthSecret::from_umbral(&receiving).unwrap();
        assert_eq!(reader.address(), address_of(&receiving.public_key()));
        let id = terms.id(world.domain.chain_id, &world.domain.contract);
        let domain = world.domain;
        let policy = kfrag_policy(&terms, domain.chain_id, &domain.contract).unwrap();
        let keys = (&delegating, &receiving, &signer);
        let granted = share_out(keys, &policy, &terms.miners);
        Self {
            sponsor,
            terms,
            id,
            reader,
            delegating,
            receiving,
            signer,
            granted,
            capsule,
            secret,
        }
    }

    /// Pays on chain, and lets enough blocks pass that the payment counts everywhere.
    pub(crate) async fn pay(&self, world: &World, nodes: &[&Node]) {
        let call = Call::CreatePolicyViaTransfer {
            terms: self.terms.clone(),
        };
        world.send(&self.sponsor, call).await;
        world.mine(2).await;
        let head = world.head().await.number;
        for node in nodes {
            node.sees(head).await;
        }
    }

    /// Pays and hands every miner its share.
    pub(crate) async fn complete(&self, world: &World, miners: &[Miner]) {
        let nodes: Vec<&Node> = miners.iter().map(|miner| &miner.node).collect();
        self.pay(world, &nodes).await;
        for miner in miners {
            self.hand_over(world, miner).await.unwrap();
        }
    }

    /// The upload for the miner with that number in the terms.
    pub(crate) fn upload(&self, world: &World, miner: &Miner) -> KfragUpload {
        self.upload_of(&self.granted, world, miner)
    }

    /// The same out of any delegation.
    pub(crate) fn upload_of(&self, granted: &Granted, world: &World, miner: &Miner) -> KfragUpload {
        let miners = self.terms.miners.iter();
        let number = miners.take_while(|m| **m != miner.address()).count();
        let number = number % granted.kfrags.len();
        let upload = KfragUpload {
            terms: self.terms.clone(),
            delegating_key: self.delegating.public_key(),
            receiving_key: self.receiving.public_key(),
            verifying_key: self.signer.verifying_key(),
            sealed_kfrag: seal(&miner.node.umbral_key, &granted.kfrags[number]),
            commitments: CommitmentsBytes::try_from(&granted.commitments).unwrap(),
            signature: EthSignature::UNSIGNED,
        };
        let signer = EthSecret::from_signer(&self.signer).unwrap();
        upload.signed(&world.domain, miner.address(), &signer)
    }

    /// What producers encrypt to.
    pub(crate) fn label_key(&self) -> PublicKey {
        self.delegating.public_key()
    }

    /// What the author signs its fragments for.
    pub(crate) fn policy(&self, world: &World) -> umbral::Policy {
        kfrag_policy(&self.terms, world.domain.chain_id, &world.domain.contract).unwrap()
    }

    /// Another delegation by the same author, for any policy and miners.
    pub(crate) fn grant_again(&self, policy: &umbral::Policy, miners: &[Address]) -> Granted {
        let keys = (&self.delegating, &self.receiving, &self.signer);
        share_out(keys, policy, miners)
    }

    /// Hands a miner its share; checks the acknowledgement.
    pub(crate) async fn hand_over(
        &self,
        world: &World,
        miner: &Miner,
    ) -> Result<KfragAck, Problem> {
        let upload = self.upload(world, miner);
        let path = format!("/v2/policies/{}/kfrag", self.id);
        let ack: KfragAck = miner.node.post(&path, &upload).await?;
        ack.verify(&world.domain, &upload, &miner.address(), &miner.worker)
            .unwrap();
        Ok(ack)
    }

    /// The capsule as it travels.
    pub(crate) fn capsule(&self) -> CapsuleBytes {
        FixedBytes(self.capsule.to_bytes())
    }

    /// A request to a miner, not signed yet.
    pub(crate) async fn request(&self, world: &World, miner: Address) -> ReencryptRequest {
        ReencryptRequest {
            policy_id: self.id,
            miner,
            capsules: vec![self.capsule()],
            block_number: world.head().await.number,
            nonce: B256::random().unwrap(),
            signature: EthSignature::UNSIGNED,
        }
    }

    /// Asks a miner as the reader does; the fragment is verified.
    pub(crate) async fn ask(
        &self,
        world: &World,
        miner: &Miner,
    ) -> Result<VerifiedCapsuleFrag, Problem> {
        let request = self.request(world, miner.address()).await;
        let request = request.signed(&world.domain, &self.reader);
        let reply = self.post(miner, &request).await?;
        let expected = kms_protocol::messages::ReplyExpectation {
            requester: self.reader.address(),
            worker: miner.worker,
            verifier: self.terms.verifier,
        };
        reply.verify(&world.domain, &request, &expected).unwrap();
        let (context, policy) = (self.context(), self.policy(world));
        let commitments = reply.commitments.parse().unwrap();
        commitments
            .check_origin(&self.receiving, &context, &policy)
            .unwrap();
        Ok(self.verified(world, miner, &reply.fragments[0].cfrag))
    }

    /// A fragment of this miner for the capsule.
    pub(crate) fn verified(
        &self,
        world: &World,
        miner: &Miner,
        cfrag: &CfragBytes,
    ) -> VerifiedCapsuleFrag {
        let frag = CapsuleFrag::from_bytes(&cfrag.0).unwrap();
        let (context, policy) = (self.context(), self.policy(world));
        frag.verify(&self.capsule, &context, &policy, &miner.address().0)
            .unwrap()
    }

    /// Sends a request as it is.
    pub(crate) async fn post(
        &self,
        miner: &Miner,
        request: &ReencryptRequest,
    ) -> Result<ReencryptReply, Problem> {
        miner
            .node
            .post(&format!("/v2/policies/{}/reencrypt", self.id), request)
            .await
    }

    /// Whether these fragments open the capsule.
    pub(crate) fn opens(&self, frags: &[VerifiedCapsuleFrag]) -> bool {
        let label = self.delegating.public_key();
        umbral::decapsulate_reencrypted(&self.receiving, &label, &self.capsule, frags)
            .is_ok_and(|secret| secret.expose() == self.secret.expose())
    }

    /// The keys a fragment is verified against.
    pub(crate) fn context(&self) -> Context {
        Context {
            delegating: self.delegating.public_key(),
            receiving: self.receiving.public_key(),
            verifying: self.signer.verifying_key(),
        }
    }
}
