use super::*;
use crate::testkit::chain::FakeChain;
use crate::testkit::{MINER, Running, World};

mod reprice;
mod standing;
mod unsure;
mod worth;

/// A world whose miner is staked and bonded.
async fn staked() -> (World, Running) {
    let world = World::new();
    world.chain.queue_stake();
    world.chain.mine();
    let running = world.start().await;
    (world, running)
}

/// A world in which every duty is done.
async fn settled() -> (World, Running) {
    let (world, mut running) = staked().await;
    running.live(&world.chain, 6).await;
    assert_eq!(world.chain.effects("register_node"), 1);
    assert_eq!(world.chain.effects("confirm_activity"), 1);
    (world, running)
}

/// A world in which every duty but a claim is done: the stake is leased until it is free, so no
/// confirmation takes a claim along.
async fn at_rest() -> (World, Running) {
    let (world, mut running) = settled().await;
    wind_down(&world.chain, &mut running).await;
    (world, running)
}

async fn wind_down(chain: &FakeChain, running: &mut Running) {
    let lease = running.node.snapshot().unwrap().miner.lease_through;
    chain.queue(kms_chain::ChainEvent::WindDownSet {
        miner: MINER,
        unlock_period: lease.checked_add(1),
    });
    running.live(chain, 1).await;
}

/// A reward worth its claim waits from the next period on.
fn reward(chain: &FakeChain) {
    chain.state().claimable = Amount(7 * Amount::KMS.0);
    let next = chain.period().0 + 1;
    chain.mine_to_period(next);
}

fn kinds_sent(chain: &FakeChain) -> usize {
    chain
        .broadcasts()
        .into_iter()
        .collect::<std::collections::HashSet<_>>()
        .len()
}

#[tokio::test]
async fn does_every_duty_once_and_then_rests() {
    let (world, mut running) = settled().await;
    let sent = world.chain.broadcasts().len();
    running.live(&world.chain, 3).await;
    assert_eq!(world.chain.broadcasts().len(), sent, "nothing more to do");
    assert!(running.node.store.open_intents().await.unwrap().is_empty());
    let snapshot = running.node.snapshot().unwrap();
    assert_eq!(snapshot.miner.url, "http://node.example");
    assert!(snapshot.miner.lease_through > snapshot.period);
}

#[tokio::test]
async fn keeps_the_lease_through_many_periods() {
    let (world, mut running) = settled().await;
    running.live(&world.chain, 100).await;
    let snapshot = running.node.snapshot().unwrap();
    assert!(snapshot.period > Period(9));
    assert!(snapshot.miner.lease_through > snapshot.period);
}

#[tokio::test]
async fn does_nothing_without_the_bond() {
    let world = World::new();
    let mut running = world.start().await;
    running.live(&world.chain, 5).await;
    assert!(world.chain.broadcasts().is_empty());
    let report = running.node.report().await;
    let check = report
        .checks
        .iter()
        .find(|check| check.id == "worker_bonded")
        .unwrap();
    assert!(
        !check.ok && report.ready,
        "a warning, not a reason to refuse readers"
    );
    let worker = running.node.keys.worker.address().to_string();
    assert!(check.reason.as_ref().unwrap().contains(&worker));
}

#[tokio::test]
async fn claims_what_waits_once() {
    let (world, mut running) = at_rest().await;
    reward(&world.chain);
    running.live(&world.chain, 5).await;
    assert_eq!(world.chain.effects("claim"), 1);
}

/// Stops after each step of a claim, starts again, and counts the effects.
#[tokio::test]
async fn a_crash_between_any_two_steps_leaves_exactly_one_effect() {
    for steps in 0..=4 {
        let (world, mut running) = at_rest().await;
        reward(&world.chain);
        world.chain.mine();
        running.sync().await;
        let snapshot = running.node.snapshot().unwrap();
        let store = running.node.store.clone();
        let worker = running.node.keys.worker.address();
        let sender = &mut running.sender;
        // 0: before anything. 1: intent recorded. 2: bytes durable, not sent.
        // 3: sent, not noted. 4: sent and mined, not noted.
        if steps >= 1 {
            let intent = sender.plan(snapshot.period, &Duty::Claim).await.unwrap();
            if steps >= 2 {
                let nonce = world.chain.mined_nonce(worker).await.unwrap();
                let chain = world.chain.clone();
                let secret = world.keys().worker;
                let attempt = store.sign_attempt(intent, worker, nonce, move |nonce| {
                    let call = kms_chain::Call::Claim { miner: MINER };
                    let fees = kms_chain::Fees {
                        max_fee: Wei(1),
                        tip: Wei(1),
                    };
                    let plan = kms_chain::TxPlan {
                        nonce,
                        call,
                        gas_limit: kms_chain::GasLimit::for_estimate(1),
                        fees,
                    };
                    chain.sign(&secret, &plan)
                });
                let attempt = attempt.await.unwrap();
                if steps >= 3 {
                    world.chain.broadcast(&attempt.raw).await.unwrap();
                }
            }
        }
        drop(running);
        store.close().await;
        if steps >= 4 {
            world.chain.mine();
        }
        let mut again = world.start().await;
        again.live(&world.chain, 6).await;
        assert_eq!(world.chain.effects("claim"), 1, "crash after step {steps}");
        assert!(again.node.store.open_intents().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn sends_the_same_bytes_again_when_the_pool_forgets_them() {
    let (world, mut running) = at_rest().await;
    let before = kinds_sent(&world.chain);
    reward(&world.chain);
    running.live(&world.chain, 1).await;
    world.chain.state().pool.clear();
    running.live(&world.chain, 5).await;
    assert_eq!(world.chain.effects("claim"), 1);
    assert_eq!(
        kinds_sent(&world.chain),
        before + 1,
        "one transaction, sent twice"
    );
}

#[tokio::test]
async fn a_reorg_that_takes_a_transaction_back_gets_the_same_bytes_again() {
    for confirmed in [false, true] {
        let (world, mut running) = at_rest().await;
        reward(&world.chain);
        // The first tick sends; then it is mined, and perhaps final by our count.
        running
            .live(&world.chain, if confirmed { 5 } else { 2 })
            .await;
        assert_eq!(world.chain.effects("claim"), 1);
        let sent = kinds_sent(&world.chain);
        world.chain.drop_blocks(if confirmed { 5 } else { 1 });
        assert_eq!(world.chain.effects("claim"), 0);
        running.live(&world.chain, 9).await;
        assert_eq!(world.chain.effects("claim"), 1, "confirmed: {confirmed}");
        assert_eq!(kinds_sent(&world.chain), sent, "no new transaction");
    }
}

#[tokio::test]
async fn a_nonce_used_elsewhere_is_given_up_only_after_many_blocks() {
    let (world, mut running) = at_rest().await;
    reward(&world.chain);
    world.chain.state().accept_broadcasts = false;
    running.live(&world.chain, 1).await;
    let sent = kinds_sent(&world.chain);
    world.chain.state().foreign_nonces += 1;
    running.live(&world.chain, 30).await;
    assert_eq!(
        kinds_sent(&world.chain),
        sent,
        "the receipt of the old bytes might come late"
    );
    world.chain.state().accept_broadcasts = true;
    running.live(&world.chain, 8).await;
    assert_eq!(world.chain.effects("claim"), 1);
    assert_eq!(kinds_sent(&world.chain), sent + 1);
}

#[tokio::test]
async fn a_nonce_that_goes_back_without_a_reorg_reopens_nothing() {
    let (world, mut running) = at_rest().await;
    reward(&world.chain);
    running.live(&world.chain, 6).await;
    assert_eq!(world.chain.effects("claim"), 1);
    let sent = world.chain.broadcasts().len();
    world.chain.state().nonce_back = 3;
    running.live(&world.chain, 6).await;
    assert!(running.node.store.open_intents().await.unwrap().is_empty());
    assert_eq!(world.chain.broadcasts().len(), sent);
}

#[tokio::test]
async fn signs_nothing_that_the_worker_cannot_pay() {
    let (world, mut running) = at_rest().await;
    let sent = kinds_sent(&world.chain);
    reward(&world.chain);
    world.chain.state().ether = Wei(1);
    running.live(&world.chain, 2).await;
    assert_eq!(kinds_sent(&world.chain), sent);
    let report = running.node.report().await;
    assert!(
        report
            .checks
            .iter()
            .any(|check| check.id == "worker_balance" && !check.ok)
    );
    world.chain.state().ether = Wei(10_u128.pow(18));
    running.live(&world.chain, 2).await;
    assert_eq!(world.chain.effects("claim"), 1);
}

#[tokio::test]
async fn a_duty_the_contract_refuses_leaves_no_intent_and_does_not_spin() {
    let (world, mut running) = at_rest().await;
    reward(&world.chain);
    world.chain.state().refuse = Some(("claim", "RewardsNothingToClaim"));
    let sent = world.chain.broadcasts().len();
    running.live(&world.chain, 5).await;
    assert_eq!(world.chain.broadcasts().len(), sent);
    assert_eq!(running.node.store.intent_count("claim").await.unwrap(), 0);
    assert!(
        !running
            .sender
            .may_try(&Duty::Claim, running.node.snapshot().unwrap().period)
    );
    world.chain.state().refuse = None;
    let next = running.node.snapshot().unwrap().period.0 + 1;
    world.chain.mine_to_period(next);
    running.live(&world.chain, 2).await;
    assert_eq!(world.chain.effects("claim"), 1, "a new period is a new try");
}

#[tokio::test]
async fn a_transaction_that_reverts_on_chain_is_not_repeated_at_once() {
    let (world, mut running) = at_rest().await;
    reward(&world.chain);
    world.chain.state().fail_on_chain = true;
    running.live(&world.chain, 1).await;
    let sent = kinds_sent(&world.chain);
    world.chain.mine_many(3);
    running.tick().await;
    assert_eq!(kinds_sent(&world.chain), sent);
    assert_eq!(world.chain.effects("claim"), 0);
}

#[tokio::test]
async fn an_outage_in_the_middle_loses_nothing() {
    let (world, mut running) = at_rest().await;
    reward(&world.chain);
    world.chain.mine();
    running.sync().await;
    let snapshot = running.node.snapshot().unwrap();
    world.chain.state().online = false;
    assert!(matches!(
        running.sender.tick(&snapshot).await,
        Err(ActError::Chain(_))
    ));
    world.chain.state().online = true;
    running.live(&world.chain, 3).await;
    assert_eq!(world.chain.effects("claim"), 1);
}

#[tokio::test]
async fn nonces_are_contiguous_over_many_transactions() {
    let (world, mut running) = at_rest().await;
    for _ in 1..=8 {
        reward(&world.chain);
        running.live(&world.chain, 3).await;
        let next = running.node.snapshot().unwrap().period.0 + 1;
        world.chain.mine_to_period(next);
    }
    running.live(&world.chain, 5).await;
    let worker = running.node.keys.worker.address();
    let mined = world.chain.mined_nonce(worker).await.unwrap();
    let last = running.node.store.last_nonce(worker).await.unwrap();
    assert_eq!(
        last.map(|last| last + 1),
        Some(mined),
        "no gap, no duplicate"
    );
}

#[tokio::test]
async fn a_foreign_payload_in_the_table_is_dropped() {
    let (world, mut running) = at_rest().await;
    let new = crate::store::intent::NewIntent {
        key: "claim:999",
        kind: "claim",
        payload: "not a duty",
        period: 1,
    };
    running.node.store.plan_intent(&new).await.unwrap();
    running.live(&world.chain, 1).await;
    assert!(running.node.store.open_intents().await.unwrap().is_empty());
    assert_eq!(world.chain.effects("claim"), 0);
}

#[test]
fn amounts_for_gauges_are_near_enough() {
    assert!((whole_tokens(Amount(Amount::KMS.0 * 5 / 2)) - 2.5).abs() < 1e-9);
    assert!(whole_tokens(Amount::ZERO).abs() < 1e-9);
}
