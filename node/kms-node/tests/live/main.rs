//! One node on a real chain: anvil, the deployed contracts, the public API of the crate, HTTP. What
//! the unit tests show on a chain in memory is shown here to hold against the contracts.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at once; helpers outside #[test] need this said"
)]

mod served;

use std::path::Path;
use std::time::Duration;

use kms_chain::devnet::Mining;
use kms_chain::{Call, ChainEvent, DeployParams};
use kms_kit::grant::{Grant, Offer};
use kms_kit::net::Net;
use kms_kit::wait::until;
use kms_node::NodeConfig;
use kms_protocol::messages::KfragState;
use kms_protocol::{Address, Amount, EthSecret, Period, PolicyId, Refusal};

use served::{Served, init_node};

/// A chain with a staked miner whose node is initialised, bonded and funded.
async fn staked(dir: &Path) -> (Net, NodeConfig, Address) {
    let params = DeployParams::local().unwrap();
    let net = Net::start(dir, Mining::Every(1), &params).await;
    let owner = EthSecret::random().unwrap();
    let (consent, config) = init_node(dir, &net, owner.address());
    net.stake(&owner, 1_000, consent).await;
    (net, config, consent.consent.worker)
}

/// Whether an event of this kind has happened.
async fn saw(net: &Net, wanted: impl Fn(&ChainEvent) -> bool) -> Option<()> {
    net.find(|event| wanted(&event).then_some(())).await
}

async fn registers_and_confirms(net: &Net, served: &Served, miner: Address) {
    let registered = async || {
        let info = net.chain.miner_info(&[miner]).await.unwrap().remove(0);
        (info.url == served.base).then_some(())
    };
    until("the node registers itself", registered).await;
    let leased = async || net.chain.lease_of(miner).await.unwrap().through;
    until("the node confirms its activity", leased).await;
}

async fn claims_and_collects(net: &Net, miner: Address, id: PolicyId) {
    let claimed = async || {
        saw(net, |event| match event {
            ChainEvent::RewardClaimed { miner: who, .. } => *who == miner,
            _ => false,
        })
        .await
    };
    until("the node claims its reward", claimed).await;
    let collected = async || {
        saw(net, |event| match event {
            ChainEvent::FeesCollected { policy_id, .. } => *policy_id == id,
            _ => false,
        })
        .await
    };
    until("the node collects its fees", collected).await;
}

/// Uploads, waits for service, and reads the message.
async fn serves(net: &Net, served: &Served, grant: &Grant) {
    let (wire, id) = (served.wire(), grant.id());
    let known = async || {
        let status = wire.status(id).await.ok()?;
        (status.refusal?.code != Refusal::PolicyUnknown).then_some(())
    };
    until("the node sees the policy", known).await;
    let info = wire.info().await.unwrap();
    let upload = grant.upload(info.miner);
    let ack = wire.hand_over(&upload).await.unwrap();
    ack.verify(&grant.domain, &upload, &info.miner, &info.worker)
        .unwrap();
    let serving = async || {
        let status = wire.status(id).await.ok()?;
        status.serving.then_some(())
    };
    until("the policy is confirmed and has started", serving).await;
    let request = grant.request(info.miner, net.head().await.timestamp);
    let reply = wire.reencrypt(&request).await.unwrap();
    assert!(grant.opens(&[grant.check(&request, &reply, info.worker)]));
}

async fn forgets(net: &Net, served: &Served, id: PolicyId, worker: Address) {
    let wire = served.wire();
    let refused = async || {
        let status = wire.status(id).await.ok()?;
        (status.refusal?.code == Refusal::PolicyRevoked).then_some(())
    };
    until("the node sees the revocation", refused).await;
    let erased = async || {
        let status = wire.status(id).await.ok()?;
        assert!(!status.serving);
        (status.kfrag == KfragState::Erased)
            .then_some(status.erasure)
            .flatten()
    };
    let receipt = until("the kfrag is erased", erased).await;
    receipt.verify(&net.domain, &worker).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_earns_serves_and_forgets_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let (net, config, worker) = staked(dir.path()).await;
    let (miner, alice) = (config.miner, net.account(1_000).await);
    let served = Served::start(config);
    until("ready", async || served.ready().await).await;
    registers_and_confirms(&net, &served, miner).await;
    let info = served.wire().info().await.unwrap();
    assert_eq!((info.miner, info.worker), (miner, worker));
    let now = net.chain.current_period().await.unwrap();
    let offer = Offer {
        author: alice.address(),
        rate: Amount::KMS,
        first: Period(now.0 + 1),
        last: Period(now.0 + 51),
        threshold: 1,
        miners: vec![miner],
    };
    let grant = Grant::new(net.domain, offer);
    let terms = grant.terms.clone();
    let memo = Vec::new();
    net.send(&alice, Call::CreatePolicyViaTransfer { terms, memo })
        .await;
    let id = grant.id();
    assert_eq!(id, grant.terms.id(info.chain_id, &info.policy_manager));
    serves(&net, &served, &grant).await;
    claims_and_collects(&net, miner, id).await;
    net.send(
        &alice,
        Call::RevokePolicy {
            terms: grant.terms.clone(),
        },
    )
    .await;
    forgets(&net, &served, id, worker).await;
    served.stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(60), served.task).await;
    ended.unwrap().unwrap().unwrap();
}
