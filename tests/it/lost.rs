//! A machine that is lost, with a grant that was paid and not delivered: another one, made from the
//! 24 words alone, has every policy with its names and goes on with each.

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

/// The policies as `kms policies list` prints them, one JSON object each.
fn list(person: &Kms, more: &[&str]) -> Vec<Value> {
    let listed = person.json(&[&["policies", "list"], more].concat());
    let lines = listed.assert_success().stdout;
    let rows = lines.lines().map(serde_json::from_str);
    rows.collect::<Result<_, _>>().unwrap()
}

/// The names of the labels as `kms label list` prints them.
fn labels(person: &Kms, more: &[&str]) -> Vec<String> {
    let listed = person.json(&[&["label", "list"], more].concat());
    let lines = listed.assert_success().stdout;
    let name = |line: &str| serde_json::from_str::<Value>(line).unwrap()["label"].clone();
    let names = lines.lines().map(name);
    names
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

/// A reader whose card the owner has.
async fn reader(world: &World, alice: &Kms, name: &str) -> Kms {
    let person = world.person(name, 1).await;
    let made = person.json(&["card", "make", "--name", name]);
    let card = made.assert_success().text("card");
    alice.run(&["card", "add", &card]).assert_success();
    person
}

/// The arguments that grant a label to a reader through these miners, for 40 periods.
fn grant(label: &str, reader: &str, miners: &[&Miner]) -> Vec<String> {
    let quorum = format!("{0}/{0}", miners.len());
    let fixed = ["grant", label, "--to", reader, "--threshold", &quorum];
    let fixed = [&fixed[..], &["--periods", "40", "--rate", "0.1 KMS"]].concat();
    let mut args: Vec<String> = fixed.into_iter().map(str::to_owned).collect();
    for miner in miners {
        args.extend(["--miner".to_owned(), miner.address().to_string()]);
    }
    args
}

fn borrowed(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

/// Pays for a grant whose node is down, and dies while it waits for it.
async fn die_undelivered(alice: &Kms, args: &[String]) {
    let mut command = alice.command(&borrowed(args));
    let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = silent.spawn().unwrap();
    until("the payment", async || {
        let paid = list(alice, &[]).len() == 2;
        (paid && list(alice, &[])[0]["delivery"] == "paid").then_some(())
    })
    .await;
    running.kill().unwrap();
    running.wait().unwrap();
}

/// Another machine: a home made of the words.
fn restore(world: &World, words: &str) -> Kms {
    let elsewhere = Kms::at(&world.path("elsewhere"));
    let import = ["--import-seed", words];
    elsewhere.init(&world.deployment_file, &world.rpc_url, &import);
    elsewhere
}

fn encrypted(world: &World, alice: &Kms, label: &str, name: &str) -> String {
    alice.run(&["label", "new", label]).assert_success();
    std::fs::write(world.path("plain"), PLAIN).unwrap();
    let (from, to) = (path(world, "plain"), path(world, name));
    let args = ["encrypt", "-t", label, &from, "-o", &to];
    alice.run(&args).assert_success();
    to
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_machine_comes_back_from_its_seed_with_every_grant() {
    let world = World::new().await;
    let miners: [Miner; 3] = world.miners().await;
    let [first, second, third] = &miners;
    let alice = world.person("alice", 100).await;
    reader(&world, &alice, "bob").await;
    let carol = reader(&world, &alice, "carol").await;
    encrypted(&world, &alice, "films/demo", "one.kms");
    let file = encrypted(&world, &alice, "bücher/größe", "two.kms");
    world.devnet.set_mining(Mining::Every(1)).await.unwrap();
    let delivered = grant("films/demo", "bob", &[first, second]);
    alice.json(&borrowed(&delivered)).assert_success();
    third.node.kill();
    die_undelivered(&alice, &grant("bücher/größe", "carol", &[third])).await;
    let lost = list(&alice, &[]);
    let words = path(&world, "words");
    alice.run(&["key", "backup", "-o", &words]).assert_success();
    std::fs::remove_dir_all(world.path("alice")).unwrap();

    let alice = restore(&world, &words);
    let nameless = list(&alice, &[]);
    assert!(nameless.iter().all(|row| row["label"].is_null()));
    assert_eq!(labels(&alice, &[]), [""; 0]);
    assert_eq!(
        labels(&alice, &["--rebuild"]),
        ["bücher/größe", "films/demo"]
    );
    assert_eq!(list(&alice, &["--rebuild"]), lost);
    assert_eq!(list(&alice, &[]), lost);
    let (undelivered, other) = (id(&lost[0]), id(&lost[1]));

    // What was paid is delivered and read.
    third.node.start();
    third.node.ready().await;
    let resumed = alice.json(&["grant", "--resume"]).assert_success();
    assert_eq!(resumed.text("policy"), undelivered);
    let out = path(&world, "out");
    carol.run(&["read", &file, "-o", &out]).assert_success();
    assert_eq!(std::fs::read_to_string(&out).unwrap(), PLAIN);
    // Who holds a kfrag acknowledges the same one again.
    let again = alice.json(&["grant", "--resume", &other]).assert_success();
    let holding = again.field("delivered");
    assert_eq!(holding.as_array().map(Vec::len), Some(2), "{again:?}");

    // Every other verb goes on, too.
    let renewed = alice.json(&["renew", &undelivered, "--periods", "3"]);
    renewed.assert_success();
    third.node.kill();
    world.pass_periods(6).await;
    let refund = alice.json(&["refund", &undelivered]).assert_success();
    assert!(refund.amount("amount").0 > 0, "{refund:?}");
    let revoked = alice
        .json(&["revoke", "films/demo", "--to", "bob"])
        .assert_success();
    let refusing = revoked.field("refusing");
    assert_eq!(refusing.as_array().map(Vec::len), Some(2), "{revoked:?}");
}

fn id(row: &Value) -> String {
    row["policy"].as_str().unwrap().to_owned()
}
