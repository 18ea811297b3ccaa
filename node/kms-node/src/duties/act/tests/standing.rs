//! What the node tells of its standing.

use super::*;

/// Why a check fails; `None` while it holds.
async fn told(running: &Running, id: &str) -> Option<String> {
    let checks = running.node.report().await.checks;
    let check = checks.into_iter().find(|check| check.id == id);
    check.unwrap().reason
}

#[tokio::test]
async fn tells_of_a_wind_down_and_of_little_ether() {
    let (world, mut running) = settled().await;
    assert_eq!(told(&running, "stake_locked").await, None);
    assert_eq!(told(&running, "transaction_age").await, None);
    assert_eq!(told(&running, "no_challenge").await, None);
    wind_down(&world.chain, &mut running).await;
    let reason = told(&running, "stake_locked").await.unwrap();
    assert!(reason.contains("winds down"), "{reason}");
    world.chain.state().ether = Wei(1_000_000_000);
    let next = world.chain.period().0 + 1;
    world.chain.mine_to_period(next);
    running.live(&world.chain, 1).await;
    let reason = told(&running, "worker_balance").await.unwrap();
    assert!(reason.contains("0.0 days"), "{reason}");
    world.chain.state().ether = Wei(1_000_000 * Wei::ETH.0);
    world.chain.mine_to_period(next + 1);
    running.live(&world.chain, 1).await;
    assert_eq!(told(&running, "worker_balance").await, None);
    assert!(running.node.report().await.ready, "readers are served");
}

#[tokio::test]
async fn tells_of_a_transaction_that_is_open_for_long() {
    let (world, mut running) = at_rest().await;
    world.chain.state().mines_from = Wei(u128::MAX);
    reward(&world.chain);
    running.live(&world.chain, 1).await;
    assert_eq!(told(&running, "transaction_age").await, None);
    let next = world.chain.period().0 + 2;
    world.chain.mine_to_period(next);
    running.live(&world.chain, 1).await;
    let reason = told(&running, "transaction_age").await.unwrap();
    assert!(reason.contains("claim"), "{reason}");
}

#[tokio::test]
async fn tells_of_a_suspension_until_it_is_over() {
    let (world, mut running) = at_rest().await;
    assert_eq!(told(&running, "not_suspended").await, None);
    let through_period = Period(running.node.snapshot().unwrap().period.0 + 2);
    let miner = MINER;
    let suspension = kms_chain::ChainEvent::MinerSuspended {
        miner,
        through_period,
    };
    world.chain.queue(suspension);
    running.live(&world.chain, 1).await;
    let reason = told(&running, "not_suspended").await.unwrap();
    assert!(reason.contains(&through_period.to_string()), "{reason}");
    assert!(running.node.report().await.ready, "readers are served");
    while running.node.snapshot().unwrap().period <= through_period {
        running.live(&world.chain, 1).await;
    }
    running.live(&world.chain, 1).await;
    assert_eq!(told(&running, "not_suspended").await, None);
}
