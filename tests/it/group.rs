//! A group through real miners: five people, one of whom joins with last week's history and one of
//! whom leaves; some hundred messages.

use kms_client::{
    Channel, Home, Network, Passphrase, PassphraseProvider, Reader, ReaderKey, Silent, Unlock,
    store_at,
};
use serde_json::Value;

use crate::harness::world::{Miner, World};
use kms_kit::kms::{Kms, PASSPHRASE};

struct Usual;

impl PassphraseProvider for Usual {
    fn passphrase(&self, _: Unlock) -> kms_client::Result<Passphrase> {
        Ok(Passphrase::new(PASSPHRASE.to_owned()))
    }
}

/// Somebody's card, under a name, in the admin's home.
fn introduce(alice: &Kms, person: &Kms, name: &str) {
    let made = person
        .json(&["card", "make", "--name", name])
        .assert_success();
    alice
        .run(&["card", "add", &made.text("card")])
        .assert_success();
}

fn texts(read: &kms_kit::kms::Output) -> Vec<String> {
    let lines = read
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .map(|line| {
            assert!(line.get("code").is_none(), "{line}");
            line["text"].as_str().unwrap().to_owned()
        })
        .collect()
}

fn read(person: &Kms) -> Vec<String> {
    texts(&person.json(&["group", "read", "team"]).assert_success())
}

fn add(alice: &Kms, members: &[&str], more: &[&str]) {
    let mut args = vec!["group", "add", "team"];
    members
        .iter()
        .for_each(|member| args.extend(["--member", member]));
    args.extend(["--threshold", "2/3", "--periods", "5", "--rate", "0.1 KMS"]);
    args.extend(more);
    let changed = alice.json(&args).assert_success();
    let paid = changed.field("transactions");
    assert_eq!(paid.as_array().unwrap().len(), 1, "{paid}");
}

/// Posts through the library, which opens the group once: by one request to the miners.
async fn chatter(kms: &Kms, count: usize) {
    let home = Home::open(kms.home()).unwrap();
    let entry = home.group("team").unwrap();
    let keys = [home.unlock_readers(&Usual).unwrap().key(0).unwrap()];
    let network = Network::connect(home.config()).await.unwrap();
    let keys: &[ReaderKey] = &keys;
    let reader = Reader::new(keys, &network, network.nodes());
    let store = store_at(&entry.store).unwrap();
    let opened = Channel::open(&entry.line, &*store, entry.seen, &reader, &Silent).await;
    let mut channel = opened.unwrap();
    channel.read(&*store).await.unwrap();
    for number in 0..count {
        let text = format!("line {number}");
        channel.post(&*store, text.as_bytes(), 1).await.unwrap();
    }
}

fn join(person: &Kms, line: &str, store: &str) {
    let args = ["group", "join", line, "--store", store];
    person.run(&args).assert_success();
}

/// The same items in one file, which is passed on; then a message is held back, and missed.
fn passed_on(world: &World, carol: &Kms, line: &str, expected: &[String]) {
    let file = world.path("team.kmsg").display().to_string();
    carol
        .run(&["group", "sync", "team", &file])
        .assert_success();
    let passed_on = ["group", "join", line, "--store", &file, "--as", "copy"];
    carol.run(&passed_on).assert_success();
    let copy = carol.json(&["group", "read", "copy"]).assert_success();
    assert_eq!(texts(&copy), expected);
    let mailboxes = std::fs::read_dir(world.path("store/messages")).unwrap();
    let longest = mailboxes
        .map(|entry| entry.unwrap().path())
        .max_by_key(|path| std::fs::read_dir(path).unwrap().count());
    std::fs::remove_file(longest.unwrap().join(format!("{:016x}", 7))).unwrap();
    let missed = carol.json(&["group", "read", "team"]).assert_success();
    assert!(
        missed.stdout.contains("messages_missing"),
        "{}",
        missed.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_lets_people_in_with_history_and_takes_one_out() {
    let world = World::new().await;
    let _miners: [Miner; 3] = world.miners().await;
    world
        .devnet
        .set_mining(kms_chain::devnet::Mining::Every(1))
        .await
        .unwrap();
    let alice = world.person("alice", 500).await;
    let store = world.path("store").display().to_string();
    let made = alice.json(&[
        "group", "create", "team", "--store", &store, "--as", "alice",
    ]);
    let line = made.assert_success().text("line");
    let mut people = Vec::new();
    for name in ["bob", "carol", "dave", "erin"] {
        let person = world.person(name, 1).await;
        introduce(&alice, &person, name);
        join(&person, &line, &store);
        people.push(person);
    }
    let [bob, carol, dave, erin] = people.try_into().unwrap();

    alice
        .run(&["group", "post", "team", "before anybody"])
        .assert_success();
    add(&alice, &["bob", "carol", "erin"], &[]);
    let since = alice.json(&["group", "log", "team"]).assert_success();
    let epoch: Value = serde_json::from_str(since.stdout.lines().last().unwrap()).unwrap();
    let begins = epoch["begins"].as_u64().unwrap().to_string();
    bob.run(&["group", "post", "team", "hello"])
        .assert_success();
    chatter(&carol, 150).await;
    chatter(&bob, 150).await;
    assert_eq!(read(&erin).len(), 301);
    dave.json(&["group", "read", "team"])
        .assert_failure(10, "no_policy");

    // Dave joins with the history since the others joined.
    add(&alice, &["dave"], &["--since", &begins]);
    let daves = read(&dave);
    assert_eq!((daves.len(), daves[0].as_str()), (301, "hello"));
    dave.run(&["group", "post", "team", "caught up"])
        .assert_success();

    let removed = alice
        .json(&["group", "remove", "team", "--member", "erin"])
        .assert_success();
    assert_eq!(removed.field("revoked").as_array().unwrap().len(), 1);
    bob.run(&["group", "post", "team", "without erin"])
        .assert_success();
    erin.json(&["group", "read", "team"])
        .assert_failure(12, "policy_revoked");
    erin.json(&["group", "post", "team", "still here"])
        .assert_failure(12, "policy_revoked");
    let all = read(&alice);
    assert_eq!((all.len(), all[0].as_str()), (304, "before anybody"));
    for person in [&bob, &carol, &dave] {
        assert_eq!(read(person), all[1..]);
    }

    passed_on(&world, &carol, &line, &all[1..]);
}
