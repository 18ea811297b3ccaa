//! One miner taken out of a grant: it refuses, the others go on, the reader reads as long as enough
//! are left, and is told so when they are not.

use kms_chain::Call;
use kms_chain::devnet::Mining;
use kms_protocol::Refusal;
use serde_json::Value;

use crate::harness::grant::Grant;
use crate::harness::world::{Miner, World};
use kms_kit::kms::Kms;
use kms_kit::wait::until;

fn revocation(grant: &Grant, miner: &Miner) -> Call {
    let (terms, miner) = (grant.terms.clone(), miner.address());
    Call::RevokeArrangement { terms, miner }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dismissed_miner_refuses_and_erases_and_the_others_serve() {
    let world = World::new().await;
    let [gone, one, two] = world.miners().await;
    let addresses = [&gone, &one, &two].map(Miner::address);
    let grant = Grant::prepare(&world, &addresses, 2).await;
    grant.pay(&world, &[&gone.node, &one.node, &two.node]).await;
    for miner in [&gone, &one, &two] {
        grant.hand_over(miner).await.unwrap();
    }
    grant.ask(&world, &gone).await.unwrap();

    let revoked = world.send(&grant.sponsor, revocation(&grant, &gone)).await;
    for miner in [&gone, &one, &two] {
        miner.node.sees(revoked.block_number).await;
    }
    let refused = grant.ask(&world, &gone).await.unwrap_err();
    assert_eq!(refused.code, Refusal::PolicyRevoked);
    let refused = grant.hand_over(&gone).await.unwrap_err();
    assert_eq!(refused.code, Refusal::PolicyRevoked);
    let frags = [
        grant.ask(&world, &one).await.unwrap(),
        grant.ask(&world, &two).await.unwrap(),
    ];
    assert!(grant.opens(&frags));
    let twice = world
        .refusal(&grant.sponsor, revocation(&grant, &gone))
        .await;
    assert_eq!(twice, "PolicyArrangementRevoked");
    let stranger = world.account(1).await;
    let foreign = world.refusal(&stranger, revocation(&grant, &one)).await;
    assert_eq!(foreign, "PolicyNotAuthor");

    world.mine(3).await;
    let erasure = until("the erasure", async || {
        gone.node.status(grant.id()).await.erasure
    })
    .await;
    erasure.verify(&world.domain, &gone.worker).unwrap();
    let status = one.node.status(grant.id()).await;
    assert!(status.serving && status.erasure.is_none());
}

fn path(world: &World, name: &str) -> String {
    world.path(name).display().to_string()
}

/// A file that Bob may read with two of three miners; the policy's id.
fn share(world: &World, alice: &Kms, bob: &Kms) -> String {
    let (plain, file) = (path(world, "plain"), path(world, "file.kms"));
    std::fs::write(&plain, "to be shared").unwrap();
    let card = bob.json(&["card", "make", "--name", "bob"]);
    let card = card.assert_success().text("card");
    alice.run(&["label", "new", "things"]).assert_success();
    let encrypt = ["encrypt", "-t", "things", &plain, "-o", &file];
    alice.run(&encrypt).assert_success();
    alice.run(&["card", "add", &card]).assert_success();
    let terms = ["--threshold", "2/3", "--periods", "5", "--rate", "0.1 KMS"];
    let granted = alice.json(&[&["grant", "things", "--to", "bob"], &terms[..]].concat());
    granted.assert_success().text("policy")
}

/// The addresses in a list of the output.
fn addresses(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|address| address.as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_dismisses_miners_one_by_one_and_the_reader_is_told_when_too_few_are_left() {
    let world = World::new().await;
    let miners: [Miner; 3] = world.miners().await;
    let alice = world.person("alice", 100).await;
    let bob = world.person("bob", 100).await;
    // The chain goes on by itself, so that payments are confirmed while the owner waits.
    world.devnet.set_mining(Mining::Every(1)).await.unwrap();
    let policy = tokio::task::block_in_place(|| share(&world, &alice, &bob));
    let read = [
        "read",
        &path(&world, "file.kms"),
        "-o",
        &path(&world, "out"),
    ];
    bob.run(&read).assert_success();

    let [first, second, third] = miners.each_ref().map(|miner| miner.address().to_string());
    let revoke = |miner: &str| alice.json(&["revoke", &policy, "--miner", miner]);
    let report = revoke(&first).assert_success();
    assert_eq!(addresses(&report.field("refusing")), [first.as_str()]);
    assert_eq!(report.field("erased")[0]["miner"], first, "{report:?}");
    assert_eq!(
        (report.field("left"), report.field("need")),
        (2.into(), 2.into())
    );
    assert_eq!(report.text("miner"), first);
    // Four periods of one miner to come, or all five if none has begun.
    assert_ne!(report.text("refund"), "0");
    let again = revoke(&first).assert_success();
    assert_eq!(again.field("tx_hash"), Value::Null);
    let unknown = alice.json(&["revoke", &policy, "--miner", &bob_wallet(&bob)]);
    unknown.assert_failure(3, "miner_unknown");

    std::fs::remove_file(world.path("out")).unwrap();
    bob.run(&read).assert_success();
    let plain = std::fs::read_to_string(world.path("out")).unwrap();
    assert_eq!(plain, "to be shared");
    let refusals = [
        miners[0].node.refusal(policy.parse().unwrap()).await,
        miners[1].node.refusal(policy.parse().unwrap()).await,
    ];
    assert_eq!(refusals, [Some(Refusal::PolicyRevoked), None]);
    let shown = alice.json(&["policies", "show", &policy]).assert_success();
    assert_eq!(addresses(&shown.field("revoked_miners")), [first.as_str()]);
    assert_eq!(
        (shown.text("standing"), shown.field("healthy")),
        ("active".to_owned(), 2.into())
    );
    let listed = alice.run(&["policies", "list"]).assert_success();
    assert!(
        listed.stdout.contains("1 of 3 miners revoked"),
        "{listed:?}"
    );

    let report = revoke(&third).assert_success();
    assert_eq!(
        (report.field("left"), report.field("need")),
        (1.into(), 2.into())
    );
    let error = bob.json(&read).assert_failure(12, "arrangements_revoked");
    assert_eq!(error["policy"], policy.as_str());
    assert_eq!(dismissed(&error), [first, third]);
    let renewal = alice.json(&["renew", &policy, "--periods", "1"]);
    renewal.assert_failure(12, "arrangements_revoked");

    revoke(&second).assert_success();
    let error = bob.json(&read).assert_failure(12, "policy_revoked");
    assert_eq!(error["policy"], policy.as_str());
}

/// The miners an error names as dismissed, and it names no others.
fn dismissed(error: &Value) -> Vec<String> {
    let nodes = error["nodes"].as_array().unwrap();
    let code = "arrangement_revoked";
    assert!(nodes.iter().all(|node| node["code"] == code), "{error}");
    let named = nodes.iter().map(|node| node["addr"].as_str().unwrap());
    named.map(str::to_owned).collect()
}

/// An address that no policy names.
fn bob_wallet(bob: &Kms) -> String {
    let shown = bob.json(&["key", "show", "wallet"]).assert_success();
    shown.text("public")
}
