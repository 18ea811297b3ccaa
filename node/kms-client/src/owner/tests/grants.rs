//! Grants that are killed, refused or short of miners at each step.

use kms_protocol::{Amount, Period, Refusal};

use super::*;
use crate::journal::GrantState;
use crate::progress::{Event, Silent};
use crate::testkit::{Habit, PayMode, Recorder, World, label};

#[tokio::test]
async fn a_grant_is_journaled_before_it_is_paid_and_delivered_after() {
    let world = World::new(3).await;
    let quote = world.owner().quote(&world.spec(2, 3)).await.unwrap();
    let recorder = Recorder::default();
    let report = world
        .owner()
        .grant(quote, &world.keys, world.spend(), &recorder)
        .await
        .unwrap();
    assert_eq!(report.delivered.len(), 3);
    assert!(report.pending.is_empty());
    let events = recorder.events();
    assert_eq!(
        events[0],
        Event::Journaled {
            policy: report.policy
        }
    );
    assert!(matches!(
        events[1],
        Event::TxMined {
            kind: "create_policy",
            ..
        }
    ));
    assert!(matches!(events[4], Event::NodeDone { done: 3, of: 3, .. }));
    let policies = world.owner().policies().await.unwrap();
    assert_eq!(policies[0].label, Some(label("films/demo")));
    assert_eq!(policies[0].reader.as_deref(), Some("bob"));
    assert_eq!(policies[0].standing, Standing::NotStarted);
    assert_eq!(policies[0].grant, Some(GrantState::Delivered));
}

#[tokio::test]
async fn a_refused_payment_leaves_nothing() {
    let world = World::new(3).await;
    world.chain.state().refuse = Some(("create_policy", "EscrowMinerCannotServe"));
    let error = grant(&world, &world.owner()).await.unwrap_err();
    assert_eq!(error.code(), "tx_reverted");
    assert!(world.home.journal().list().unwrap().is_empty());
    assert!(world.nodes.iter().all(|node| node.uploads() == 0));
}

#[tokio::test]
async fn a_payment_never_sent_is_forgotten_at_the_next_grant() {
    let world = World::new(3).await;
    world.pay.set(PayMode::Unreachable);
    assert_eq!(
        grant(&world, &world.owner()).await.unwrap_err().code(),
        "no_endpoint"
    );
    let lost = only_grant(&world);
    assert_eq!(lost.state, GrantState::Prepared);
    world.pay.set(PayMode::Mined);
    let report = grant(&world, &world.owner()).await.unwrap();
    assert_ne!(report.policy, lost.policy);
    assert_eq!(only_grant(&world).policy, report.policy);
    let resumed = world
        .owner()
        .resume(lost.policy, &world.keys, world.spend(), &Silent)
        .await;
    assert!(matches!(resumed, Err(Error::NoPolicy { .. })));
}

#[tokio::test]
async fn a_death_after_sending_is_resumed_without_paying_twice() {
    let world = World::new(3).await;
    world.pay.set(PayMode::DiesAfterSending);
    assert!(matches!(
        grant(&world, &world.owner()).await,
        Err(Error::Interrupted)
    ));
    let policy = only_grant(&world).policy;
    assert!(world.chain.kinds().is_empty());
    world.pay.set(PayMode::Mined);
    let report = world
        .owner()
        .resume(policy, &world.keys, world.spend(), &Silent)
        .await
        .unwrap();
    assert_eq!((report.policy, report.delivered.len()), (policy, 3));
    assert_eq!(world.chain.kinds(), ["create_policy"]);
    assert_eq!(only_grant(&world).state, GrantState::Delivered);
}

#[tokio::test]
async fn a_second_grant_is_refused_while_the_first_is_unfinished() {
    let world = World::new(3).await;
    world.pay.set(PayMode::DiesAfterSending);
    grant(&world, &world.owner()).await.unwrap_err();
    world.pay.set(PayMode::Mined);
    let refused = grant(&world, &world.owner()).await.unwrap_err();
    let Error::GrantUnfinished { policy, .. } = refused else {
        panic!("{refused}")
    };
    assert_eq!(world.chain.kinds(), ["create_policy"]);
    world
        .owner()
        .resume(policy, &world.keys, world.spend(), &Silent)
        .await
        .unwrap();
    assert!(grant(&world, &world.owner()).await.is_ok());
}

#[tokio::test]
async fn a_grant_killed_mid_delivery_resumes_with_the_rest_only() {
    let world = World::new(3).await;
    world.nodes[1].set(Habit::Refuses(Refusal::ShuttingDown));
    let report = grant(&world, &world.hasty_owner()).await.unwrap();
    assert_eq!(report.delivered.len(), 2);
    assert_eq!(codes(&report.pending), ["shutting_down"]);
    assert_eq!(only_grant(&world).state, GrantState::Paid);
    let uploads = |number: usize| world.nodes[number].uploads();
    let before = (uploads(0), uploads(2));

    world.nodes[1].set(Habit::Honest);
    let resumed = world
        .owner()
        .resume(report.policy, &world.keys, world.spend(), &Silent)
        .await
        .unwrap();
    assert_eq!(resumed.delivered.len(), 3);
    assert_eq!((uploads(0), uploads(2)), before);
    assert_eq!(only_grant(&world).state, GrantState::Delivered);
    let again = world
        .owner()
        .resume(report.policy, &world.keys, world.spend(), &Silent)
        .await
        .unwrap();
    assert_eq!(again.delivered.len(), 3);
    assert_eq!((uploads(0), uploads(2)), before);
}

#[tokio::test]
async fn fewer_than_the_threshold_is_an_error_that_can_be_resumed() {
    let world = World::new(3).await;
    world.nodes[0].set(Habit::Refuses(Refusal::StorageFull));
    world.nodes[2].set(Habit::Refuses(Refusal::KfragInvalid));
    let error = grant(&world, &world.hasty_owner()).await.unwrap_err();
    assert!(matches!(
        error,
        Error::ThresholdNotMet {
            need: 2,
            got: 1,
            ..
        }
    ));
    assert_eq!(codes(error.nodes()), ["storage_full", "kfrag_invalid"]);
    world.nodes.iter().for_each(|node| node.set(Habit::Honest));
    let policy = only_grant(&world).policy;
    assert!(
        world
            .owner()
            .resume(policy, &world.keys, world.spend(), &Silent)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_node_whose_view_lags_is_asked_again() {
    let world = World::new(3).await;
    world.nodes[0].set(Habit::LagsBy(3));
    let report = grant(&world, &world.owner()).await.unwrap();
    assert_eq!(report.delivered.len(), 3);
    assert_eq!(world.nodes[0].uploads(), 4);
}

#[tokio::test]
async fn an_acknowledgement_of_a_stranger_does_not_count() {
    let world = World::new(3).await;
    world.nodes[2].set(Habit::WrongSigner);
    let report = grant(&world, &world.hasty_owner()).await.unwrap();
    assert_eq!(report.delivered.len(), 2);
    assert_eq!(codes(&report.pending), ["bad_signature"]);
}

#[tokio::test]
async fn refuses_to_grant_without_funds() {
    let world = World::new(3).await;
    world.chain.state().tokens = Amount(1);
    let error = grant(&world, &world.owner()).await.unwrap_err();
    assert!(matches!(error, Error::InsufficientFunds { .. }));
    world.chain.state().tokens = Amount::KMS;
    world.chain.state().ether = kms_protocol::Wei::ZERO;
    let error = grant(&world, &world.owner()).await.unwrap_err();
    assert_eq!(error.code(), "insufficient_funds");
    assert!(world.home.journal().list().unwrap().is_empty());
}

#[tokio::test]
async fn a_quote_that_waited_begins_later_at_the_same_price() {
    let world = World::new(3).await;
    let quote = world.owner().quote(&world.spec(2, 3)).await.unwrap();
    let (first, price) = (quote.schedule.first, quote.price);
    world.chain.advance(500);
    let report = world
        .owner()
        .grant(quote, &world.keys, world.spend(), &Silent)
        .await
        .unwrap();
    assert_eq!(report.terms.first_period, Period(first.0 + 5));
    assert_eq!(report.terms.price().unwrap(), price);
}
