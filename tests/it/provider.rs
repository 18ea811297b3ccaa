//! A node on the chain as bad providers serve it. The faults are those of the kit, by name.

use kms_kit::faults::{Fault, FaultProxy};
use kms_kit::kms::Kms;
use kms_kit::wait::until;
use kms_protocol::messages::KfragState;
use kms_protocol::{Amount, Refusal};

use crate::harness::grant::Grant;
use crate::harness::world::{Miner, World};

/// A miner with a fragment, whose node reaches the chain by these URLs.
async fn serving(world: &World, urls: &str) -> (Miner, Grant) {
    let miner = world.stopped_miner("node").await;
    miner.node.reach_chain_by(urls);
    world.at_work(&miner).await;
    let grant = Grant::prepare(world, &[miner.address()], 1).await;
    grant.complete(world, std::slice::from_ref(&miner)).await;
    grant.ask(world, &miner).await.unwrap();
    (miner, grant)
}

async fn refuses(miner: &Miner, grant: &Grant, code: Refusal) {
    until("a refusal", async || {
        (miner.node.refusal(grant.id()).await == Some(code)).then_some(())
    })
    .await;
}

async fn serves_again(world: &World, miner: &Miner, grant: &Grant) {
    until("the node to serve again", async || {
        miner.node.refusal(grant.id()).await.is_none().then_some(())
    })
    .await;
    let frag = grant.ask(world, miner).await.unwrap();
    assert!(grant.opens(&[frag]), "the fragment was lost on the way");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_whose_block_times_are_not_of_its_hashes_is_passed_over() {
    let world = World::new().await;
    let proxy = FaultProxy::start(&world.rpc_url).await;
    let urls = format!("{},{}", proxy.url, world.rpc_url);
    let (miner, grant) = serving(&world, &urls).await;
    proxy.set("times=100000000").await;
    for _ in 0..3 {
        world.mine(1).await;
        miner.node.sees(world.head().await.number).await;
        grant.ask(&world, &miner).await.unwrap();
    }
    assert!(miner.node.is_ready().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn block_times_that_the_only_endpoint_shows_wrong_erase_nothing() {
    let world = World::new().await;
    let proxy = FaultProxy::start(&world.rpc_url).await;
    let (miner, grant) = serving(&world, &proxy.url).await;
    proxy.set("times=100000000").await;
    let told = until("the node to tell", async || {
        miner.node.complaint("rpc").await
    })
    .await;
    assert!(told.contains("not that of its header"), "{told}");
    let status = miner.node.status(grant.id()).await;
    assert_eq!(status.kfrag, KfragState::Stored);
    proxy.set("none").await;
    serves_again(&world, &miner, &grant).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_leaves_logs_out_hides_no_revocation() {
    let world = World::new().await;
    let proxy = FaultProxy::start(&world.rpc_url).await;
    let urls = format!("{},{}", proxy.url, world.rpc_url);
    let (miner, grant) = serving(&world, &urls).await;
    proxy.set("no-logs").await;
    let terms = grant.terms.clone();
    let call = kms_chain::Call::RevokePolicy { terms };
    world.send(&grant.sponsor, call).await;
    let head = world.head().await.number;
    miner.node.sees(head).await;
    // As soon as the block is known, so is the event.
    let refusal = miner.node.refusal(grant.id()).await;
    assert_eq!(refusal, Some(Refusal::PolicyRevoked));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_two_endpoints_show_erases() {
    let world = World::new().await;
    let proxy = FaultProxy::start(&world.rpc_url).await;
    let urls = format!("{},{}", proxy.url, world.rpc_url);
    let (miner, grant) = serving(&world, &urls).await;
    let terms = grant.terms.clone();
    let call = kms_chain::Call::RevokePolicy { terms };
    world.send(&grant.sponsor, call).await;
    world.mine(2).await;
    until("the erasure", async || {
        let status = miner.node.status(grant.id()).await;
        (status.kfrag == KfragState::Erased).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_endpoint_that_answers_with_errors_or_not_at_all_is_passed_over() {
    let world = World::new().await;
    let proxy = FaultProxy::start(&world.rpc_url).await;
    let urls = format!("{},{}", proxy.url, world.rpc_url);
    let (miner, grant) = serving(&world, &urls).await;
    for fault in ["error", "limited", "garbage", "silent"] {
        proxy.set(fault).await;
        world.mine(1).await;
        miner.node.sees(world.head().await.number).await;
        grant.ask(&world, &miner).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_starts_beside_an_endpoint_of_another_chain() {
    let world = World::new().await;
    let proxy = FaultProxy::start(&world.rpc_url).await;
    proxy.set("other-chain").await;
    let urls = format!("{},{}", proxy.url, world.rpc_url);
    let (miner, grant) = serving(&world, &urls).await;
    grant.ask(&world, &miner).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_comes_late_stakes_once() {
    let world = World::new().await;
    let proxy = FaultProxy::start(&world.rpc_url).await;
    let person = Kms::at(&world.path("late"));
    let wallet = person.init(&world.deployment_file, &proxy.url, &[]);
    world.fund(wallet, 5_000).await;
    proxy.set("no-receipts").await;
    let args = [
        "stake",
        "create",
        "--amount",
        "1000 KMS",
        "--periods",
        "100",
    ];
    let staking = tokio::task::spawn_blocking(move || person.json(&args));
    let stake = Amount::from_kms(1_000).unwrap();
    let locked = async || world.chain.position(wallet).await.unwrap().locked;
    until("the stake", async || {
        (locked().await == stake).then_some(())
    })
    .await;
    let before = proxy.asked("eth_getTransactionReceipt");
    until("a few looks", async || {
        let looks = proxy.asked("eth_getTransactionReceipt") - before;
        (looks > 12).then_some(())
    })
    .await;
    proxy.set("none").await;
    staking.await.unwrap().assert_success();
    assert_eq!(locked().await, stake, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_that_goes_back_sends_nothing_again() {
    let world = World::new().await;
    let proxy = FaultProxy::start(&world.rpc_url).await;
    let (miner, _) = serving(&world, &proxy.url).await;
    world.mine(3).await;
    miner.node.decides(world.head().await.number).await;
    let before = proxy.asked("eth_sendRawTransaction");
    proxy.set("nonce=-3").await;
    for _ in 0..3 {
        world.mine(1).await;
        miner.node.decides(world.head().await.number).await;
    }
    assert_eq!(proxy.asked("eth_sendRawTransaction"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_endpoint_that_stands_still_hides_no_revocation() {
    let world = World::new().await;
    let proxy = FaultProxy::start(&world.rpc_url).await;
    let urls = format!("{},{}", proxy.url, world.rpc_url);
    let (miner, grant) = serving(&world, &urls).await;
    proxy.set("frozen").await;
    let terms = grant.terms.clone();
    let call = kms_chain::Call::RevokePolicy { terms };
    world.send(&grant.sponsor, call).await;
    // Far behind by number and by time.
    world.devnet.advance(61).await.unwrap();
    world.mine(10).await;
    refuses(&miner, &grant, Refusal::PolicyRevoked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_lacks_something_is_used_as_far_as_it_can_be() {
    let world = World::new().await;
    let proxy = FaultProxy::start(&world.rpc_url).await;
    for fault in Fault::POOR {
        proxy.set(fault).await;
        let miner = world.stopped_miner(fault).await;
        miner.node.reach_chain_by(&proxy.url);
        // It has registered itself, by a transaction of its own.
        world.at_work(&miner).await;
        miner.node.kill();
    }
}
