//! Authors whose shares cannot open: told apart from false miners, with a code of their own.

use kms_protocol::messages::CommitmentsBytes;
use kms_protocol::{PolicyId, kfrag_policy};
use umbral::{Context, GrantParams, Granted, KeyFrag, SecretKey, VerifiedKeyFrag};

use super::*;
use crate::progress::Silent;
use kms_core::keys::GrantSigner;

/// The author of a world's policy, who can make it as many delegations as it likes.
struct Author {
    policy: umbral::Policy,
    miners: Vec<umbral::Miner>,
    signer: GrantSigner,
    context: Context,
}

impl Author {
    async fn of(world: &World, policy: PolicyId) -> Self {
        let filter = crate::ports::PolicyFilter::Id(policy);
        let terms = world.chain.policies(filter).await.unwrap().remove(0).terms;
        let domain = kms_kit::chain::domain();
        let signer = world.keys.signer(&label("films/demo")).unwrap();
        Self {
            policy: kfrag_policy(&terms, domain.chain_id, &domain.contract).unwrap(),
            miners: terms.miners.iter().map(|miner| miner.0).collect(),
            context: Context {
                delegating: world.keys.label_key(&label("films/demo")).unwrap(),
                receiving: world.bob[0].receiving_key(),
                verifying: signer.verifying_key(),
            },
            signer,
        }
    }

    /// Another delegation for the same policy.
    fn grant(&self, delegating: &SecretKey) -> Granted {
        let params = GrantParams {
            delegating,
            receiving: &self.context.receiving,
            signer: &self.signer.umbral,
            policy: &self.policy,
            miners: &self.miners,
        };
        umbral::generate_kfrags(&mut getrandom::SysRng, &params).unwrap()
    }

    /// Signs a message of version 2 with its tag.
    fn sign(&self, tag: &[u8], parts: &[&[u8]]) -> [u8; 64] {
        let length = u32::try_from(tag.len()).unwrap().to_be_bytes();
        let message = [&length, tag, &parts.concat()].concat();
        let signature = self.signer.umbral.sign(&mut getrandom::SysRng, &message);
        signature.unwrap().to_bytes()
    }

    /// A share of another key, signed as one of the label's.
    fn sign_share(&self, share: &VerifiedKeyFrag, miner: &umbral::Miner) -> VerifiedKeyFrag {
        let (policy, bytes) = (&self.policy, share.to_secret_bytes());
        let (id, x, u1) = (&bytes[1..33], &bytes[65..98], &bytes[98..131]);
        let [a, b] = [self.context.delegating, self.context.receiving].map(|key| key.to_bytes());
        let signature = self.sign(
            b"UMBRAL_KFRAG_V2",
            &[
                &[2],
                &policy.chain_id.to_be_bytes(),
                &policy.contract,
                &policy.policy_id,
                miner,
                &policy.quorum.threshold().to_be_bytes(),
                &policy.quorum.shares().to_be_bytes(),
                &policy.not_before.to_be_bytes(),
                &policy.expiry.to_be_bytes(),
                &policy.conditions,
                id,
                u1,
                x,
                &a,
                &b,
            ],
        );
        let forged: [u8; 195] = [&bytes[..131], &signature].concat().try_into().unwrap();
        let forged = KeyFrag::from_bytes(&forged).unwrap();
        forged.verify(&self.context, policy, miner).unwrap()
    }

    /// Commitments to another key's polynomial, signed as those of the label's.
    fn sign_commitments(&self, made: &umbral::Commitments) -> CommitmentsBytes {
        let made = CommitmentsBytes::try_from(made).unwrap();
        let [a, b] = [self.context.delegating, self.context.receiving].map(|key| key.to_bytes());
        let parts = [&self.policy.policy_id[..], &a, &b, made.statement()];
        let signature = self.sign(b"UMBRAL_COMMITMENTS_V2", &parts);
        let forged = [made.statement(), &signature].concat();
        let forged = CommitmentsBytes::try_from(forged.as_slice()).unwrap();
        let parsed = forged.parse().unwrap();
        parsed.check_signature(&self.context, &self.policy).unwrap();
        forged
    }
}

fn bytes(granted: &Granted) -> CommitmentsBytes {
    CommitmentsBytes::try_from(&granted.commitments).unwrap()
}

/// Why a capsule of the label cannot be opened.
async fn read_error(world: &World) -> Error {
    let (capsule, _) = world.capsule();
    world.read(&world.reader(), &capsule).await.unwrap_err()
}

fn check_authors_fault(error: &Error, policy: PolicyId, shares: &[u8]) {
    assert_eq!(error.code(), "shares_inconsistent");
    assert_eq!(error.policy(), Some(policy));
    let expected: Vec<_> = shares.iter().map(|m| (*m, "inconsistent_share")).collect();
    assert_eq!(named(error), expected);
}

/// The read opens, or fails by the fault of the policy's author with these miners' shares.
async fn check_read(world: &World, readable: bool, policy: PolicyId, shares: &[u8]) {
    let (capsule, secret) = world.capsule();
    match world.read(&world.reader(), &capsule).await {
        Ok(read) => {
            assert!(readable);
            assert_eq!(read.expose(), secret.expose());
        }
        Err(error) => {
            assert!(!readable, "{error}");
            check_authors_fault(&error, policy, shares);
        }
    }
}

#[tokio::test]
async fn a_polynomial_that_is_not_the_labels_is_the_authors_fault() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let author = Author::of(&world, policy).await;
    let other = SecretKey::random(&mut getrandom::SysRng).unwrap();
    let granted = author.grant(&other);
    let commitments = author.sign_commitments(&granted.commitments);
    let shares = granted.kfrags.iter().zip(&author.miners);
    for ((share, miner), node) in shares.zip(&world.nodes) {
        node.exchange(policy, author.sign_share(share, miner), commitments.clone());
    }
    check_authors_fault(&read_error(&world).await, policy, &[1, 2, 3]);
}

#[tokio::test]
async fn a_single_false_share_costs_its_place_and_no_more() {
    for (threshold, readable) in [(2, true), (3, false)] {
        let world = World::new(3).await;
        let policy = world.granted(threshold, 3).await;
        let author = Author::of(&world, policy).await;
        let label = world.keys.delegating(&label("films/demo")).unwrap();
        // The share of one delegation with the commitments of the other: both rightly signed.
        let [first, second] = [(); 2].map(|()| author.grant(&label));
        for (index, node) in world.nodes.iter().enumerate() {
            let from = if index == 1 { &second } else { &first };
            let share = author.sign_share(&from.kfrags[index], &author.miners[index]);
            node.exchange(policy, share, bytes(&first));
        }
        check_read(&world, readable, policy, &[2]).await;
    }
}

#[tokio::test]
async fn an_author_who_commits_twice_is_told_and_the_larger_part_opens() {
    for (threshold, readable) in [(2, true), (3, false)] {
        let world = World::new(3).await;
        let policy = world.granted(threshold, 3).await;
        let author = Author::of(&world, policy).await;
        let label = world.keys.delegating(&label("films/demo")).unwrap();
        let mut second = author.grant(&label);
        let commitments = bytes(&second);
        world.nodes[0].exchange(policy, second.kfrags.remove(0), commitments);
        check_read(&world, readable, policy, &[1]).await;
    }
}

#[tokio::test]
async fn one_share_given_to_two_miners_counts_once() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let author = Author::of(&world, policy).await;
    let label = world.keys.delegating(&label("films/demo")).unwrap();
    let granted = author.grant(&label);
    for (miner, node) in author.miners.iter().zip(&world.nodes) {
        let share = author.sign_share(&granted.kfrags[0], miner);
        node.exchange(policy, share, bytes(&granted));
    }
    let error = read_error(&world).await;
    assert_eq!(error.code(), "shares_inconsistent");
    assert_eq!(error.nodes().len(), 2);
    let all = error.nodes().iter();
    assert!(
        all.into_iter()
            .all(|node| node.code == "inconsistent_share")
    );
}

/// Two of three shares are enough: as long as the third miner may still answer, the read may yet
/// succeed, and the miners are what is missing.
#[tokio::test]
async fn a_false_share_beside_an_absent_miner_is_not_the_end() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let author = Author::of(&world, policy).await;
    let label = world.keys.delegating(&label("films/demo")).unwrap();
    let mut other = author.grant(&label);
    let commitments = world.nodes[1].uploaded(policy).commitments;
    world.nodes[1].exchange(policy, other.kfrags.remove(1), commitments);
    world.nodes[2].set(Habit::Refuses(Refusal::ShuttingDown));
    let error = read_error(&world).await;
    assert_eq!(error.code(), "threshold_not_met");
    let blamed = [(2, "inconsistent_share"), (3, "shutting_down")];
    assert_eq!(named(&error), blamed);
}

/// The file's reader tries the fragments unchecked first, and comes to the same verdict.
#[tokio::test]
async fn a_file_under_inconsistent_shares_is_the_authors_fault_too() {
    let world = World::new(2).await;
    let policy = world.granted(2, 2).await;
    let author = Author::of(&world, policy).await;
    let label = world.keys.delegating(&label("films/demo")).unwrap();
    let mut second = author.grant(&label);
    let commitments = bytes(&second);
    world.nodes[1].exchange(policy, second.kfrags.remove(1), commitments);
    let header = super::header::header(&world);
    let error = world.reader().data_key(&header, &Silent).await;
    let error = error.err().unwrap();
    assert_eq!(error.code(), "shares_inconsistent");
    assert_eq!(error.nodes().len(), 1);
}
