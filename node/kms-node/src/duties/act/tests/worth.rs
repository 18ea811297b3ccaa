//! What is worth a transaction, and that a claim never holds a lease back.

use kms_chain::{Call, ChainEvent};
use kms_protocol::messages::Delivery;
use kms_protocol::{Address, Period};

use super::*;
use crate::testkit::domain;
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
    let store = &running.node.store;
    let word = Delivery::unsigned(Period(first));
    store
        .put_delivery(terms.id(domain().chain_id, &domain().contract), &word)
        .await;
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

/// A policy whose kfrag never came pays nothing, and costs no transaction.
#[tokio::test]
async fn nothing_is_collected_without_a_delivery_and_from_it_on_what_it_pays() {
    let (world, mut running) = settled().await;
    let first = world.chain.period().0 + 1;
    let mut terms = Grant::new(first, first + 50).terms.clone();
    terms.rate = Amount::KMS;
    world.chain.queue_policy(&terms);
    world.chain.mine_to_period(first + 5);
    running.live(&world.chain, 3).await;
    assert!(world.chain.plans_of("collect").is_empty());

    let id = terms.id(domain().chain_id, &domain().contract);
    let now = world.chain.period();
    let word = Delivery::unsigned(now);
    running.node.store.put_delivery(id, &word).await;
    world.chain.mine_to_period(now.0 + 1);
    running.live(&world.chain, 3).await;
    let sent = world.chain.plans_of("collect");
    let delivery = |call: &Call| match call {
        Call::Collect { policies, .. } => policies[0].delivery,
        other => panic!("{other:?}"),
    };
    assert_eq!(delivery(&sent[0].call), Some(word));

    // Proved once, it is not supplied again.
    world.chain.mine_to_period(now.0 + 2);
    running.live(&world.chain, 3).await;
    let sent = world.chain.plans_of("collect");
    assert_eq!(delivery(&sent.last().unwrap().call), None);
    assert!(world.chain.effects("collect") >= 2);
}

/// Fees that went to the sponsor are settled: the node asks for them no more.
#[tokio::test]
async fn fees_that_returned_are_settled() {
    let (world, mut running) = settled().await;
    let first = world.chain.period().0 + 1;
    let terms = Grant::new(first, first + 1).terms.clone();
    let policy_id = terms.id(domain().chain_id, &domain().contract);
    world.chain.queue_policy(&terms);
    world.chain.mine_to_period(first + 2);
    for (miner, settled) in [
        (Address([9; 20]), Period::NEVER),
        (MINER, terms.last_period),
    ] {
        world.chain.queue(ChainEvent::FeesReturned {
            policy_id,
            miner,
            through_period: terms.last_period,
            amount: Amount(1),
        });
        world.chain.mine();
        running.sync().await;
        let snapshot = running.node.snapshot().unwrap();
        assert_eq!(snapshot.policies[&policy_id].collected_through, settled);
    }
}
