//! Reads under a policy some of whose miners were dismissed.

use super::*;
use crate::progress::Event;
use crate::testkit::{address, label};

#[tokio::test]
async fn a_miner_that_was_dismissed_is_not_asked_and_the_others_are_enough() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let (capsule, secret) = world.capsule();
    // It would answer, and hang: who asks it waits.
    world.nodes[0].set(Habit::Hangs);
    world.dismiss(policy, address(1));
    let seen = Recorder::default();
    let key = world.keys.label_key(&label("films/demo")).unwrap();
    let capsule = [FixedBytes(capsule.to_bytes())];
    let read = world.reader().open(&key, &capsule, &seen).await.unwrap();
    assert_eq!(read[0].as_ref().unwrap().expose(), secret.expose());
    let code = "arrangement_revoked".to_owned();
    let miner = address(1);
    let events = seen.events();
    assert!(
        events.contains(&Event::NodeFailed { miner, code }),
        "{events:?}"
    );
}

#[tokio::test]
async fn an_answer_of_a_dismissed_miner_does_not_count() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let (capsule, _) = world.capsule();
    // All three would answer honestly; two of them must not any more.
    world.dismiss(policy, address(1));
    world.dismiss(policy, address(3));
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert_eq!(error.code(), "arrangements_revoked");
    assert_eq!(error.policy(), Some(policy));
    let code = "arrangement_revoked";
    assert_eq!(named(&error), [(1, code), (3, code)]);
    assert!(error.to_string().contains("1 of 2"), "{error}");
}

#[tokio::test]
async fn a_policy_whose_every_miner_was_dismissed_is_revoked() {
    let world = World::new(2).await;
    let policy = world.granted(1, 2).await;
    let (capsule, _) = world.capsule();
    world.dismiss(policy, address(1));
    world.dismiss(policy, address(2));
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert_eq!(
        (error.code(), error.policy()),
        ("policy_revoked", Some(policy))
    );
}

#[tokio::test]
async fn what_the_miners_left_say_of_the_whole_policy_is_shown_and_not_believed() {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let (capsule, _) = world.capsule();
    world.dismiss(policy, address(2));
    // As if the whole policy were revoked in a block that only the nodes have seen.
    let refuses = Habit::Refuses(Refusal::PolicyRevoked);
    world
        .nodes
        .iter()
        .for_each(|node| node.set(refuses.clone()));
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert_eq!(error.code(), "threshold_not_met");
    assert_eq!(
        named(&error),
        [
            (1, "policy_revoked"),
            (2, "arrangement_revoked"),
            (3, "policy_revoked")
        ]
    );
    world.nodes[0].set(Habit::Honest);
    let error = world.read(&world.reader(), &capsule).await.unwrap_err();
    assert_eq!(error.code(), "threshold_not_met");
    assert_eq!(
        named(&error),
        [(2, "arrangement_revoked"), (3, "policy_revoked")]
    );
}
