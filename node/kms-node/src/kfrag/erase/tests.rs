use kms_chain::ChainEvent;
use kms_protocol::messages::KfragState;
use kms_protocol::{Amount, Refusal};

use super::*;
use crate::kfrag::{held, upload};
use crate::serve::reencrypt::answer;
use crate::testkit::chain::PERIOD_SECONDS;
use crate::testkit::grant::Grant;
use crate::testkit::{Running, World, domain};

mod evidence;

async fn holding(grant: &Grant) -> (World, Running) {
    let world = World::new();
    world.chain.queue_served(&grant.terms);
    world.chain.mine();
    let mut running = world.start().await;
    running.sync().await;
    upload::accept(&running.node, grant.upload()).await.unwrap();
    (world, running)
}

async fn sweep_now(running: &mut Running) {
    running.sweep().await;
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
    let request = grant.request(world.chain.time());
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
    let request = grant.request(world.chain.time());
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

/// Whether a file of the node holds these bytes.
fn is_on_disk(world: &World, part: &[u8]) -> bool {
    std::fs::read_dir(world.dir.path()).unwrap().any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        bytes.windows(part.len()).any(|window| window == part)
    })
}

/// The reason why the row of the report fails; `None` while it holds.
fn reason(running: &Running, name: &str) -> Option<String> {
    let checks = running.node.health.checks();
    let check = checks.into_iter().find(|check| check.id == name);
    check.unwrap().reason
}

#[tokio::test]
async fn what_a_reader_keeps_in_the_log_is_told_and_goes_when_it_has_read() {
    let grant = Grant::new(1, 50);
    let (world, mut running) = holding(&grant).await;
    let stored = running.node.store.kfrag(grant.id()).await;
    let sealed = stored.unwrap().unwrap().row.sealed[20..60].to_vec();
    let reader = running.node.store.hold_reader().await;
    queue_revocation(&world, &grant);
    world.chain.mine_many(3);
    sweep_now(&mut running).await;
    assert!(is_on_disk(&world, &sealed), "the reader keeps it");
    let told = reason(&running, "erased_log").unwrap();
    assert!(told.contains("log"), "{told}");
    assert!(running.node.report().await.ready, "requests are answered");
    clear_log(&running.node).await.unwrap();
    assert!(reason(&running, "erased_log").is_some());
    reader.rollback().await.unwrap();
    clear_log(&running.node).await.unwrap();
    assert_eq!(reason(&running, "erased_log"), None);
    assert!(!is_on_disk(&world, &sealed));
}

#[tokio::test]
async fn the_log_of_a_run_that_ended_too_soon_is_truncated() {
    let grant = Grant::new(1, 50);
    let (world, mut running) = holding(&grant).await;
    let stored = running.node.store.kfrag(grant.id()).await;
    let sealed = stored.unwrap().unwrap().row.sealed[20..60].to_vec();
    clear_log(&running.node).await.unwrap();
    queue_revocation(&world, &grant);
    world.chain.mine_many(3);
    running.sync().await;
    let head = running.node.store.kfrag_heads(None, 1).await.unwrap();
    let snapshot = running.node.snapshot().unwrap();
    let row = tombstone(&running.node, &snapshot, &head[0], ErasureReason::Revoked);
    running.node.store.erase_kfrags(&[row]).await.unwrap();
    assert!(is_on_disk(&world, &sealed));
    // Killed here. What it leaves is copied, since a store that is closed truncates.
    let left = World::new();
    for file in std::fs::read_dir(world.dir.path()).unwrap() {
        let from = file.unwrap().path();
        std::fs::copy(&from, left.dir.path().join(from.file_name().unwrap())).unwrap();
    }
    assert!(is_on_disk(&left, &sealed));
    let next = left.start().await;
    clear_log(&next.node).await.unwrap();
    assert!(!is_on_disk(&left, &sealed));
}

#[tokio::test]
async fn no_byte_of_an_erased_kfrag_is_left_on_disk() {
    let grant = Grant::new(1, 50);
    let (world, mut running) = holding(&grant).await;
    let stored = running.node.store.kfrag(grant.id()).await;
    let row = stored.unwrap().unwrap().row;
    assert!(is_on_disk(&world, &row.sealed[20..60]) && is_on_disk(&world, &row.salt));
    queue_revocation(&world, &grant);
    world.chain.mine_many(3);
    sweep_now(&mut running).await;
    assert!(!is_on_disk(&world, &row.sealed[20..60]) && !is_on_disk(&world, &row.salt));
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

#[tokio::test]
async fn a_read_that_raced_the_sweep_serves_nothing_and_leaves_nothing() {
    let grant = Grant::new(1, 50);
    let (world, running) = holding(&grant).await;
    drop(running);
    let world = world.set("reencrypt_workers", "1");
    let mut running = world.start().await;
    running.sync().await;
    let node = running.node.clone();
    let (begin, begun) = std::sync::mpsc::channel::<u8>();
    let busy = node.pool.admit().unwrap();
    let busy = tokio::spawn(busy.run(move || Ok(begun.recv().unwrap())));
    let id = grant.id();
    let reading = tokio::spawn(async move { held::get(&node, id, |_| Ok(())).await.map(drop) });
    // Two jobs: the busy worker's, and the check of the row that was read.
    while running.node.pool.depth() < 2 {
        tokio::task::yield_now().await;
    }
    queue_revocation(&world, &grant);
    world.chain.mine_many(3);
    sweep_now(&mut running).await;
    begin.send(1).unwrap();
    busy.await.unwrap().unwrap();
    let refused = reading.await.unwrap().unwrap_err();
    assert_eq!(refused.code, Refusal::PolicyRevoked);
    assert!(running.node.cache.get(&id).is_none());
}
