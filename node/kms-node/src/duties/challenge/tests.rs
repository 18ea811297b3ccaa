use kms_chain::{Call, ChainEvent};
use kms_protocol::messages::{CapsuleBytes, Entry, Fragment, ReencryptReply};
use kms_protocol::{Address, Amount, Period};

use super::*;
use crate::kfrag::upload;
use crate::testkit::chain::{FakeChain, Parties};
use crate::testkit::grant::{Grant, MESSAGE};
use crate::testkit::{MINER, Running, World, domain};

const KIND: &str = "answer_challenge";
/// Confirmations of the node's configuration in these tests.
const CONFIRMATIONS: u64 = 2;

/// A staked node that serves `grants` and has no other duty left.
async fn serving(grants: &[&Grant]) -> (World, Running) {
    let world = World::new().set("confirmations", "2");
    world.chain.queue_stake();
    for grant in grants {
        world.chain.queue_policy(&grant.terms);
    }
    world.chain.mine();
    let mut running = world.start().await;
    running.sync().await;
    for grant in grants {
        upload::accept(&running.node, grant.upload()).await.unwrap();
    }
    running.live(&world.chain, 6).await;
    (world, running)
}

fn capsule(grant: &Grant) -> CapsuleBytes {
    grant.unsigned(0).capsules[0]
}

/// The reader of `grant` challenges the node, for so many seconds, in the next block.
fn challenge(chain: &FakeChain, grant: &Grant, seconds: u64) {
    let (of, deadline) = (by_reader(grant), chain.time() + seconds);
    chain.queue_challenge(&grant.terms, of, deadline, capsule(grant));
}

fn by_reader(grant: &Grant) -> Parties {
    Parties {
        miner: MINER,
        requester: grant.reader().address(),
    }
}

/// The only answer on chain; panics on any other number.
fn sent(chain: &FakeChain) -> ChallengeAnswer {
    let calls = chain.calls(KIND);
    let [Call::AnswerChallenge { answer, miner, .. }] = calls.as_slice() else {
        panic!("{} answers", calls.len());
    };
    assert_eq!(*miner, MINER);
    (**answer).clone()
}

async fn answers_of(world: &World, running: &mut Running, blocks: u32) -> usize {
    running.live(&world.chain, blocks).await;
    world.chain.effects(KIND)
}

#[tokio::test]
async fn answers_once_with_a_cfrag_that_opens_and_a_receipt_for_the_requester() {
    let grant = Grant::new(1, 50);
    let (world, mut running) = serving(&[&grant]).await;
    challenge(&world.chain, &grant, 60);
    assert_eq!(answers_of(&world, &mut running, 12).await, 1);
    let answer = sent(&world.chain);
    let request = grant.unsigned(answer.block_time);
    let node = &running.node;
    let held = held::get(node, grant.id(), |_| Ok(())).await.unwrap();
    let reply = ReencryptReply {
        policy_id: grant.id(),
        miner: MINER,
        verifying_key: held.verifying,
        block_time: answer.block_time,
        block_hash: answer.block_hash,
        commitments: held.commitments.clone(),
        entries: vec![Entry::Fragment(Box::new(Fragment {
            cfrag: answer.cfrag,
            signature: answer.signature,
        }))],
    };
    assert_eq!(
        grant.open(&request, &reply, node.keys.worker.address()),
        MESSAGE
    );
    assert!(node.store.open_intents().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_receipt_names_the_authors_key_when_the_author_asks() {
    let grant = Grant::new(1, 50);
    let (world, mut running) = serving(&[&grant]).await;
    let deadline = world.chain.time() + 60;
    let of = Parties {
        miner: MINER,
        requester: grant.terms.verifier,
    };
    world
        .chain
        .queue_challenge(&grant.terms, of, deadline, capsule(&grant));
    assert_eq!(answers_of(&world, &mut running, 8).await, 1);
    let answer = sent(&world.chain);
    let receipt = Receipt {
        policy_id: grant.id(),
        miner: MINER,
        capsule_hash: keccak256(capsule(&grant).as_ref()),
        cfrag_hash: keccak256(answer.cfrag.as_ref()),
        commitments_hash: answer.commitments_hash,
        requester: grant.terms.verifier,
        block_time: answer.block_time,
        block_hash: answer.block_hash,
    };
    let worker = running.node.keys.worker.address();
    receipt
        .check(&domain(), &answer.signature, &worker)
        .unwrap();
}

#[tokio::test]
async fn waits_for_the_confirmations_of_the_challenge() {
    let grant = Grant::new(1, 50);
    let (world, mut running) = serving(&[&grant]).await;
    challenge(&world.chain, &grant, 60);
    for blocks_on_top in 0..CONFIRMATIONS {
        running.live(&world.chain, 1).await;
        let sent = world.chain.broadcasts_of(KIND);
        assert_eq!(sent, [], "{blocks_on_top} blocks on top");
    }
    running.live(&world.chain, 1).await;
    assert_eq!(world.chain.broadcasts_of(KIND).len(), 1);
}

#[tokio::test]
async fn answers_nothing_that_is_not_its_affair_or_too_late() {
    let grant = Grant::new(1, 50);
    let (world, mut running) = serving(&[&grant]).await;
    let chain = &world.chain;
    let other = Parties {
        miner: Address([0xbb; 20]),
        ..by_reader(&grant)
    };
    chain.queue_challenge(&grant.terms, other, chain.time() + 60, capsule(&grant));
    // Over before it is confirmed.
    challenge(chain, &grant, 3);
    assert_eq!(answers_of(&world, &mut running, 8).await, 0);
    assert_eq!(running.node.store.intent_count(KIND).await.unwrap(), 0);
}

#[tokio::test]
async fn answers_nothing_once_access_is_revoked_or_the_challenge_closed() {
    let [revoked, closed] = [Grant::new(1, 50), Grant::new(1, 50)];
    let (world, mut running) = serving(&[&revoked, &closed]).await;
    challenge(&world.chain, &revoked, 60);
    challenge(&world.chain, &closed, 60);
    world.chain.queue(ChainEvent::PolicyRevoked {
        seq: 0,
        policy_id: revoked.id(),
        effective_last: Period(2),
        refund: Amount(1),
    });
    world.chain.queue(ChainEvent::ChallengeClosed {
        policy_id: closed.id(),
        miner: MINER,
        challenger: Address([1; 20]),
        outcome: 0,
        penalty: Amount(0),
        reward: Amount(0),
        fee: Amount(0),
        to_sponsor: Amount(0),
    });
    assert_eq!(answers_of(&world, &mut running, 8).await, 0);
    assert!(running.node.snapshot().unwrap().challenge(2).is_none());
}

#[tokio::test]
async fn one_that_cannot_be_answered_holds_up_no_other() {
    let [broken, missing, good] = [Grant::new(1, 50), Grant::new(1, 50), Grant::new(1, 50)];
    let (world, mut running) = serving(&[&broken, &good]).await;
    world.chain.queue_policy(&missing.terms);
    let mut bytes = *capsule(&broken).as_bytes();
    bytes[97] ^= 1;
    let of = by_reader(&broken);
    let deadline = world.chain.time() + 50;
    let bad = CapsuleBytes::from(bytes);
    world
        .chain
        .queue_challenge(&broken.terms, of, deadline, bad);
    // No kfrag was ever delivered for this one.
    challenge(&world.chain, &missing, 55);
    challenge(&world.chain, &good, 60);
    assert_eq!(answers_of(&world, &mut running, 10).await, 1);
    let calls = world.chain.calls(KIND);
    let [Call::AnswerChallenge { terms, .. }] = calls.as_slice() else {
        panic!("{} answers", calls.len());
    };
    assert_eq!(*terms, good.terms);
    assert_eq!(running.node.store.intent_count(KIND).await.unwrap(), 1);
}

#[tokio::test]
async fn challenges_are_answered_side_by_side() {
    let grants: Vec<Grant> = (0..5).map(|_| Grant::new(1, 50)).collect();
    let (world, mut running) = serving(&grants.iter().collect::<Vec<_>>()).await;
    for grant in &grants {
        challenge(&world.chain, grant, 60);
    }
    // One block for the challenges, two on top, one for the five answers.
    assert_eq!(answers_of(&world, &mut running, 4).await, 5);
    assert_eq!(answers_of(&world, &mut running, 6).await, 5, "and once");
}

#[tokio::test]
async fn a_restart_sends_the_same_answer_and_not_another() {
    let grant = Grant::new(1, 50);
    let (world, mut running) = serving(&[&grant]).await;
    challenge(&world.chain, &grant, 60);
    running.live(&world.chain, 3).await;
    world.chain.state().pool.clear();
    let store = running.node.store.clone();
    drop(running);
    store.close().await;
    let mut again = world.start().await;
    assert_eq!(answers_of(&world, &mut again, 6).await, 1);
    let mut hashes = world.chain.broadcasts_of(KIND);
    assert!(hashes.len() > 1, "sent again");
    hashes.dedup();
    assert_eq!(hashes.len(), 1, "the same bytes");
}

#[tokio::test]
async fn a_refused_answer_is_tried_again_until_it_is_accepted() {
    let grant = Grant::new(1, 50);
    let (world, mut running) = serving(&[&grant]).await;
    challenge(&world.chain, &grant, 60);
    world.chain.state().refuse = Some((KIND, "ChallengeNotOpen"));
    assert_eq!(answers_of(&world, &mut running, 6).await, 0);
    assert_eq!(running.node.store.intent_count(KIND).await.unwrap(), 0);
    world.chain.state().refuse = None;
    let next = world.chain.period().0 + 1;
    world.chain.mine_to_period(next);
    assert_eq!(answers_of(&world, &mut running, 3).await, 1);
}

#[tokio::test]
async fn a_reorganisation_takes_the_challenge_back() {
    let grant = Grant::new(1, 50);
    let (world, mut running) = serving(&[&grant]).await;
    challenge(&world.chain, &grant, 60);
    running.live(&world.chain, 2).await;
    assert_eq!(running.node.snapshot().unwrap().challenges.len(), 1);
    world.chain.drop_blocks(2);
    assert_eq!(answers_of(&world, &mut running, 6).await, 0);
    assert!(running.node.snapshot().unwrap().challenges.is_empty());
}
