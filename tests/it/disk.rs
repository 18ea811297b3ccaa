//! A disk that refuses to write, and lets it again: nothing that was acknowledged is lost, and the
//! node goes on by itself.

use std::process::Command;

use kms_kit::node::Node;
use kms_kit::wait::until;

use crate::harness::grant::Grant;
use crate::harness::world::World;

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
