//! What a home's account has sent and what waits, by `kms tx`, on a real chain.

use std::process::Stdio;

use kms_chain::devnet::Mining;
use kms_kit::kms::Kms;
use kms_kit::wait::until;
use kms_protocol::Amount;

use crate::harness::world::World;

const STAKE: [&str; 6] = [
    "stake",
    "create",
    "--amount",
    "1000 KMS",
    "--periods",
    "100",
];

/// A stake that no block takes, of a command that was killed while it waited; its nonce.
async fn stuck(person: &Kms) -> String {
    let mut command = person.command(&STAKE);
    let mut running = command.stdout(Stdio::null()).spawn().unwrap();
    let nonce = until("the transaction", async || {
        let listed = person.json(&["tx", "list"]);
        let line = listed.stdout.lines().next()?.to_owned();
        let row: serde_json::Value = serde_json::from_str(&line).unwrap();
        Some(row["nonce"].to_string())
    })
    .await;
    running.kill().unwrap();
    running.wait().unwrap();
    nonce
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_waits_is_shown_bumped_and_cancelled() {
    let world = World::new().await;
    let person = Kms::at(&world.path("staker"));
    let wallet = person.init(&world.deployment_file, &world.rpc_url, &[]);
    world.fund(wallet, 5_000).await;
    assert_eq!(person.json(&["tx", "list"]).stdout, "");
    for verb in ["show", "bump", "cancel"] {
        person
            .json(&["tx", verb, "7"])
            .assert_failure(3, "not_found");
    }
    world.devnet.set_mining(Mining::Manual).await.unwrap();
    let nonce = stuck(&person).await;
    let shown = person.json(&["tx", "show", &nonce]).assert_success();
    assert_eq!(shown.text("state"), "open");
    let first = shown.field("attempts")[0]["hash"]
        .as_str()
        .unwrap()
        .to_owned();
    let by_hash = person.json(&["tx", "show", &first]).assert_success();
    assert_eq!(by_hash.field("nonce").to_string(), nonce);
    let offer = person
        .json(&["tx", "bump", &nonce, "--dry-run"])
        .assert_success();
    let bumped = person.json(&["tx", "bump", &nonce]).assert_success();
    assert_eq!(bumped.text("max_fee"), offer.text("max_fee"));
    let cancelled = person.json(&["tx", "cancel", &nonce]).assert_success();
    assert_eq!(cancelled.text("call"), "cancel");
    let shown = person.json(&["tx", "show", &nonce]).assert_success();
    assert_eq!(shown.field("attempts").as_array().unwrap().len(), 3);
    world.devnet.set_mining(Mining::Auto).await.unwrap();
    world.mine(1).await;
    // The dearest was mined, and moved nothing: the same command stakes, once.
    let staker = person.clone();
    tokio::task::spawn_blocking(move || staker.json(&STAKE).assert_success())
        .await
        .unwrap();
    assert_eq!(person.json(&["tx", "list"]).stdout, "");
    let locked = world.chain.position(wallet).await.unwrap().locked;
    assert_eq!(locked, Amount::from_kms(1_000).unwrap());
}
