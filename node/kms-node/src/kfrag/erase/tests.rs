use kms_chain::ChainEvent;
use kms_protocol::messages::KfragState;
use kms_protocol::{Amount, Refusal};

use super::*;
use crate::kfrag::upload;
use crate::serve::reencrypt::answer;
use crate::testkit::chain::PERIOD_SECONDS;
use crate::testkit::grant::Grant;
use crate::testkit::{Running, World, domain};

async fn holding(grant: &Grant) -> (World, Running) {
    let world = World::new();
    world.chain.queue_policy(&grant.terms);
    world.chain.mine();
    let mut running = world.start().await;
    running.sync().await;
    upload::accept(&running.node, grant.upload()).await.unwrap();
    (world, running)
}

async fn sweep_now(running: &mut Running) {
    running.sync().await;
    let snapshot = running.node.snapshot().unwrap();
    sweep(&running.node, &snapshot).await.unwrap();
}

async fn state(running: &Running, grant: &Grant) -> KfragState {
    running.node.status(grant.id()).await.unwrap().kfrag
}

fn queue_revocation(world: &World, grant: &Grant) {
    let (policy_id, effective_last, refund) = (grant.id(), Period(1), Amount(0));
    world.chain.queue(ChainEvent::PolicyRevoked {
        seq: 0,
        policy_id,
        effective_last,
        refund,
    });
}

#[tokio::test]
async fn a_revocation_erases_after_its_confirmations_and_not_before() {
    let grant = Grant::new(1, 50);
    let (world, mut running) = holding(&grant).await;
    queue_revocation(&world, &grant);
    for expected in [KfragState::Stored, KfragState::Stored, KfragState::Erased] {
        world.chain.mine();
        sweep_now(&mut running).await;
        assert_eq!(state(&running, &grant).await, expected);
    }
    let status = running.node.status(grant.id()).await.unwrap();
    assert_eq!(status.refusal.unwrap().code, Refusal::PolicyRevoked);
    let receipt = status.erasure.unwrap();
    receipt
        .verify(&domain(), &running.node.keys.worker.address())
        .unwrap();
    assert_eq!(receipt.block_number, world.chain.height());
}

#[tokio::test]
async fn the_end_of_the_last_period_erases_once_confirmed() {
    let grant = Grant::new(1, 2);
    let (world, mut running) = holding(&grant).await;
    world.chain.mine_to_period(3);
    sweep_now(&mut running).await;
    assert_eq!(
        state(&running, &grant).await,
        KfragState::Stored,
        "the end may be taken back"
    );
    world.chain.mine_many(2);
    sweep_now(&mut running).await;
    assert_eq!(state(&running, &grant).await, KfragState::Erased);
}

#[tokio::test]
async fn an_extension_keeps_the_kfrag() {
    let grant = Grant::new(1, 2);
    let (world, mut running) = holding(&grant).await;
    world.chain.queue(ChainEvent::PolicyExtended {
        seq: 0,
        policy_id: grant.id(),
        last_period: Period(4),
        payer: grant.terms.sponsor,
    });
    world.chain.mine_to_period(4);
    world.chain.mine_many(3);
    sweep_now(&mut running).await;
    assert_eq!(state(&running, &grant).await, KfragState::Stored);
    let request = grant.request(world.chain.height());
    assert!(answer(&running.node, request).await.is_ok());
}

#[tokio::test]
async fn erased_stays_erased_when_a_reorg_undoes_the_revocation() {
    let grant = Grant::new(1, 50);
    let (world, mut running) = holding(&grant).await;
    queue_revocation(&world, &grant);
    world.chain.mine_many(3);
    sweep_now(&mut running).await;
    world.chain.drop_blocks(3);
    world.chain.mine_many(4);
    sweep_now(&mut running).await;
    let upload = grant.upload();
    let refused = upload::accept(&running.node, upload).await.unwrap_err();
    assert_eq!(refused.code, Refusal::PolicyRevoked);
    let request = grant.request(world.chain.height());
    let refused = answer(&running.node, request).await.unwrap_err();
    assert_eq!(refused.code, Refusal::PolicyRevoked);
}

#[tokio::test]
async fn a_kfrag_whose_policy_a_reorg_removed_goes_with_the_end_of_its_terms() {
    let grant = Grant::new(1, 2);
    let (world, mut running) = holding(&grant).await;
    world.chain.drop_blocks(1);
    world.chain.mine_many(3);
    sweep_now(&mut running).await;
    assert_eq!(state(&running, &grant).await, KfragState::Stored);
    world.chain.mine_many(u64::from(3 * PERIOD_SECONDS));
    sweep_now(&mut running).await;
    assert_eq!(state(&running, &grant).await, KfragState::Erased);
}

#[tokio::test]
async fn no_byte_of_an_erased_kfrag_is_left_on_disk() {
    let grant = Grant::new(1, 50);
    let (world, mut running) = holding(&grant).await;
    let stored = running.node.store.kfrag(grant.id()).await;
    let row = stored.unwrap().unwrap().row;
    let on_disk = |part: &[u8]| {
        std::fs::read_dir(world.dir.path()).unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(part.len()).any(|window| window == part)
        })
    };
    assert!(on_disk(&row.sealed[20..60]) && on_disk(&row.salt));
    queue_revocation(&world, &grant);
    world.chain.mine_many(3);
    sweep_now(&mut running).await;
    assert!(!on_disk(&row.sealed[20..60]) && !on_disk(&row.salt));
    assert_eq!(running.node.store.kfrag_count().await.unwrap(), 0);
}

#[tokio::test]
async fn the_kfrag_in_memory_goes_too() {
    let grant = Grant::new(1, 50);
    let (world, mut running) = holding(&grant).await;
    assert!(running.node.cache.get(&grant.id()).is_some());
    queue_revocation(&world, &grant);
    world.chain.mine_many(3);
    sweep_now(&mut running).await;
    assert!(running.node.cache.get(&grant.id()).is_none());
}
