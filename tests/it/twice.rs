//! What an owner must not pay by mistake, told before and after, on a real chain.

use std::process::Stdio;

use kms_chain::devnet::Mining;
use kms_kit::kms::Kms;
use kms_kit::wait::until;
use serde_json::Value;

use crate::harness::world::{Miner, World};

const PLAIN: &str = "what is to be shared";

fn path(world: &World, name: &str) -> String {
    world.path(name).display().to_string()
}

/// A card of the reader's key with this number, under the owner's own name for it.
fn introduce(owner: &Kms, reader: &Kms, key: &str, known_as: &str) {
    let card = ["card", "make", "--name", "someone", "--reader-key", key];
    let made = reader.json(&card).assert_success();
    let (card, words) = (made.text("card"), made.text("words"));
    let add = ["card", "add", &card, "--as", known_as];
    let added = owner.json(&add).assert_success();
    assert_eq!(added.text("name"), known_as);
    assert_eq!(added.text("own_name"), "someone");
    let told: Vec<&str> = words.split(' ').collect();
    let verify = [&["card", "verify", known_as], &told[..]].concat();
    let verified = owner.json(&verify).assert_success();
    assert_eq!(verified.field("verified"), true);
    let wrong = [&["card", "verify", known_as], &told[1..]].concat();
    let wrong = owner.json(&wrong);
    wrong.assert_failure(21, "card_not_verified");
}

fn grant<'a>(reader: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["grant", "things", "--to", reader, "--threshold", "1/1"];
    [&fixed[..], &["--rate", "1 KMS"], more].concat()
}

/// Alice with a file for Bob, whose card is of his second key.
async fn people(world: &World) -> (Kms, Kms) {
    let alice = world.person("alice", 30).await;
    let bob = world.person("bob", 1).await;
    std::fs::write(world.path("plain"), PLAIN).unwrap();
    alice.run(&["label", "new", "things"]).assert_success();
    let (from, to) = (path(world, "plain"), path(world, "file.kms"));
    let encrypt = ["encrypt", "-t", "things", &from, "-o", &to];
    alice.run(&encrypt).assert_success();
    introduce(&alice, &bob, "1", "bob");
    (alice, bob)
}

/// What a rehearsal says: price, gas and balances, or what is missing.
fn rehearse(alice: &Kms) {
    let told = alice.json(&grant("bob", &["--periods", "5", "--dry-run"]));
    let told = told.assert_success();
    assert_eq!(told.text("price"), (5 * 10_u128.pow(18)).to_string());
    assert_eq!(told.text("balance"), (30 * 10_u128.pow(18)).to_string());
    assert_ne!(told.text("gas_balance"), "0");
    assert!(told.field("transactions")[0]["gas"].as_u64().unwrap() > 100_000);
    let dear = alice.json(&grant("bob", &["--periods", "31", "--dry-run"]));
    dear.assert_failure(32, "insufficient_funds");
    assert_eq!(dear.text("price"), (31 * 10_u128.pow(18)).to_string());
    let both = ["--to", "bob", "--periods", "16", "--dry-run"];
    let both = alice.json(&grant("bob", &both));
    both.assert_failure(32, "insufficient_funds");
    let unknown = alice.json(&["grant", "other", "--to", "bob", "--for", "1h", "--dry-run"]);
    unknown.assert_failure(3, "label_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_grant_is_paid_once_unless_it_is_asked_for_again() {
    let world = World::new().await;
    let [_miner]: [Miner; 1] = world.miners().await;
    let (alice, bob) = people(&world).await;
    // The chain goes on by itself, so that payments are confirmed while the owner waits.
    world.devnet.set_mining(Mining::Every(1)).await.unwrap();
    rehearse(&alice);
    let first = alice.json(&grant("bob", &["--for", "5h"])).assert_success();
    let policy = first.text("policy");
    let out = path(&world, "out");
    let read = ["read", &path(&world, "file.kms"), "-o", &out];
    bob.run(&read).assert_success();
    assert_eq!(std::fs::read_to_string(&out).unwrap(), PLAIN);

    for more in [&["--periods", "5"][..], &["--periods", "5", "--dry-run"]] {
        let error = alice.json(&grant("bob", more));
        let error = error.assert_failure(2, "already_granted");
        assert_eq!(error["policy"], policy.as_str(), "{error}");
    }
    let second = alice.json(&grant("bob", &["--periods", "5", "--again"]));
    let second = second.assert_success().text("policy");
    assert_ne!(second, policy);

    let nothing = alice.json(&["refund", &policy]).assert_success();
    assert_eq!(nothing.field("tx_hash"), Value::Null);
    let revoke = ["revoke", "things", "--to", "bob"];
    let ended = alice.json(&revoke).assert_success();
    let ended: Vec<Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ids: Vec<&str> = ended
        .iter()
        .map(|of| of["policy"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [policy.as_str(), second.as_str()]);
    assert!(ended.iter().all(|of| of["tx_hash"].is_string()));
    bob.json(&read).assert_failure(12, "policy_revoked");
    let error = alice.json(&["renew", &policy, "--periods", "1"]);
    let error = error.assert_failure(12, "policy_revoked");
    assert!(
        error["hint"].as_str().unwrap().contains("kms grant"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_begins_later_is_paid_now_and_read_then() {
    let world = World::new().await;
    let [miner]: [Miner; 1] = world.miners().await;
    let (alice, bob) = people(&world).await;
    world.devnet.set_mining(Mining::Every(1)).await.unwrap();
    let next = world.period().await.0 + 2;
    let clock = world.clock;
    let start = clock.start_of(kms_protocol::Period(next)).unwrap() + 5;
    let until = clock.end_of(kms_protocol::Period(next + 1)).unwrap();
    let (start, until) = (start.to_string(), until.to_string());
    let later = grant("bob", &["--start", &start, "--until", &until]);
    let granted = alice.json(&later).assert_success();
    assert_eq!(granted.field("first_period"), next);
    assert_eq!(granted.field("last_period"), next + 1);
    let read = [
        "read",
        &path(&world, "file.kms"),
        "-o",
        &path(&world, "out"),
    ];
    bob.json(&read).assert_failure(10, "policy_not_started");
    let past = ["--start", "2020-01-01", "--for", "1h", "--again"];
    let past = alice.json(&grant("bob", &past));
    let error = past.assert_failure(2, "spec_invalid");
    assert!(
        error["message"].as_str().unwrap().contains("start"),
        "{error}"
    );
    world.all_active(&[&miner]).await;
    world.all_active(&[&miner]).await;
    miner.node.sees(world.head().await.number).await;
    bob.run(&read).assert_success();
}

/// Pays for a grant whose node is down, and is killed while it waits; the journal's file.
async fn die_undelivered(alice: &Kms) -> std::path::PathBuf {
    let mut command = alice.command(&grant("bob", &["--periods", "5"]));
    let mut running = command.stdout(Stdio::null()).spawn().unwrap();
    let folder = alice.home().join("journal");
    let file = until("the payment", async || {
        // A folder for each network, a file for each grant.
        let network = std::fs::read_dir(&folder).unwrap().next()?.unwrap();
        // A file that is being written has another name until it is whole.
        let mut files = std::fs::read_dir(network.path()).unwrap();
        let file = files.find_map(|entry| {
            let file = entry.unwrap().path();
            file.extension()
                .is_some_and(|end| end == "json")
                .then_some(file)
        })?;
        let grant: Value = serde_json::from_slice(&std::fs::read(&file).ok()?).ok()?;
        (grant["state"] == "paid").then_some(file)
    })
    .await;
    running.kill().unwrap();
    running.wait().unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn resuming_all_goes_on_after_a_grant_that_was_never_paid() {
    let world = World::new().await;
    let [miner]: [Miner; 1] = world.miners().await;
    let (alice, bob) = people(&world).await;
    world.devnet.set_mining(Mining::Every(1)).await.unwrap();
    miner.node.kill();
    let paid = die_undelivered(&alice).await;
    // Another grant, first in order, was written down and never sent.
    let mut unpaid: Value = serde_json::from_slice(&std::fs::read(&paid).unwrap()).unwrap();
    let never = format!("0x{}", "00".repeat(32));
    unpaid["policy"] = never.clone().into();
    unpaid["state"] = "prepared".into();
    assert!(unpaid["terms"]["salt"].is_string());
    unpaid["terms"]["salt"] = never.clone().into();
    let file = paid.with_file_name(format!("{never}.json"));
    std::fs::write(&file, unpaid.to_string()).unwrap();
    miner.node.start();
    miner.node.ready().await;

    let resumed = alice.json(&["grant", "--resume"]);
    let error = resumed.assert_failure(10, "no_policy");
    assert_eq!(error["policy"], never.as_str());
    let name = paid.file_stem().unwrap().to_str().unwrap().to_owned();
    assert_eq!(resumed.text("policy"), name, "the other one is delivered");
    assert!(!file.exists(), "it is forgotten");
    let read = [
        "read",
        &path(&world, "file.kms"),
        "-o",
        &path(&world, "out"),
    ];
    bob.run(&read).assert_success();
    alice.run(&["grant", "--resume"]).assert_success();
}
