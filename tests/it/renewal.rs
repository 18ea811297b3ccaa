//! A grant is renewed in one transaction, and a miner that asks for more holds nobody back: it is
//! named before anything is sent, and the grant goes on without it on demand.

use kms_chain::Call;
use kms_chain::devnet::Mining;
use kms_kit::kms::Kms;
use kms_protocol::{Address, Amount, PolicyId};

use crate::harness::world::{Miner, World};

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

/// The word that the token answers when it is asked what PolicyManager may take of an account.
async fn allowance(world: &World, of: Address) -> Amount {
    let policies = world.deployment.contracts.policies.address;
    let word = |address: Address| format!("{:0>64}", hex::encode(address.0));
    let call = serde_json::json!({
        "to": world.deployment.contracts.token.address,
        "data": format!("0xdd62ed3e{}{}", word(of), word(policies)),
    });
    let answer: String = world
        .devnet
        .rpc()
        .request("eth_call", &(call, "latest"))
        .await
        .unwrap();
    Amount(u128::from_str_radix(answer.trim_start_matches("0x"), 16).unwrap())
}

async fn last_of(world: &World, policy: PolicyId) -> u32 {
    let state = world.chain.policy_state(policy).await.unwrap();
    state.unwrap().effective_last.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miner_that_asks_for_more_is_named_and_left_out() {
    let world = World::new().await;
    let miners: [Miner; 3] = world.miners().await;
    let alice = world.person("alice", 100).await;
    let bob = world.person("bob", 100).await;
    world.devnet.set_mining(Mining::Every(1)).await.unwrap();
    let policy = tokio::task::block_in_place(|| share(&world, &alice, &bob));
    let id: PolicyId = policy.parse().unwrap();
    let shown = alice.json(&["key", "show", "wallet"]).assert_success();
    let wallet = shown.address("public");
    assert_eq!(
        allowance(&world, wallet).await,
        Amount::ZERO,
        "of the grant"
    );

    let rate = "0.2 KMS".parse().unwrap();
    let dear = miners[1].address();
    world
        .send(&miners[1].owner, Call::SetMinRate { rate })
        .await;
    let before = last_of(&world, id).await;
    let (nonce, balance) = standing(&world, wallet).await;
    let renew = ["renew", &policy, "--periods", "7"];
    for more in [&["--dry-run"][..], &[]] {
        let error = alice.json(&[&renew[..], more].concat());
        let error = error.assert_failure(13, "renewal_refused");
        let nodes = error["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), 1, "{error}");
        assert_eq!(nodes[0]["addr"], dear.to_string());
        assert_eq!(nodes[0]["code"], "rate_too_low");
        let detail = nodes[0]["detail"].as_str().unwrap();
        assert!(
            detail.contains("0.2 KMS") && detail.contains("0.1 KMS"),
            "{detail}"
        );
    }
    assert_eq!(
        standing(&world, wallet).await,
        (nonce, balance),
        "nothing was sent"
    );
    assert_eq!(allowance(&world, wallet).await, Amount::ZERO);

    let without = [&renew[..], &["--without-unwilling"]].concat();
    let renewed = alice.json(&without).assert_success();
    assert_eq!(renewed.field("left_out")[0], dear.to_string());
    assert_eq!(last_of(&world, id).await, before + 7);
    assert_eq!(
        standing(&world, wallet).await.0,
        nonce + 1,
        "one transaction"
    );
    assert_eq!(allowance(&world, wallet).await, Amount::ZERO);
    let shown = alice.json(&["policies", "show", &policy]).assert_success();
    assert_eq!(shown.field("revoked_miners")[0], dear.to_string());

    miners[1].node.kill();
    reads_on(&world, &bob);

    // With one more that asks for more, too few would be left.
    world
        .send(&miners[0].owner, Call::SetMinRate { rate })
        .await;
    alice.json(&without).assert_failure(13, "renewal_refused");
    assert_eq!(last_of(&world, id).await, before + 7);
}

/// The reader reads on with the two miners that stay, without the third.
fn reads_on(world: &World, bob: &Kms) {
    let (file, out) = (path(world, "file.kms"), path(world, "out"));
    bob.run(&["read", &file, "-o", &out]).assert_success();
    let plain = std::fs::read_to_string(world.path("out")).unwrap();
    assert_eq!(plain, "to be shared");
}

/// Transactions and tokens of an account.
async fn standing(world: &World, account: Address) -> (u64, Amount) {
    let nonce = world.chain.nonce(account, kms_chain::Tag::Latest).await;
    let tokens = world.chain.token_balance(account).await;
    (nonce.unwrap(), tokens.unwrap())
}
