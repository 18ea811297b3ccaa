//! An author without ether ends a grant: it signs, and somebody else sends what it signed.

use kms_chain::devnet::Mining;
use kms_chain::{Call, ChainEvent};
use kms_kit::kms::Kms;
use kms_protocol::Address;
use serde_json::Value;

use crate::harness::world::{Miner, World};

fn path(world: &World, name: &str) -> String {
    world.path(name).display().to_string()
}

/// A file that Bob may read with one of two miners; the policy's id.
fn share(world: &World, alice: &Kms, bob: &Kms) -> String {
    let (plain, file) = (path(world, "plain"), path(world, "file.kms"));
    std::fs::write(&plain, "to be shared").unwrap();
    let card = bob.json(&["card", "make", "--name", "bob"]);
    let card = card.assert_success().text("card");
    alice.run(&["label", "new", "things"]).assert_success();
    let encrypt = ["encrypt", "-t", "things", &plain, "-o", &file];
    alice.run(&encrypt).assert_success();
    alice.run(&["card", "add", &card]).assert_success();
    let terms = ["--threshold", "1/2", "--periods", "5", "--rate", "0.1 KMS"];
    let granted = alice.json(&[&["grant", "things", "--to", "bob"], &terms[..]].concat());
    granted.assert_success().text("policy")
}

/// Writes the orders with one thing changed.
fn altered(world: &World, orders: &str, change: impl Fn(&mut Value)) -> String {
    let mut value: Value = serde_json::from_str(orders).unwrap();
    change(&mut value);
    let file = path(world, "altered.revoke");
    std::fs::write(&file, value.to_string()).unwrap();
    file
}

/// Somebody sends the orders of this file, each time with something changed.
fn refuses_what_was_not_signed(world: &World, carol: &Kms, one: &str, other: &Miner) {
    let orders = std::fs::read_to_string(one).unwrap();
    let other = other.address().to_string();
    let file = altered(world, &orders, |value| {
        value["orders"][0]["miner"] = other.clone().into()
    });
    let refused = carol
        .json(&["relay", &file])
        .assert_failure(31, "tx_reverted");
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("PolicySignatureInvalid"),
        "{refused}"
    );
    let file = altered(world, &orders, |value| {
        value["orders"][0]["miner"] = Value::Null
    });
    carol
        .json(&["relay", &file])
        .assert_failure(31, "tx_reverted");
    let file = altered(world, &orders, |value| {
        value["orders"][0]["deadline"] = 1.into()
    });
    let late = carol
        .json(&["relay", &file])
        .assert_failure(31, "tx_reverted");
    assert!(
        late["message"]
            .as_str()
            .unwrap()
            .contains("PolicySignatureExpired"),
        "{late}"
    );
    let file = altered(world, &orders, |value| value["chain_id"] = 1.into());
    carol
        .json(&["relay", &file])
        .assert_failure(2, "spec_invalid");
    for wrong in [
        altered(world, &orders, |value| {
            value["orders"] = Value::Array(Vec::new())
        }),
        altered(world, &orders, |value| value["version"] = 2.into()),
        path(world, "file.kms"),
    ] {
        carol
            .json(&["relay", &wrong])
            .assert_failure(20, "order_invalid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_revocation_is_sent_by_anybody_once_and_as_it_was_signed() {
    let world = World::new().await;
    let miners: [Miner; 2] = world.miners().await;
    let (alice, bob) = (
        world.person("alice", 100).await,
        world.person("bob", 1).await,
    );
    let carol = world.person("carol", 1).await;
    world.devnet.set_mining(Mining::Every(1)).await.unwrap();
    let policy = share(&world, &alice, &bob);
    let gone = miners[0].address().to_string();

    let one = path(&world, "one.revoke");
    let sign = ["revoke", &policy, "--miner", &gone, "--relay-to", &one];
    alice.run(&sign).assert_success();
    alice.json(&sign).assert_failure(2, "output_exists");
    refuses_what_was_not_signed(&world, &carol, &one, &miners[1]);
    let dry = carol.json(&["relay", &one, "--dry-run"]).assert_success();
    assert_eq!(dry.field("transactions")[0]["call"], "revoke_signed");
    carol.json(&["relay", &one]).assert_success();
    carol
        .json(&["relay", &one])
        .assert_failure(31, "tx_reverted");
    let shown = alice.json(&["policies", "show", &policy]).assert_success();
    assert_eq!(shown.field("revoked_miners"), Value::from(vec![gone]));

    let all = path(&world, "all.revoke");
    let sign = ["revoke", "things", "--to", "bob", "--relay-to", &all];
    alice.run(&sign).assert_success();
    // Nobody else can sign in the author's place.
    let stranger = carol.json(&["revoke", &policy, "--relay-to", &path(&world, "no.revoke")]);
    stranger.assert_failure(10, "not_author");
    carol.json(&["relay", &all]).assert_success();
    let read = [
        "read",
        &path(&world, "file.kms"),
        "-o",
        &path(&world, "out"),
    ];
    bob.json(&read).assert_failure(12, "policy_revoked");
    let again = alice.json(&sign[..4]).assert_success();
    assert_eq!(again.field("tx_hash"), Value::Null, "it was revoked before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reward_is_locked_on_top_of_the_stake() {
    let world = World::new().await;
    let [miner] = world.miners().await;
    let person = world.person("owner", 1).await;
    person.json(&["stake", "restake", "on"]).assert_success();
    let allowed = |event| match event {
        ChainEvent::RestakeSet { miner, enabled } => Some((miner, enabled)),
        _ => None,
    };
    let wallet = person.json(&["key", "show", "wallet"]).assert_success();
    let wallet: Address = wallet.text("public").parse().unwrap();
    assert_eq!(world.find(allowed).await, Some((wallet, true)));
    person
        .json(&["rewards", "restake"])
        .assert_failure(31, "tx_reverted");

    miner.node.kill();
    world.pass_periods(2).await;
    let before = world.chain.position(miner.address()).await.unwrap().locked;
    let due = world.chain.claimable(miner.address()).await.unwrap();
    let restake = Call::Restake {
        miner: miner.address(),
    };
    world.send(&miner.owner, restake).await;
    let after = world.chain.position(miner.address()).await.unwrap().locked;
    assert!(
        due.0 > 0 && after.0 >= before.0 + due.0,
        "{before} {due} {after}"
    );
}
