//! What the node tells of its standing.

use super::*;
use crate::testkit::chain::PERIOD_SECONDS;

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
    let end_period = running.node.snapshot().unwrap().period;
    let through_period = Period(end_period.0 + 2);
    let miner = MINER;
    let suspension = kms_chain::ChainEvent::MinerSuspended {
        miner,
        end_period,
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

#[tokio::test]
async fn ether_that_a_duty_lacks_is_told_until_it_is_there() {
    let (world, mut running) = at_rest().await;
    reward(&world.chain);
    world.chain.state().ether = Wei(1_000_000);
    for _ in 0..3 {
        running.live(&world.chain, 1).await;
        assert!(told(&running, "worker_balance").await.is_some());
        assert!(running.sender.short_of.is_some());
        // By the price of a day's gas alone it would be enough.
        running.sender.clock.period_seconds = u32::MAX;
        running.sender.report_balance(Wei(1)).await.unwrap();
        running.sender.clock.period_seconds = PERIOD_SECONDS;
        let reason = told(&running, "worker_balance").await.unwrap();
        assert!(reason.contains("needs"), "{reason}");
    }
    world.chain.state().ether = Wei(1_000_000 * Wei::ETH.0);
    running.live(&world.chain, 1).await;
    assert_eq!(world.chain.broadcasts_of("claim").len(), 1);
    assert_eq!(running.sender.short_of, None);
    assert_eq!(told(&running, "worker_balance").await, None);
}

#[tokio::test]
async fn what_a_duty_that_is_gone_lacked_is_told_no_longer() {
    let (world, mut running) = at_rest().await;
    reward(&world.chain);
    running.sender.clock.period_seconds = u32::MAX;
    world.chain.state().ether = Wei(1);
    running.live(&world.chain, 1).await;
    assert!(running.sender.short_of.is_some());
    // The duty goes away: what is told is that the ether does not last.
    world.chain.state().claimable = Amount::ZERO;
    running.live(&world.chain, 2).await;
    assert_eq!(running.sender.short_of, None);
    let reason = told(&running, "worker_balance").await.unwrap();
    assert!(reason.contains("days"), "{reason}");
}

#[tokio::test]
async fn ether_for_days_that_does_not_buy_a_confirmation_is_too_little() {
    let (world, mut running) = settled().await;
    running.sender.clock.period_seconds = 86_400;
    let price = Wei(2_000_000_000);
    for (gas, enough) in [(209_000, false), (399_000, false), (400_000, true)] {
        world.chain.state().ether = Wei(price.0 * gas);
        running.sender.report_balance(price).await.unwrap();
        let reason = told(&running, "worker_balance").await;
        assert_eq!(reason.is_none(), enough, "{gas}: {reason:?}");
    }
}
