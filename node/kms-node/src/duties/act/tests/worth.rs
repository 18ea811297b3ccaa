//! What is worth a transaction, and that a claim never holds a lease back.

use super::*;
use crate::testkit::grant::Grant;

#[tokio::test]
async fn a_claim_goes_with_the_next_confirmation() {
    let (world, mut running) = settled().await;
    reward(&world.chain);
    running.live(&world.chain, 60).await;
    assert_eq!(world.chain.effects("claim"), 0);
    assert_eq!(world.chain.effects("confirm_and_claim"), 1);
    assert_eq!(world.chain.state().claimable, Amount::ZERO);
}

#[tokio::test]
async fn a_claim_that_is_refused_or_reverts_does_not_hold_the_lease_back() {
    for on_chain in [false, true] {
        let (world, mut running) = settled().await;
        world.chain.state().claimable = Amount(7 * Amount::KMS.0);
        world.chain.state().fail_on_chain = on_chain;
        world.chain.state().refuse =
            (!on_chain).then_some(("confirm_and_claim", "RewardsNothingToClaim"));
        let last = running.node.snapshot().unwrap().miner.lease_through;
        while world.chain.plans_of("confirm_activity").len() < 2 {
            running.live(&world.chain, 1).await;
        }
        world.chain.state().fail_on_chain = false;
        running.live(&world.chain, 3).await;
        let miner = running.node.snapshot().unwrap().miner.clone();
        assert!(miner.lease_through > last, "on chain: {on_chain}");
        assert_eq!(world.chain.effects("confirm_and_claim"), 0);
    }
}

#[tokio::test]
async fn dust_is_never_collected() {
    let (world, mut running) = settled().await;
    for _ in 0..20 {
        let first = world.chain.period().0 + 1;
        let mut terms = Grant::new(first, first + 1).terms.clone();
        terms.rate = Amount(1);
        world.chain.queue_policy(&terms);
        running.live(&world.chain, 1).await;
    }
    running.live(&world.chain, 60).await;
    assert!(world.chain.plans_of("collect").is_empty());
    assert_eq!(running.node.snapshot().unwrap().policies.len(), 20);
}

#[tokio::test]
async fn what_the_contract_counts_decides_whether_a_collection_is_worth_it() {
    let (world, mut running) = settled().await;
    let first = world.chain.period().0 + 1;
    let mut terms = Grant::new(first, first).terms.clone();
    terms.rate = Amount::KMS;
    world.chain.queue_policy(&terms);
    running.live(&world.chain, 1).await;
    // The miner was idle: by the index a KMS is due, by the contract nothing.
    world.chain.state().idle = true;
    world.chain.mine_to_period(first + 1);
    running.live(&world.chain, 3).await;
    assert_eq!(world.chain.effects("collect"), 0);
    world.chain.state().idle = false;
    world.chain.mine_to_period(first + 2);
    running.live(&world.chain, 3).await;
    assert_eq!(world.chain.effects("collect"), 1);
}
