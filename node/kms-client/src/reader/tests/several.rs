//! Several policies of one pair, none of which opens: the error tells each with its reason, and its
//! code is that of the nearest.

use kms_protocol::{Address, PolicyId};

use super::*;
use crate::owner::Selection;
use crate::testkit::World;

/// Grants to these miners alone, all of them needed; the nodes are numbered from 1.
async fn granted_to(world: &World, miners: &[u8]) -> PolicyId {
    let need = u8::try_from(miners.len()).unwrap();
    let miners = miners.iter().map(|byte| Address([*byte; 20])).collect();
    let spec = crate::owner::GrantSpec {
        selection: Selection::Miners(miners),
        ..world.spec(need, need)
    };
    let owner = world.owner();
    let quote = owner.quote(&spec).await.unwrap();
    let granted = owner.grant(quote, &world.keys, world.spend(), &Silent);
    let policy = granted.await.unwrap().policy;
    world.chain.advance(100);
    policy
}

/// Policy, code and miners of each that was tried.
fn tried(error: &Error) -> Vec<(PolicyId, &str, Vec<u8>)> {
    let miners = |of: &PolicyFailure| of.nodes.iter().map(|node| node.miner.0[0]).collect();
    let tried = error.tried().iter();
    tried.map(|of| (of.policy, of.code, miners(of))).collect()
}

fn refuse(world: &World, node: usize) {
    world.nodes[node].set(Habit::Refuses(Refusal::KfragMissing));
}

#[tokio::test]
async fn each_is_told_with_its_miners_and_the_nearest_gives_the_code() {
    let world = World::new(3).await;
    let older = granted_to(&world, &[1]).await;
    let newer = granted_to(&world, &[2, 3]).await;
    (0..3).for_each(|node| refuse(&world, node));
    let (capsule, _) = world.capsule();
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    let code = "threshold_not_met";
    assert_eq!(
        tried(&error),
        [(newer, code, vec![2, 3]), (older, code, vec![1])]
    );
    // One miner is missing of the older policy, two of the newer.
    assert_eq!((error.code(), error.policy()), (code, None));
    assert_eq!(named(&error), [(1, "kfrag_missing")]);
    let text = error.to_string();
    assert!(text.starts_with("none of 2 policies"), "{text}");
}

#[tokio::test]
async fn of_two_equally_near_the_newest_gives_the_code() {
    let world = World::new(2).await;
    granted_to(&world, &[1]).await;
    granted_to(&world, &[2]).await;
    (0..2).for_each(|node| refuse(&world, node));
    let (capsule, _) = world.capsule();
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert_eq!(named(&error), [(2, "kfrag_missing")]);
}

#[tokio::test]
async fn a_policy_that_may_open_later_is_nearer_than_one_without_miners() {
    let world = World::new(3).await;
    let older = granted_to(&world, &[1, 2]).await;
    let newer = granted_to(&world, &[2, 3]).await;
    world.dismiss(newer, Address([3; 20]));
    (0..3).for_each(|node| refuse(&world, node));
    let (capsule, _) = world.capsule();
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert_eq!(error.code(), "threshold_not_met");
    assert_eq!(
        tried(&error),
        [
            (newer, "arrangements_revoked", vec![3]),
            (older, "threshold_not_met", vec![1, 2]),
        ]
    );
}

#[tokio::test]
async fn all_that_were_taken_back_are_told_too() {
    let world = World::new(2).await;
    let older = granted_to(&world, &[1]).await;
    let newer = granted_to(&world, &[2]).await;
    world.dismiss(older, Address([1; 20]));
    world.dismiss(newer, Address([2; 20]));
    let (capsule, _) = world.capsule();
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert_eq!(
        (error.code(), error.policy()),
        ("policy_revoked", Some(newer))
    );
    let told: Vec<_> = tried(&error).into_iter().map(|of| (of.0, of.1)).collect();
    assert_eq!(told, [(newer, "policy_revoked"), (older, "policy_revoked")]);
}

#[tokio::test]
async fn the_only_policy_is_told_alone() {
    let world = World::new(1).await;
    granted_to(&world, &[1]).await;
    refuse(&world, 0);
    let (capsule, _) = world.capsule();
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert!(matches!(error, Error::ThresholdNotMet { .. }), "{error}");
    assert!(error.tried().is_empty());
}

#[tokio::test]
async fn one_that_opens_is_enough() {
    let world = World::new(2).await;
    granted_to(&world, &[1]).await;
    granted_to(&world, &[2]).await;
    refuse(&world, 1);
    let (capsule, secret) = world.capsule();
    let read = world.read(&world.reader(), &capsule).await.unwrap();
    assert_eq!(read.expose(), secret.expose());
}
