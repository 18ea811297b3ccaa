//! The whole way through the command line, as one owner, one reader and three miners go it.

use serde_json::Value;

use crate::harness::world::{Miner, World};
use kms_kit::kms::{Kms, Output};

const PLAIN: &str = "what is to be shared";

fn path(world: &World, name: &str) -> String {
    world.path(name).display().to_string()
}

/// The reader's card is with the owner, the file is encrypted, the grant is paid and delivered.
/// Returns the policy's id.
fn grant(world: &World, alice: &Kms, bob: &Kms) -> String {
    std::fs::write(world.path("plain"), PLAIN).unwrap();
    alice.run(&["label", "new", "things"]).assert_success();
    let (from, to) = (path(world, "plain"), path(world, "file.kms"));
    alice
        .run(&["encrypt", "-t", "things", &from, "-o", &to])
        .assert_success();
    let card = bob
        .json(&["card", "make", "--name", "bob"])
        .assert_success()
        .text("card");
    alice.run(&["card", "add", &card]).assert_success();
    let terms = [
        "grant",
        "things",
        "--to",
        "bob",
        "--threshold",
        "2/3",
        "--periods",
        "5",
    ];
    let terms = [&terms[..], &["--rate", "0.1 KMS"]].concat();
    let quote = alice
        .json(&[&terms[..], &["--dry-run"]].concat())
        .assert_success();
    assert_eq!(
        quote.text("price"),
        (5 * 3 * 100_000_000_000_000_000_u128).to_string()
    );
    alice.json(&terms).assert_success().text("policy")
}

/// One of three nodes down: two are enough. Two down: each miner's reason is told, and what stood
/// at the output stays. Back again: the reader reads.
async fn outage(world: &World, bob: &Kms, miners: &[Miner; 3]) {
    let read = ["read", &path(world, "file.kms"), "-o", &path(world, "out")];
    miners[0].node.kill();
    bob.run(&read).assert_success();
    miners[1].node.kill();
    std::fs::write(world.path("out"), "old").unwrap();
    let error = bob.json(&read).assert_failure(13, "threshold_not_met");
    let named: Vec<&str> = error["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|n| n["addr"].as_str())
        .collect();
    for miner in &miners[..2] {
        assert!(
            named.contains(&miner.address().to_string().as_str()),
            "{error}"
        );
    }
    assert_eq!(std::fs::read_to_string(world.path("out")).unwrap(), "old");
    for miner in &miners[..2] {
        miner.node.start();
        miner.node.ready().await;
    }
    bob.run(&read).assert_success();
}

/// Every miner has signed that the very kfrag it acknowledged is erased, and the home keeps that.
fn receipts(alice: &Kms, policy: &str, revoked: &Output, miners: &[Miner; 3]) {
    let erased = revoked.field("erased");
    let erased = erased.as_array().unwrap();
    assert_eq!(erased.len(), 3, "{revoked:?}");
    for (miner, receipt) in miners.iter().zip(erased) {
        assert_eq!(receipt["miner"], miner.address().to_string());
        assert_eq!(
            (&receipt["policy_id"], &receipt["compared"]),
            (&policy.into(), &true.into())
        );
    }
    assert_eq!(revoked.field("pending"), Value::Array(Vec::new()));
    let shown = alice.json(&["policies", "show", policy]).assert_success();
    let nodes = shown.field("nodes");
    for (node, receipt) in nodes.as_array().unwrap().iter().zip(erased) {
        assert_eq!(node["erasure"]["signature"], receipt["signature"]);
    }
    let again = alice
        .run(&["revoke", "things", "--to", "bob"])
        .assert_success();
    assert!(
        again.stdout.contains("had been revoked before"),
        "{again:?}"
    );
    assert!(again.stdout.contains("3 have signed"), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_shares_a_reader_reads_a_revocation_ends_it_and_the_owner_still_decrypts() {
    let world = World::new().await;
    let miners: [Miner; 3] = world.miners().await;
    let alice = world.person("alice", 100).await;
    let bob = world.person("bob", 1).await;
    // The chain goes on by itself, so that payments are confirmed while the owner waits.
    world
        .devnet
        .set_mining(kms_chain::devnet::Mining::Every(1))
        .await
        .unwrap();
    let policy = tokio::task::block_in_place(|| grant(&world, &alice, &bob));
    let read = [
        "read",
        &path(&world, "file.kms"),
        "-o",
        &path(&world, "out"),
    ];
    bob.run(&read).assert_success();
    assert_eq!(std::fs::read_to_string(world.path("out")).unwrap(), PLAIN);

    outage(&world, &bob, &miners).await;

    let listed = alice.json(&["policies", "list"]).assert_success();
    assert_eq!(listed.text("policy"), policy);
    let revoked = alice
        .json(&["revoke", "things", "--to", "bob"])
        .assert_success();
    assert_eq!(
        revoked.field("refusing").as_array().map(Vec::len),
        Some(3),
        "{revoked:?}"
    );
    receipts(&alice, &policy, &revoked, &miners);
    let error: Value = bob.json(&read).assert_failure(12, "policy_revoked");
    assert_eq!(error["policy"], policy.as_str());

    drop(miners);
    let own = [
        "decrypt",
        &path(&world, "file.kms"),
        "-o",
        &path(&world, "own"),
    ];
    alice.run(&own).assert_success();
    assert_eq!(std::fs::read_to_string(world.path("own")).unwrap(), PLAIN);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_without_a_grant_is_told_so() {
    let world = World::new().await;
    let alice = world.person("alice", 1).await;
    let bob = world.person("bob", 1).await;
    std::fs::write(world.path("plain"), PLAIN).unwrap();
    alice.run(&["label", "new", "things"]).assert_success();
    let (from, to) = (path(&world, "plain"), path(&world, "file.kms"));
    alice
        .run(&["encrypt", "-t", "things", &from, "-o", &to])
        .assert_success();
    let read = bob.json(&["read", &to, "-o", &path(&world, "out")]);
    read.assert_failure(10, "no_policy");
    assert!(!world.path("out").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miner_stakes_shows_and_unbonds_through_the_command_line() {
    let world = World::new().await;
    let miner = world.person("miner", 2_000).await;
    let amount = ["--amount", "1000 KMS", "--periods", "12"];
    miner
        .json(&[&["stake", "create"], &amount[..]].concat())
        .assert_success();
    let status = miner.json(&["stake", "status"]).assert_success();
    assert_eq!(status.text("locked"), (1_000 * 10_u128.pow(18)).to_string());
    let bond = ["worker", "bond"];
    miner.json(&bond).assert_failure(3, "node_missing");
    let url = ["--public-url", "http://127.0.0.1:1"];
    let made = miner.json(&[&["node", "init"], &url[..]].concat());
    let made = made.assert_success();
    let (worker, consent) = (made.text("worker"), made.text("consent"));
    // The consent names one miner: it is of no use to whoever else sees it.
    let thief = world.person("thief", 2_000).await;
    let other = thief.json(&["worker", "bond", &consent]);
    other.assert_failure(2, "consent_for_another");
    let again = miner.json(&["node", "consent"]).assert_success();
    assert_eq!(again.text("worker"), worker);
    let dry = miner.json(&["worker", "bond", &again.text("consent"), "--dry-run"]);
    dry.assert_success();
    miner.json(&bond).assert_success();
    let shown = miner.json(&["worker", "show"]).assert_success();
    assert_eq!(shown.text("worker"), worker);
    miner
        .json(&["stake", "unbond", "--amount", "400 KMS"])
        .assert_success();
    let status = miner.json(&["stake", "status"]).assert_success();
    assert_eq!(
        status.text("unbonding"),
        (400 * 10_u128.pow(18)).to_string()
    );
    let early = miner
        .json(&["stake", "withdraw"])
        .assert_failure(31, "tx_reverted");
    assert!(
        early.to_string().contains("EscrowNothingToWithdraw"),
        "{early}"
    );
    world.pass_periods(14).await;
    miner.json(&["stake", "withdraw"]).assert_success();
    let wallet = status.text("miner").parse().unwrap();
    let balance = world.chain.token_balance(wallet).await.unwrap();
    assert_eq!(balance, kms_protocol::Amount::from_kms(1_400).unwrap());
}
