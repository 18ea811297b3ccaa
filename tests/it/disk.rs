//! A disk that refuses to write or to flush, and does it again: nothing that was acknowledged is
//! lost, and the node goes on by itself.

use std::process::Command;

use kms_kit::disk::FaultyDisk;
use kms_kit::node::Node;
use kms_kit::wait::until;

use crate::harness::grant::Grant;
use crate::harness::world::{Miner, World};

/// Starts a node that a limit of its files' size does not end: such a write then fails, as one on
/// a full disk does.
fn start(node: &Node) {
    let plain = node.command();
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
        .arg(plain.get_program())
        .args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    node.start_by(command);
}

/// Lets no file of the node grow beyond these bytes, or any if that is `unlimited`.
fn limit(node: &Node, bytes: &str) {
    let process = node.process_id().to_string();
    let size = format!("--fsize={bytes}:");
    let set = Command::new("prlimit")
        .args(["--pid", &process, &size])
        .status();
    assert!(set.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_refuses_writes_loses_nothing_and_is_outlived() {
    let world = World::new().await;
    let miner = world.stopped_miner("node").await;
    start(&miner.node);
    world.registered(&miner).await;
    world.all_active(&[&miner]).await;
    let before = Grant::prepare(&world, &[miner.address()], 1).await;
    before.pay(&world, &[&miner.node]).await;
    let during = Grant::prepare(&world, &[miner.address()], 1).await;
    during.pay(&world, &[&miner.node]).await;
    before.hand_over(&miner).await.unwrap();

    limit(&miner.node, "4096");
    let refused = during.hand_over(&miner).await.unwrap_err();
    assert!(refused.retry_after_s.is_some(), "{refused:?}");
    world.mine(3).await;
    // What the node holds it goes on to answer by; the blocks wait.
    assert!(before.ask(&world, &miner).await.is_ok());

    limit(&miner.node, "unlimited");
    miner.node.sees(world.head().await.number).await;
    until("the kfrag to be taken", async || {
        during.hand_over(&miner).await.ok()
    })
    .await;

    miner.node.kill();
    miner.node.start();
    miner.node.ready().await;
    for grant in [&before, &during] {
        assert!(grant.opens(&[grant.ask(&world, &miner).await.unwrap()]));
    }
}

/// Prepares a grant of one miner, paid for.
async fn paid(world: &World, miner: &Miner) -> Grant {
    let grant = Grant::prepare(world, &[miner.address()], 1).await;
    grant.pay(world, &[&miner.node]).await;
    grant
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_is_there_though_one_flush_of_five_fails() {
    let world = World::new().await;
    let disk = FaultyDisk::make(&world.path(""));
    let miner = world.stopped_miner("node").await;
    let start = || {
        let command = disk.failing(miner.node.command(), 7);
        miner.node.start_by(command);
    };
    start();
    world.registered(&miner).await;
    world.all_active(&[&miner]).await;
    let mut grants = Vec::new();
    for _ in 0..8 {
        grants.push(paid(&world, &miner).await);
    }
    disk.set(100);
    let refused = grants[0].hand_over(&miner).await.unwrap_err();
    assert!(refused.retry_after_s.is_some(), "{refused:?}");
    disk.set(20);
    for grant in &grants {
        until("the kfrag to be taken", async || {
            grant.hand_over(&miner).await.ok()
        })
        .await;
    }
    // The next confirmation falls due, and is sent by a store whose commits fail.
    for _ in 0..2 {
        world.all_active(&[&miner]).await;
    }
    miner.node.kill();
    disk.set(0);
    start();
    miner.node.ready().await;
    for grant in &grants {
        assert!(grant.opens(&[grant.ask(&world, &miner).await.unwrap()]));
    }
    miner.node.decides(world.head().await.number).await;
    let (sent, effects) = world.sent_by(&miner).await;
    assert_eq!(sent, effects, "sent twice");
}
