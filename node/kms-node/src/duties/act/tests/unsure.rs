//! Transactions of which the endpoints do not tell whether they are mined.

use kms_chain::ChainEvent;

use super::*;

/// A world at rest with a pending claim that no block takes.
async fn pending() -> (World, Running) {
    let (world, mut running) = at_rest().await;
    world.chain.state().mines_from = Wei(u128::MAX);
    reward(&world.chain);
    running.live(&world.chain, 1).await;
    (world, running)
}

fn mute_newest(chain: &FakeChain) {
    let newest = chain.broadcasts_of("claim").pop().unwrap();
    chain.state().mute.insert(newest);
}

/// One tick at the newest block, which may fail.
async fn try_tick(world: &World, running: &mut Running) -> Result<()> {
    world.chain.mine();
    running.sync().await;
    let snapshot = running.node.snapshot().unwrap();
    running.sender.tick(&snapshot).await
}

#[tokio::test]
async fn the_older_attempt_is_found_while_the_newest_is_asked_for_in_vain() {
    let (world, mut running) = pending().await;
    running.live(&world.chain, 12).await;
    let mut claims = world.chain.broadcasts_of("claim");
    claims.dedup();
    assert_eq!(claims.len(), 2, "repriced once");
    mute_newest(&world.chain);
    // The fake chain mines the attempt that it received first.
    world.chain.state().mines_from = Wei::ZERO;
    world.chain.mine();
    running.live(&world.chain, 5).await;
    assert_eq!(world.chain.effects("claim"), 1);
    assert!(running.node.store.open_intents().await.unwrap().is_empty());
}

#[tokio::test]
async fn one_that_is_asked_for_in_vain_keeps_no_other_duty_waiting() {
    let (world, mut running) = pending().await;
    mute_newest(&world.chain);
    world.chain.queue(ChainEvent::NodeRegistered {
        seq: 0,
        miner: MINER,
        url: "http://elsewhere.example".to_owned(),
    });
    let told = try_tick(&world, &mut running).await;
    assert!(matches!(told, Err(ActError::Chain(_))), "{told:?}");
    assert_eq!(world.chain.plans_of("register_node").len(), 2);
    // Nor any other transaction that is under way.
    world.chain.state().pool.clear();
    for _ in 0..4 {
        assert!(try_tick(&world, &mut running).await.is_err());
    }
    assert!(world.chain.plans_of("register_node").len() > 2, "again");
    world.chain.state().mute.clear();
    world.chain.state().mines_from = Wei::ZERO;
    running.live(&world.chain, 8).await;
    assert_eq!(world.chain.effects("claim"), 1);
    assert_eq!(world.chain.effects("register_node"), 2);
}

#[tokio::test]
async fn a_duty_that_the_endpoint_cannot_simulate_keeps_no_other_waiting() {
    let (world, mut running) = staked().await;
    world.chain.state().confused = Some("register_node");
    for _ in 0..6 {
        let _ = try_tick(&world, &mut running).await;
    }
    assert_eq!(world.chain.effects("confirm_activity"), 1);
    assert_eq!(world.chain.effects("register_node"), 0);
    let lanes: Vec<&String> = running.sender.backoff.keys().collect();
    assert_eq!(lanes, ["register_node"], "its own lane alone");
    world.chain.state().confused = None;
    running.sender.backoff.clear();
    running.live(&world.chain, 4).await;
    assert_eq!(world.chain.effects("register_node"), 1);
}

#[tokio::test]
async fn a_final_transaction_that_a_reorganisation_drops_is_sent_again() {
    let (world, mut running) = settled().await;
    let sent = world.chain.broadcasts().len();
    // Deeper than the confirmations: registration and confirmation are gone.
    let depth = usize::try_from(world.chain.height()).unwrap() - 1;
    world.chain.drop_blocks(depth);
    world.chain.mine_many(8);
    running.live(&world.chain, 8).await;
    assert!(world.chain.broadcasts().len() > sent);
    assert_eq!(world.chain.effects("confirm_activity"), 1);
}
