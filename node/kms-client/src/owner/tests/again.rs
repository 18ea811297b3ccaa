//! The same grant made again from the seed: equal kfrags, equal commitments, a memo that names it.

use kms_protocol::messages::KfragUpload;
use kms_protocol::{Address, B256, PairKey, Period, keccak256};

use super::*;
use crate::journal::{DeliveryState, Grant, GrantState};
use crate::owner::kfrags::Kfrags;
use crate::testkit::Habit;
use kms_core::keys::{OwnerKeys, Seed};

/// What every node was given for a policy.
fn uploads(world: &World, policy: PolicyId) -> Vec<KfragUpload> {
    let nodes = world.nodes.iter();
    nodes.map(|node| node.uploaded(policy)).collect()
}

/// What a kfrag is known by: its hash, and the commitments beside it.
fn content(uploads: &[KfragUpload]) -> Vec<(B256, Vec<u8>)> {
    let content = |u: &KfragUpload| (u.kfrag.hash(), u.commitments.as_ref().to_vec());
    uploads.iter().map(content).collect()
}

/// The journal loses what every miner acknowledged.
fn forget_acknowledgements(world: &World) {
    let mut grant = only_grant(world);
    for delivery in &mut grant.deliveries {
        (delivery.state, delivery.ack) = (DeliveryState::Open, None);
    }
    grant.state = GrantState::Paid;
    world.home.journal().put(&grant).unwrap();
}

#[tokio::test]
async fn a_grant_made_again_has_equal_kfrags_and_commitments() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let first = uploads(&world, policy);
    forget_acknowledgements(&world);
    let resumed = world
        .owner()
        .resume(policy, &world.keys, world.spend(), &Silent)
        .await
        .unwrap();
    assert_eq!(resumed.delivered.len(), 3);
    let second = uploads(&world, policy);
    assert!(world.nodes.iter().all(|node| node.uploads() == 2));
    assert_eq!(content(&first), content(&second));
    let hashes: std::collections::BTreeSet<_> = first.iter().map(|u| u.kfrag.hash()).collect();
    assert_eq!(hashes.len(), 3, "each miner has a kfrag of its own");
}

/// The kfrags are the same; the word that pays a miner is of the period in which it is given.
#[tokio::test]
async fn a_delivery_is_dated_when_it_is_made() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let dates = || -> Vec<Period> {
        let uploads = uploads(&world, policy);
        uploads
            .iter()
            .map(|upload| upload.delivery.period)
            .collect()
    };
    let first = dates()[0];
    assert_eq!(dates(), [first; 3]);
    assert!(!first.is_never() && first <= world.chain.period());
    forget_acknowledgements(&world);
    let later = Period(world.chain.period().0 + 1);
    world.chain.mine_to_period(later.0);
    let resumed = world
        .owner()
        .resume(policy, &world.keys, world.spend(), &Silent)
        .await
        .unwrap();
    assert_eq!(resumed.delivered.len(), 3);
    assert!(dates().iter().all(|dated| *dated >= later));
    let domain = kms_kit::chain::domain();
    for (upload, miner) in uploads(&world, policy).iter().zip(&resumed.terms.miners) {
        assert_eq!(upload.verify(&domain, *miner), Ok(policy));
        let other = upload.verify(&domain, Address([7; 20]));
        assert!(other.is_err(), "it is for one miner");
    }
}

#[tokio::test]
async fn another_policy_of_the_same_pair_has_other_kfrags() {
    let world = World::new(3).await;
    let (one, two) = (world.granted(2, 3).await, world.granted(2, 3).await);
    let (one, two) = (
        content(&uploads(&world, one)),
        content(&uploads(&world, two)),
    );
    for ((kfrag, commitments), (other, others)) in one.iter().zip(&two) {
        assert_ne!(kfrag, other);
        assert_ne!(commitments, others);
    }
}

#[tokio::test]
async fn another_seed_makes_no_kfrags_of_a_grant() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    forget_acknowledgements(&world);
    let other = OwnerKeys::from_seed(&Seed::from_bytes(&[8; 32]).unwrap()).unwrap();
    let refused = world
        .owner()
        .resume(policy, &other, world.spend(), &Silent)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "label_exists");
    assert!(world.nodes.iter().all(|node| node.uploads() == 1));
}

/// Whoever has the grant's generator draws the same kfrags with every later version of this
/// program: a lost home may be restored by a newer one.
#[tokio::test]
async fn the_kfrags_of_a_seed_and_a_policy_are_these() {
    let world = World::new(3).await;
    world.granted(2, 3).await;
    let mut grant = only_grant(&world);
    let reader = OwnerKeys::from_seed(&Seed::from_bytes(&[9; 32]).unwrap()).unwrap();
    grant.receiving_key = reader.reader(0).unwrap().receiving_key();
    let delegating = world.keys.delegating(&grant.label).unwrap();
    let pair = PairKey::of_owner(&delegating, &grant.receiving_key).unwrap();
    let signer = world.keys.signer(&grant.label).unwrap();
    grant.terms.keys_hash = pair.keys_hash(grant.number);
    grant.terms.verifier = signer.eth.address();
    grant.terms.salt = B256([5; 32]);
    grant.policy = policy_of(&grant);
    let kfrags = Kfrags::of(&grant, &world.keys, kms_kit::chain::domain()).unwrap();
    let upload = kfrags.upload(&grant, Address([1; 20]), Period(1)).unwrap();
    let made = [upload.kfrag.hash(), keccak256(upload.commitments.as_ref())];
    assert_eq!(
        made.map(|hash| hash.to_string()),
        [
            "0xa16a1b445f9008205d86c746e5c0919d7319884e30b99626f52fbc33dabd6207",
            "0xe8f461cc3ee62fecda3debf13a9e4c5309be9e5106a6e4ab3b742ce7bf9a6c89",
        ]
    );
}

fn policy_of(grant: &Grant) -> PolicyId {
    let domain = kms_kit::chain::domain();
    grant.terms.id(domain.chain_id, &domain.contract)
}

#[tokio::test]
async fn a_paid_grant_leaves_a_memo_that_its_owner_alone_can_read() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let created = world
        .chain
        .policies(PolicyFilter::Id(policy))
        .await
        .unwrap();
    let (memo, terms) = (&created[0].memo, &created[0].terms);
    let read = world.keys.memos().open(memo, terms).unwrap();
    assert_eq!(read, only_grant(&world).memo());
    assert_eq!(
        (read.label.as_str(), read.reader.as_str()),
        ("films/demo", "bob")
    );
    let other = OwnerKeys::from_seed(&Seed::from_bytes(&[8; 32]).unwrap()).unwrap();
    assert_eq!(other.memos().open(memo, terms), None);
}

#[tokio::test]
async fn a_plan_reckons_with_a_memo_of_the_length_that_is_paid_for() {
    let world = World::new(3).await;
    let quote = world.owner().quote(&world.spec(2, 3)).await.unwrap();
    let plan = world.owner().plan_payment(&quote).await.unwrap();
    let kms_chain::Call::CreatePolicyViaTransfer { memo, .. } = &plan.steps[0].call else {
        panic!("a grant is paid by another call")
    };
    let policy = world.granted(2, 3).await;
    let created = world
        .chain
        .policies(PolicyFilter::Id(policy))
        .await
        .unwrap();
    assert_eq!(memo.len(), created[0].memo.len());
}

#[tokio::test]
async fn the_journal_of_an_undelivered_grant_holds_nothing_that_opens() {
    let world = World::new(3).await;
    world.nodes[1].set(Habit::Refuses(kms_protocol::Refusal::ShuttingDown));
    let report = grant(&world, &world.hasty_owner()).await.unwrap();
    let network = world.home.config().network_id();
    let file = format!("journal/{network}/{}.json", report.policy);
    let text = std::fs::read_to_string(world.home.path().join(file)).unwrap();
    let upload = world.nodes[0].uploaded(report.policy);
    for secret in [
        upload.kfrag.expose().as_slice(),
        upload.commitments.as_ref(),
    ] {
        assert!(!text.contains(&hex::encode(&secret[..32])));
    }
}
