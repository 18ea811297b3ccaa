//! A reader's home convicts a false miner by itself: it keeps what it was answered, shows what that
//! is worth, accuses and tells the verdict. An author's home has a silent miner fined.

use kms_chain::ChainEvent;
use kms_chain::devnet::Mining;
use kms_kit::kms::Kms;
use kms_protocol::{Address, Amount};
use serde_json::Value;

use crate::harness::false_node::{FalseNode, Manner};
use crate::harness::world::{Miner, World};

fn path(world: &World, name: &str) -> String {
    world.path(name).display().to_string()
}

/// Three files that Bob may read with both of these miners; the policy's id.
fn share(world: &World, alice: &Kms, bob: &Kms, miners: [Address; 2]) -> String {
    let card = bob.json(&["card", "make", "--name", "bob"]);
    let card = card.assert_success().text("card");
    alice.run(&["label", "new", "things"]).assert_success();
    let plain = path(world, "plain");
    std::fs::write(&plain, "to be shared").unwrap();
    for name in ["one.kms", "two.kms", "three.kms"] {
        let file = path(world, name);
        let encrypt = ["encrypt", "-t", "things", &plain, "-o", &file];
        alice.run(&encrypt).assert_success();
    }
    alice.run(&["card", "add", &card]).assert_success();
    let [one, two] = miners.map(|miner| miner.to_string());
    let miners = ["--threshold", "2/2", "--miner", &one, "--miner", &two];
    let terms = ["--periods", "5", "--rate", "0.1 KMS"];
    let all = [&["grant", "things", "--to", "bob"], &miners[..], &terms].concat();
    alice.json(&all).assert_success().text("policy")
}

fn rows(text: &str) -> Vec<Value> {
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

async fn locked(world: &World, miner: Address) -> Amount {
    world.chain.position(miner).await.unwrap().locked
}

/// Bob reads a file, and is told that the false node is at fault.
fn fails(world: &World, bob: &Kms, file: &str, at_fault: Address) {
    let (file, out) = (path(world, file), path(world, "out"));
    let error = bob.json(&["read", &file, "-o", &out]);
    let error = error.assert_failure(13, "threshold_not_met");
    assert_eq!(error["nodes"][0]["addr"], at_fault.to_string(), "{error}");
    assert_eq!(error["nodes"][0]["code"], "bad_fragment");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_convicts_a_false_miner_by_what_its_home_kept() {
    let world = World::new().await;
    let [honest] = world.miners().await;
    let bad = FalseNode::at_work(&world, "bad").await;
    let (alice, bob) = (
        world.person("alice", 100).await,
        world.person("bob", 1).await,
    );
    world.devnet.set_mining(Mining::Every(1)).await.unwrap();
    let miners = [honest.address(), bad.miner.address()];
    let policy = share(&world, &alice, &bob, miners);
    let culprit = bad.miner.address();

    // Nothing is kept while everybody answers well.
    let (file, out) = (path(&world, "one.kms"), path(&world, "out"));
    bob.run(&["read", &file, "-o", &out]).assert_success();
    let asked = bob.json(&["accuse", "--ask", &file]).assert_success();
    let conduct = rows(&asked.stdout);
    assert_eq!(conduct.len(), 2, "{asked:?}");
    assert!(
        conduct.iter().all(|row| row["conduct"] == "sound"),
        "{asked:?}"
    );
    assert_eq!(bob.json(&["accuse"]).assert_success().stdout, "");

    bad.answer(Manner::OfAnotherCapsule);
    fails(&world, &bob, "one.kms", culprit);
    fails(&world, &bob, "two.kms", culprit);
    fails(&world, &bob, "two.kms", culprit);
    // Dismissed, it goes on answering, as if nothing had happened.
    bad.answer(Manner::Well);
    let dismiss = [
        "revoke",
        &policy,
        "--miner",
        &culprit.to_string(),
        "--wait",
        "0",
    ];
    alice.run(&dismiss).assert_success();
    let grace = world.deployment.params.penalty.grace_seconds;
    world.devnet.advance(u64::from(grace) + 1).await.unwrap();
    let three = path(&world, "three.kms");
    let asked = bob.json(&["accuse", "--ask", &three]).assert_success();
    let found = rows(&asked.stdout);
    let found = found.iter().find(|row| row["miner"] == culprit.to_string());
    assert_eq!(found.unwrap()["conduct"]["kept"], "served_after_revocation");

    let kept = rows(&bob.json(&["accuse"]).assert_success().stdout);
    let offences: Vec<_> = kept
        .iter()
        .map(|row| row["offence"].as_str().unwrap())
        .collect();
    assert_eq!(
        offences,
        ["wrong fragment", "two answers", "served after revocation"]
    );
    assert!(kept.iter().all(|row| row["policy"] == policy.as_str()));
    let ids: Vec<_> = kept
        .iter()
        .map(|row| row["evidence"].as_str().unwrap())
        .collect();
    convict(&world, &bob, &ids, &bad.miner).await;
}

/// Rehearses, then accuses by each piece of evidence alone.
async fn convict(world: &World, bob: &Kms, ids: &[&str], culprit: &Miner) {
    let before = locked(world, culprit.address()).await;
    let dry = bob.json(&["accuse", "--all", "--dry-run"]).assert_success();
    let dry = rows(&dry.stdout);
    assert_eq!(dry.len(), 2 * ids.len(), "{dry:?}");
    let penalty: u128 = dry[0]["penalty"].as_str().unwrap().parse().unwrap();
    assert!(penalty > 0 && dry[1]["transactions"][0]["gas"].as_u64() > Some(50_000));
    assert_eq!(locked(world, culprit.address()).await, before);

    let finder = world.account(0).await.address();
    let to = finder.to_string();
    for (number, id) in ids.iter().enumerate() {
        let stake = locked(world, culprit.address()).await;
        let verdict = bob
            .json(&["accuse", id, "--reward-to", &to])
            .assert_success();
        let lost = verdict.amount("penalty");
        assert!(lost > Amount::ZERO, "{verdict:?}");
        assert_eq!(verdict.amount("locked"), stake.checked_sub(lost).unwrap());
        assert_eq!(
            locked(world, culprit.address()).await,
            verdict.amount("locked")
        );
        let offence = [1_u8, 3, 2][number];
        let told = |event| match event {
            ChainEvent::MinerConvicted { offence: told, .. } if told == offence => Some(()),
            _ => None,
        };
        assert!(world.find(told).await.is_some(), "{offence}");
        assert_ne!(verdict.field("suspended_through"), Value::Null);
        bob.json(&["accuse", id])
            .assert_failure(3, "evidence_unknown");
    }
    let paid = world.chain.token_balance(finder).await.unwrap();
    assert!(paid > Amount::ZERO);
    assert_eq!(bob.json(&["accuse"]).assert_success().stdout, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_author_has_a_silent_miner_fined_and_a_serving_one_answer() {
    let world = World::new().await;
    let [serving, silent] = world.miners().await;
    let (alice, bob) = (
        world.person("alice", 100).await,
        world.person("bob", 1).await,
    );
    world.devnet.set_mining(Mining::Every(1)).await.unwrap();
    let miners = [serving.address(), silent.address()];
    let policy = share(&world, &alice, &bob, miners);
    let (one, other) = (miners[0].to_string(), miners[1].to_string());
    // Miners are paid, and can be challenged, from the policy's first period on.
    world.pass_periods(1).await;
    for miner in [&serving, &silent] {
        miner.node.sees(world.head().await.number).await;
    }

    let ask = ["challenge", &policy, "--miner", &one];
    let dry = alice.json(&[&ask[..], &["--dry-run"]].concat());
    let dry = rows(&dry.assert_success().stdout);
    assert_eq!(dry[0]["state"], "unasked", "{dry:?}");
    assert_eq!(dry[1]["transactions"][1]["call"], "open_challenge");
    assert_eq!(dry[1]["transactions"][1]["gas"], Value::Null);
    let answered = alice.json(&[&ask[..], &["--wait", "300"]].concat());
    assert_eq!(answered.assert_success().text("outcome"), "answered");

    silent.node.kill();
    let ask = ["challenge", "things", "--to", "bob", "--miner", &other];
    let waiting = alice.json(&ask).assert_success();
    assert_eq!(waiting.text("outcome"), "waiting");
    let again = alice.json(&ask).assert_success();
    assert_eq!(
        again.field("deadline"),
        waiting.field("deadline"),
        "one challenge"
    );
    let window = world.deployment.params.challenge.window_seconds;
    world.devnet.advance(u64::from(window) + 1).await.unwrap();
    let before = locked(&world, silent.address()).await;
    let closed = alice.json(&ask).assert_success();
    assert_eq!(closed.text("outcome"), "silent", "{closed:?}");
    let left = before.checked_sub(closed.amount("penalty")).unwrap();
    assert!(left < before);
    assert_eq!(locked(&world, silent.address()).await, left);
    assert_ne!(closed.field("suspended_through"), Value::Null);

    let stranger = bob.json(&["challenge", &policy, "--miner", &other]);
    stranger.assert_failure(3, "not_granted_here");
    let nobody = Address([7; 20]).to_string();
    let unknown = alice.json(&["challenge", &policy, "--miner", &nobody]);
    unknown.assert_failure(3, "miner_unknown");
}
