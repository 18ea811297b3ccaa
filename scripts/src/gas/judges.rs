//! Measures convictions and challenges of silence, with real cfrags of real policies.

use anyhow::{Context, Result};
use getrandom::SysRng;
use kms_chain::{
    Call, Case, ChallengeAnswer, ChallengeDemand, ChallengeRight, Charge, SignedAnswer,
};
use kms_protocol::accusation::{Accusation, wrong_fragment_evidence};
use kms_protocol::eip712::{Domain, TypedData as _};
use kms_protocol::messages::{CapsuleBytes, CfragBytes, KfragAck, Receipt};
use kms_protocol::{
    Address, Amount, B256, EthSecret, EthSignature, FixedBytes, PairKey, PolicyId, RevealedKeys,
    Terms, address_of_verifying, keccak256, kfrag_policy,
};
use umbral::fault::{CapsuleWitness, prove_fault};
use umbral::{Capsule, Context as Keys, SecretKey, Signer};

use super::bench::{Bench, Miner, person};
use super::policies::create;

/// The bytes of a cfrag's first point.
const FIRST_POINT: std::ops::Range<usize> = 0..33;
/// Periods after which the longest challenge window is over.
const WINDOW_PERIODS: u32 = 2;

/// A policy with the kfrags and commitments of its author.
struct Delegation {
    terms: Terms,
    id: PolicyId,
    keys: Keys,
    receiving: SecretKey,
    blinding: B256,
    kfrags: Vec<umbral::VerifiedKeyFrag>,
    policy: umbral::Policy,
    node: Domain,
    /// Time of its receipts.
    time: u64,
}

impl Delegation {
    /// Creates the policy by allowance; the holder is author and sponsor.
    async fn create(bench: &Bench, miners: &[Miner], mark: &str) -> Result<Self> {
        let rng = &mut SysRng;
        let (delegating, receiving) = (SecretKey::random(rng)?, SecretKey::random(rng)?);
        let signer = Signer::random(rng)?;
        let mut terms = bench.terms(miners, 30, mark)?;
        terms.verifier = address_of_verifying(&signer.verifying_key());
        let pair = PairKey::of_owner(&delegating, &receiving.public_key())?;
        terms.keys_hash = pair.keys_hash(0);
        let chain_id = bench.deployment.chain_id;
        let contract = bench.deployment.contracts.policies.address;
        let policy = kfrag_policy(&terms, chain_id, &contract)?;
        let serving: Vec<umbral::Miner> = terms.miners.iter().map(|miner| miner.0).collect();
        let granted = umbral::generate_kfrags(
            rng,
            &umbral::GrantParams {
                delegating: &delegating,
                receiving: &receiving.public_key(),
                signer: &signer,
                policy: &policy,
                miners: &serving,
            },
        )?;
        create(bench, &terms).await?;
        Ok(Self {
            id: terms.id(chain_id, &contract),
            terms,
            keys: Keys {
                delegating: delegating.public_key(),
                receiving: receiving.public_key(),
                verifying: signer.verifying_key(),
            },
            receiving,
            blinding: pair.blinding(0),
            kfrags: granted.kfrags,
            policy,
            node: Domain::node(chain_id, contract),
            time: bench.time()?,
        })
    }

    fn capsule(&self) -> Result<Capsule> {
        Ok(umbral::encapsulate(&mut SysRng, &self.keys.delegating)?.0)
    }

    fn cfrag(&self, capsule: &Capsule, miner: &Miner) -> Result<CfragBytes> {
        let place = self.terms.miners.iter().position(|of| *of == miner.owner);
        let kfrag = place.and_then(|place| self.kfrags.get(place));
        let kfrag = kfrag.context("the policy does not name the miner")?;
        Ok(FixedBytes(
            umbral::reencrypt(&mut SysRng, capsule, kfrag)?.to_bytes(),
        ))
    }

    /// Signs the worker's receipt for a cfrag.
    fn receipt(
        &self,
        miner: &Miner,
        capsule: &CapsuleBytes,
        cfrag: &CfragBytes,
        requester: Address,
    ) -> EthSignature {
        Receipt {
            policy_id: self.id,
            miner: miner.owner,
            capsule_hash: keccak256(capsule.as_ref()),
            cfrag_hash: keccak256(cfrag.as_ref()),
            commitments_hash: B256::default(),
            requester,
            block_time: self.time,
            block_hash: B256::default(),
        }
        .sign(&self.node, &miner.worker)
    }
}

/// The reader of a policy of three miners submits a forged cfrag to the Adjudicator: of a miner
/// whose lease is over, then of an active one, after a confirmation of another in that period.
pub(super) async fn convictions(bench: &mut Bench, miners: &[Miner]) -> Result<()> {
    let [three @ .., another] = miners.get(..4).context("too few miners")? else {
        return Ok(());
    };
    let [idle, active, _] = three else {
        return Ok(());
    };
    let challenger = person("challenger");
    bench.fund(challenger, 1).await?;
    let delegation = Delegation::create(bench, three, "judged").await?;
    bench
        .skip(bench.deployment.params.max_lease_periods + 1)
        .await?;
    bench.roll().await?;
    let gas = convict(bench, &delegation, idle, challenger).await?;
    bench.note("slash_idle", gas, 1);
    bench.confirm(active, bench.lease_end()).await?;
    bench.skip(1).await?;
    bench.confirm(another, bench.lease_end()).await?;
    let gas = convict(bench, &delegation, active, challenger).await?;
    bench.note("slash", gas, 1);
    Ok(())
}

async fn convict(
    bench: &Bench,
    delegation: &Delegation,
    miner: &Miner,
    challenger: Address,
) -> Result<u64> {
    let capsule = delegation.capsule()?;
    let bytes = FixedBytes(capsule.to_bytes());
    // With the first point of another cfrag one equation does not hold.
    let mut forged = delegation.cfrag(&capsule, miner)?;
    let other = delegation.cfrag(&delegation.capsule()?, miner)?;
    if let (Some(to), Some(from)) = (forged.0.get_mut(FIRST_POINT), other.0.get(FIRST_POINT)) {
        to.copy_from_slice(from);
    }
    let fault = prove_fault(
        &capsule,
        &forged.0,
        &delegation.keys,
        &delegation.policy,
        &miner.owner.0,
    );
    let fault = fault.context("the forged fragment verifies")?;
    let witness = CapsuleWitness::new(&capsule)?;
    let evidence = wrong_fragment_evidence(&capsule, &witness, &forged, &fault);
    let reader = EthSecret::from_umbral(&delegation.receiving)?;
    let receipt = delegation.receipt(miner, &bytes, &forged, reader.address());
    let accusation = Accusation {
        miner: miner.owner,
        policy_id: delegation.id,
        capsule_hash: keccak256(bytes.as_ref()),
        challenger,
    };
    let judge = bench.deployment.contracts.adjudicator.address;
    let judge = Domain::adjudicator(bench.deployment.chain_id, judge);
    let answer = SignedAnswer {
        commitments_hash: B256::default(),
        block_time: delegation.time,
        block_hash: B256::default(),
        signature: receipt,
    };
    let call = Call::Accuse {
        terms: delegation.terms.clone(),
        case: Box::new(Case {
            accusation,
            keys: RevealedKeys::of_reader(
                &delegation.keys.delegating,
                &delegation.keys.receiving,
                &delegation.blinding,
            ),
            signature: accusation.sign(&judge, &reader),
            charge: Charge::WrongFragment { answer, evidence },
        }),
    };
    bench.send(bench.holder, &call).await
}

/// The author of a policy of three miners challenges two of them, of which one answers.
pub(super) async fn challenges(bench: &mut Bench, miners: &[Miner]) -> Result<()> {
    let three = miners.get(..3).context("too few miners")?;
    let [answering, silent, _] = three else {
        return Ok(());
    };
    let amount = Amount(1 << 90);
    bench
        .send(bench.holder, &Call::ApproveChallenges { amount })
        .await?;
    // A balance above zero, as of any account that was paid before.
    bench.fund(answering.owner, 1).await?;
    let delegation = Delegation::create(bench, three, "challenged").await?;
    bench.confirm_all(three).await?;
    bench.skip(1).await?;
    bench.roll().await?;
    let (capsule, gas) = open(bench, &delegation, answering).await?;
    bench.note("challenge_open", gas, 1);
    let (cfrag, bytes) = (
        delegation.cfrag(&capsule, answering)?,
        FixedBytes(capsule.to_bytes()),
    );
    let requester = delegation.terms.verifier;
    let answer = ChallengeAnswer {
        cfrag,
        commitments_hash: B256::default(),
        block_time: delegation.time,
        block_hash: B256::default(),
        signature: delegation.receipt(answering, &bytes, &cfrag, requester),
    };
    let call = Call::AnswerChallenge {
        terms: delegation.terms.clone(),
        miner: answering.owner,
        answer: Box::new(answer),
    };
    let gas = bench.send(answering.worker.address(), &call).await?;
    bench.note("challenge_answer", gas, 1);
    open(bench, &delegation, silent).await?;
    bench.skip(WINDOW_PERIODS).await?;
    bench.roll().await?;
    let call = Call::CloseChallenge {
        terms: delegation.terms.clone(),
        miner: silent.owner,
    };
    let gas = bench.send(bench.holder, &call).await?;
    bench.note("challenge_close", gas, 1);
    Ok(())
}

async fn open(bench: &Bench, delegation: &Delegation, miner: &Miner) -> Result<(Capsule, u64)> {
    let capsule = delegation.capsule()?;
    let witness = CapsuleWitness::new(&capsule)?;
    let ack = KfragAck {
        policy_id: delegation.id,
        miner: miner.owner,
        kfrag_hash: keccak256(b"key fragment"),
        signature: EthSignature([0; 65]),
    }
    .signed(&delegation.node, &miner.worker);
    let call = Call::OpenChallenge {
        demand: Box::new(ChallengeDemand {
            terms: delegation.terms.clone(),
            miner: miner.owner,
            capsule: FixedBytes(capsule.to_bytes()),
            witness: witness.equation.to_bytes(),
            kfrag_hash: ack.kfrag_hash,
            ack_signature: ack.signature,
        }),
        right: ChallengeRight::Author,
    };
    let gas = bench.send(bench.holder, &call).await?;
    Ok((capsule, gas))
}
