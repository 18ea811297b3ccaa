//! Transactions that are stuck at their fees.

use kms_chain::Fees;

use super::*;

/// Fee above the fake chain's first market price.
const DEARER: Wei = Wei(2_100_000_000);
const OUT_OF_REACH: Wei = Wei(u128::MAX);

fn claim_fees(chain: &FakeChain) -> Vec<u128> {
    let mut fees: Vec<u128> = chain
        .plans_of("claim")
        .iter()
        .map(|plan| plan.fees.max_fee.0)
        .collect();
    fees.dedup();
    fees
}

/// A world at rest with a pending claim, whose blocks take transactions that offer `from` or more.
async fn stuck(world: &World, from: Wei) -> Running {
    world.chain.queue_stake();
    world.chain.mine();
    let mut running = world.start().await;
    running.live(&world.chain, 6).await;
    wind_down(&world.chain, &mut running).await;
    world.chain.state().mines_from = from;
    reward(&world.chain);
    running.live(&world.chain, 1).await;
    running
}

/// Claims that are not final.
async fn open_claims(running: &Running) -> usize {
    let open = running.node.store.open_intents().await.unwrap();
    open.iter().filter(|intent| intent.kind == "claim").count()
}

/// The reason of the failing health condition on the fee cap.
async fn held(running: &Running) -> Option<String> {
    let report = running.node.report().await;
    let mut checks = report.checks.iter();
    let check = checks.find(|check| check.id == "fees_within_cap")?;
    check.reason.clone()
}

#[tokio::test]
async fn a_stuck_transaction_is_repriced_at_its_nonce_and_has_one_effect() {
    let world = World::new();
    let mut running = stuck(&world, DEARER).await;
    running.live(&world.chain, 20).await;
    assert_eq!(world.chain.effects("claim"), 1);
    assert_eq!(open_claims(&running).await, 0);
    let fees = claim_fees(&world.chain);
    assert_eq!(fees.len(), 2, "{fees:?}");
    assert!(fees[1] >= fees[0] + fees[0] / 8, "{fees:?}");
    let plans = world.chain.plans_of("claim");
    assert!(plans.iter().all(|plan| plan.nonce == plans[0].nonce));
    assert_eq!(held(&running).await, None);
}

#[tokio::test]
async fn an_old_hash_that_is_mined_after_the_reprice_counts() {
    let world = World::new();
    let mut running = stuck(&world, OUT_OF_REACH).await;
    running.live(&world.chain, 13).await;
    assert_eq!(claim_fees(&world.chain).len(), 2, "repriced once");
    // The fake chain mines the attempt that it received first.
    world.chain.state().mines_from = Wei::ZERO;
    running.live(&world.chain, 6).await;
    assert_eq!(world.chain.effects("claim"), 1);
    assert_eq!(open_claims(&running).await, 0);
    assert_eq!(claim_fees(&world.chain).len(), 2, "and never again");
}

/// Stops after each step of a reprice, starts again, and counts the effects.
#[tokio::test]
async fn a_crash_between_any_two_steps_of_a_reprice_leaves_one_effect() {
    for steps in 0..=3 {
        let world = World::new();
        let mut running = stuck(&world, OUT_OF_REACH).await;
        running.live(&world.chain, 2).await;
        let store = running.node.store.clone();
        let first = store.open_attempts().await.unwrap()[0].clone();
        // 0: before it. 1: the dearer bytes are durable, not sent. 2: sent, not noted.
        // 3: the old bytes are mined meanwhile.
        if steps >= 1 {
            let fees = Fees {
                max_fee: DEARER,
                tip: Wei(2),
            };
            let worker = &running.node.keys.worker;
            let signed = world.chain.reprice(worker, &first.raw, fees).unwrap();
            let dearer = store.add_attempt(first.intent_id, worker.address(), signed);
            let dearer = dearer.await.unwrap();
            if steps >= 2 {
                world.chain.broadcast(&dearer.raw).await.unwrap();
            }
        }
        drop(running);
        store.close().await;
        world.chain.state().mines_from = Wei::ZERO;
        if steps >= 3 {
            world.chain.mine();
        }
        let mut again = world.start().await;
        again.live(&world.chain, 6).await;
        assert_eq!(world.chain.effects("claim"), 1, "crash after step {steps}");
        assert_eq!(open_claims(&again).await, 0);
    }
}

#[tokio::test]
async fn a_reorg_that_takes_a_repriced_transaction_back_leaves_one_effect() {
    let world = World::new();
    let mut running = stuck(&world, DEARER).await;
    running.live(&world.chain, 12).await;
    assert_eq!(world.chain.effects("claim"), 1);
    let signed = claim_fees(&world.chain);
    world.chain.drop_blocks(2);
    assert_eq!(world.chain.effects("claim"), 0);
    running.live(&world.chain, 12).await;
    assert_eq!(world.chain.effects("claim"), 1);
    assert_eq!(open_claims(&running).await, 0);
    let again = claim_fees(&world.chain);
    assert!(again.iter().all(|fee| signed.contains(fee)), "no new price");
}

#[tokio::test]
async fn the_cap_holds_and_the_operator_is_told() {
    let world = World::new().set("max_fee_per_gas", "2.3 gwei");
    let mut running = stuck(&world, OUT_OF_REACH).await;
    running.live(&world.chain, 40).await;
    let fees = claim_fees(&world.chain);
    assert!(fees.len() > 1, "repriced under the cap: {fees:?}");
    assert!(fees.iter().all(|fee| *fee <= 2_300_000_000), "{fees:?}");
    let reason = held(&running).await.unwrap();
    assert!(reason.contains("max_fee_per_gas"), "{reason}");
    assert!(running.node.report().await.ready, "readers are served");
    world.chain.state().mines_from = Wei::ZERO;
    running.live(&world.chain, 6).await;
    assert_eq!(world.chain.effects("claim"), 1);
    assert_eq!(held(&running).await, None);
}

#[tokio::test]
async fn signs_nothing_while_the_market_is_above_the_cap() {
    let world = World::new().set("max_fee_per_gas", "3 gwei");
    world.chain.queue_stake();
    world.chain.mine();
    let mut running = world.start().await;
    running.live(&world.chain, 6).await;
    wind_down(&world.chain, &mut running).await;
    let market = |gwei: u128| Fees {
        max_fee: Wei(gwei * Wei::GWEI.0),
        tip: Wei(1),
    };
    world.chain.state().fees = market(8);
    reward(&world.chain);
    running.live(&world.chain, 3).await;
    assert!(world.chain.plans_of("claim").is_empty());
    assert!(held(&running).await.unwrap().contains("max_fee_per_gas"));
    world.chain.state().fees = market(5);
    running.live(&world.chain, 5).await;
    assert_eq!(world.chain.effects("claim"), 1);
    assert_eq!(claim_fees(&world.chain), [3_000_000_000]);
}
