use kms_protocol::messages::CapsuleBytes;
use kms_protocol::{Address, B256, EthSecret, EthSignature};

use super::*;
use crate::kfrag::upload;
use crate::testkit::grant::{Grant, MESSAGE};
use crate::testkit::{Running, World, domain};

/// A node that serves `grant`.
async fn serving(grant: &Grant) -> (World, Running) {
    let world = World::new();
    world.chain.queue_served(&grant.terms);
    world.chain.mine();
    let mut running = world.start().await;
    running.sync().await;
    upload::accept(&running.node, grant.upload()).await.unwrap();
    world.chain.mine_many(2);
    running.sync().await;
    (world, running)
}

async fn refusal(running: &Running, request: ReencryptRequest) -> Refusal {
    let before = running.node.metrics.capsules.get();
    let refused = answer(&running.node, request).await.unwrap_err();
    assert_eq!(
        running.node.metrics.capsules.get(),
        before,
        "no work was done"
    );
    refused.code
}

#[tokio::test]
async fn answers_the_reader_with_a_cfrag_that_opens_and_a_signed_receipt() {
    let grant = Grant::new(1, 5);
    let (world, running) = serving(&grant).await;
    let request = grant.request(world.chain.time());
    let reply = answer(&running.node, request.clone()).await.unwrap();
    let worker = running.node.keys.worker.address();
    assert_eq!(grant.open(&request, &reply, worker), MESSAGE);
    assert_eq!(reply.block_time, world.chain.time());
}

#[tokio::test]
async fn answers_from_the_database_after_a_restart() {
    let grant = Grant::new(1, 5);
    let (world, running) = serving(&grant).await;
    drop(running);
    let mut again = world.start().await;
    again.sync().await;
    let request = grant.request(world.chain.time());
    let reply = answer(&again.node, request.clone()).await.unwrap();
    assert_eq!(
        grant.open(&request, &reply, again.node.keys.worker.address()),
        MESSAGE
    );
}

#[tokio::test]
async fn refuses_a_request_twice() {
    let grant = Grant::new(1, 5);
    let (world, mut running) = serving(&grant).await;
    let request = grant.request(world.chain.time());
    answer(&running.node, request.clone()).await.unwrap();
    assert_eq!(refusal(&running, request.clone()).await, Refusal::Replay);
    world.chain.mine();
    running.sync().await;
    assert_eq!(refusal(&running, request).await, Refusal::Replay);
    let fresh = grant.request(world.chain.time());
    assert!(answer(&running.node, fresh).await.is_ok());
}

#[tokio::test]
async fn refuses_a_request_from_outside_the_window() {
    let grant = Grant::new(1, 100);
    let (world, mut running) = serving(&grant).await;
    let old = grant.request(world.chain.time());
    world.chain.advance(601);
    running.sync().await;
    assert_eq!(refusal(&running, old).await, Refusal::StaleRequest);
    let future = grant.request(world.chain.time() + 601);
    assert_eq!(refusal(&running, future).await, Refusal::StaleRequest);
}

#[tokio::test]
async fn refuses_everybody_but_the_reader() {
    let grant = Grant::new(1, 5);
    let (world, running) = serving(&grant).await;
    let request = grant.request(world.chain.time());
    let stranger = EthSecret::random().unwrap();
    let forged = request.clone().signed(&domain(), &stranger);
    assert_eq!(refusal(&running, forged).await, Refusal::BadSignature);
    let unsigned = ReencryptRequest {
        signature: EthSignature::UNSIGNED,
        ..request.clone()
    };
    assert_eq!(refusal(&running, unsigned).await, Refusal::BadSignature);
    let altered = ReencryptRequest {
        nonce: B256([1; 32]),
        ..request.clone()
    };
    assert_eq!(refusal(&running, altered).await, Refusal::BadSignature);
    let moved = kms_protocol::Domain {
        chain_id: 1,
        ..domain()
    };
    let elsewhere = request.clone().signed(&moved, &grant.reader());
    assert_eq!(refusal(&running, elsewhere).await, Refusal::BadSignature);
    assert!(
        answer(&running.node, request).await.is_ok(),
        "its nonce is unspent"
    );
}

#[tokio::test]
async fn refuses_a_request_for_another_miner_or_policy() {
    let (grant, other) = (Grant::new(1, 5), Grant::new(1, 5));
    let (world, running) = serving(&grant).await;
    let time = world.chain.time();
    let mut request = grant.unsigned(time);
    request.miner = Address([0xbb; 20]);
    let request = request.signed(&domain(), &grant.reader());
    assert_eq!(refusal(&running, request).await, Refusal::NotThisMiner);
    assert_eq!(
        refusal(&running, other.request(time)).await,
        Refusal::PolicyUnknown
    );
}

#[tokio::test]
async fn a_bad_capsule_refuses_its_own_entry_and_no_other() {
    let grant = Grant::new(1, 5);
    let (world, running) = serving(&grant).await;
    let mut request = grant.unsigned(world.chain.time());
    let good = request.capsules[0];
    let mut bytes = *good.as_bytes();
    bytes[97] ^= 1;
    let bad = CapsuleBytes::from(bytes);
    request.capsules = vec![good, bad, good, CapsuleBytes::from([0; 98])];
    let request = request.signed(&domain(), &grant.reader());
    let reply = answer(&running.node, request.clone()).await.unwrap();
    let worker = running.node.keys.worker.address();
    assert_eq!(grant.open(&request, &reply, worker), MESSAGE);
    for (index, entry) in reply.entries.iter().enumerate() {
        match entry {
            Entry::Fragment(_) => assert!([0, 2].contains(&index), "{index}"),
            Entry::Refused(problem) => {
                assert!([1, 3].contains(&index), "{index}");
                assert_eq!(problem.code, Refusal::CapsuleInvalid);
                assert!(!problem.detail.is_empty());
            }
        }
    }
    assert_eq!(running.node.metrics.capsules.get(), 2);
}

#[tokio::test]
async fn a_policy_removed_by_a_reorg_is_served_again_when_it_is_back() {
    let grant = Grant::new(1, 5);
    let (world, mut running) = serving(&grant).await;
    world.chain.drop_blocks(3);
    world.chain.mine_many(3);
    running.sync().await;
    let time = world.chain.time();
    assert_eq!(
        refusal(&running, grant.request(time)).await,
        Refusal::PolicyUnknown
    );
    world.chain.queue_served(&grant.terms);
    world.chain.mine_many(3);
    running.sync().await;
    let request = grant.request(world.chain.time());
    assert!(
        answer(&running.node, request).await.is_ok(),
        "the kfrag was kept"
    );
}

#[tokio::test]
async fn refuses_without_a_kfrag() {
    let grant = Grant::new(1, 5);
    let world = World::new();
    world.chain.queue_served(&grant.terms);
    world.chain.mine_many(3);
    let mut running = world.start().await;
    running.sync().await;
    let request = grant.request(world.chain.time());
    assert_eq!(refusal(&running, request).await, Refusal::KfragMissing);
}

#[tokio::test]
async fn a_stored_kfrag_is_verified_again_before_it_is_used() {
    let grant = Grant::new(1, 5);
    let (world, running) = serving(&grant).await;
    let other = grant.share_for(&grant.policy(), crate::testkit::MINER);
    running
        .node
        .store
        .overwrite_commitments(grant.id(), other.commitments.as_ref())
        .await;
    drop(running);
    let mut again = world.start().await;
    again.sync().await;
    let request = grant.request(world.chain.time());
    assert_eq!(refusal(&again, request).await, Refusal::Internal);
}

#[tokio::test]
async fn stored_keys_that_are_not_those_of_the_terms_are_not_used() {
    let grant = Grant::new(1, 5);
    let (world, running) = serving(&grant).await;
    let stored = running.node.store.kfrag(grant.id()).await.unwrap().unwrap();
    assert_eq!(stored.blinding, grant.blinding);
    let other = kms_protocol::B256([9; 32]);
    running
        .node
        .store
        .overwrite_blinding(grant.id(), other)
        .await;
    drop(running);
    let mut again = world.start().await;
    again.sync().await;
    let request = grant.request(world.chain.time());
    assert_eq!(refusal(&again, request).await, Refusal::Internal);
}

#[tokio::test]
async fn only_a_quota_is_counted_as_one() {
    let grant = Grant::new(1, 5);
    let running = World::new().start().await;
    let node = &running.node;
    let other = Problem::from(Refusal::TooMany);
    assert!(!note_quota(node, &other, grant.id(), Quota::InFlight));
    let refused = Quota::InFlight.used_up(3, "requests are being answered", 1);
    assert!(note_quota(node, &refused, grant.id(), Quota::InFlight));
    assert!(!note_quota(node, &refused, grant.id(), Quota::InFlight));
    let text = node.metrics.render();
    let series = "kms_quota_refusals_total{quota=\"policy_in_flight\"} 2";
    assert!(text.contains(series), "{text}");
}
