//! Many grants by one transaction: all of them are paid or none is, and none twice.

use kms_protocol::Amount;

use super::*;
use crate::journal::GrantState;
use crate::owner::Quote;
use crate::testkit::{Habit, PayMode};
use kms_core::card::Card;
use kms_core::keys::ReaderKey;

async fn quotes(world: &World, readers: &[ReaderKey]) -> Vec<Quote> {
    let mut quotes = Vec::new();
    for (number, key) in readers.iter().enumerate() {
        let spec = GrantSpec {
            card: Card::make(&format!("reader{number}"), key).unwrap(),
            repeat: Repeat::Refuse,
            ..world.spec(2, 3)
        };
        quotes.push(world.owner().quote(&spec).await.unwrap());
    }
    quotes
}

fn readers(count: usize) -> Vec<ReaderKey> {
    (0..count).map(|_| ReaderKey::random().unwrap()).collect()
}

async fn grant_all(world: &World, readers: &[ReaderKey]) -> Result<Vec<Result<GrantReport>>> {
    let quotes = quotes(world, readers).await;
    let owner = world.hasty_owner();
    owner
        .grant_all(quotes, &world.keys, world.spend(), &Silent)
        .await
}

fn states(world: &World) -> Vec<GrantState> {
    let grants = world.home.journal().list().unwrap();
    grants.iter().map(|grant| grant.state).collect()
}

#[tokio::test]
async fn several_readers_are_paid_by_one_transaction() {
    let world = World::new(3).await;
    let reports = grant_all(&world, &readers(5)).await.unwrap();
    let reports: Vec<_> = reports.into_iter().map(Result::unwrap).collect();
    assert_eq!(world.chain.kinds(), ["create_policies"]);
    let hashes: std::collections::BTreeSet<_> = reports.iter().map(|r| r.tx_hash).collect();
    assert_eq!((reports.len(), hashes.len()), (5, 1));
    assert!(reports.iter().all(|report| report.delivered.len() == 3));
    assert_eq!(states(&world), [GrantState::Delivered; 5]);
}

#[tokio::test]
async fn nobody_is_one_reader_twice() {
    let world = World::new(3).await;
    let mut twice = quotes(&world, &readers(1)).await;
    twice.extend(twice.clone());
    let owner = world.owner();
    let refused = owner
        .grant_all(twice, &world.keys, world.spend(), &Silent)
        .await;
    assert_eq!(refused.unwrap_err().code(), "spec_invalid");
    assert!(states(&world).is_empty() && world.chain.kinds().is_empty());
}

#[tokio::test]
async fn what_cannot_be_paid_whole_is_not_paid_at_all() {
    let world = World::new(3).await;
    let readers = readers(3);
    let one = quotes(&world, &readers).await.remove(0).price;
    world.chain.state().tokens = Amount(one.0 * 2);
    let refused = grant_all(&world, &readers).await.unwrap_err();
    assert_eq!(refused.code(), "insufficient_funds");
    assert!(states(&world).is_empty() && world.chain.kinds().is_empty());
}

#[tokio::test]
async fn a_payment_that_was_not_sent_is_forgotten_and_one_that_was_is_found() {
    let world = World::new(3).await;
    let some = readers(3);
    world.pay.set(PayMode::Unreachable);
    grant_all(&world, &some).await.unwrap_err();
    assert_eq!(states(&world), [GrantState::Prepared; 3]);
    world.pay.set(PayMode::Mined);
    let reports = grant_all(&world, &readers(2)).await.unwrap();
    assert_eq!((reports.len(), states(&world).len()), (2, 2));
}

#[tokio::test]
async fn grants_whose_payment_was_interrupted_are_resumed_and_not_paid_again() {
    let world = World::new(3).await;
    let some = readers(3);
    world.pay.set(PayMode::DiesAfterCreating);
    let died = grant_all(&world, &some).await.unwrap_err();
    assert_eq!(died.code(), "interrupted");
    assert_eq!(states(&world), [GrantState::Prepared; 3]);
    let owner = world.owner();
    for grant in world.home.journal().list().unwrap() {
        let resumed = owner
            .resume(grant.policy, &world.keys, world.spend(), &Silent)
            .await;
        assert_eq!(resumed.unwrap().delivered.len(), 3);
    }
    assert_eq!(states(&world), [GrantState::Delivered; 3]);
    assert_eq!(world.chain.effects("create_policies"), 1);
    assert_eq!(world.chain.effects("create_policy"), 0);
    assert_eq!(world.pay.untold(), 0);
}

#[tokio::test]
async fn one_grant_that_cannot_be_delivered_leaves_the_others() {
    let world = World::new(3).await;
    for node in &world.nodes[..2] {
        node.set(Habit::LagsBy(1));
    }
    let reports = grant_all(&world, &readers(2)).await.unwrap();
    assert!(reports.iter().all(Result::is_ok));
    for node in &world.nodes[..2] {
        node.set(Habit::Refuses(kms_protocol::Refusal::KfragInvalid));
    }
    let reports = grant_all(&world, &readers(2)).await.unwrap();
    let codes: Vec<_> = reports
        .iter()
        .map(|report| report.as_ref().unwrap_err().code())
        .collect();
    assert_eq!(codes, ["threshold_not_met"; 2]);
    assert_eq!(world.home.journal().unfinished().unwrap().len(), 2);
}
