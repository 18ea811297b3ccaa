//! One node on a real chain: anvil, the deployed contracts, the public API of the crate, HTTP. What
//! the unit tests show on a chain in memory is shown here to hold against the contracts.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at once; helpers outside #[test] need this said"
)]

mod grant;
mod net;
mod served;

use std::path::Path;
use std::time::{Duration, Instant};

use kms_chain::devnet::account;
use kms_chain::{Call, ChainEvent};
use kms_node::NodeConfig;
use kms_protocol::messages::{
    KfragAck, KfragState, NodeInfo, PolicyStatus, ReencryptReply, ReplyExpectation,
};
use kms_protocol::{Address, EthSecret, Period, PolicyId, Refusal, Wei};

use grant::{Grant, MESSAGE};
use net::{Net, kms, until};
use served::{Served, init_node};

/// A chain with a staked miner whose node is initialised, bonded and funded.
async fn staked(dir: &Path) -> (Net, NodeConfig, Address) {
    let net = Net::start(dir).await;
    let (bank, owner) = (account(0).unwrap(), account(1).unwrap());
    let (worker, config) = init_node(dir, &net, owner.address());
    for to in [owner.address(), account(2).unwrap().address()] {
        net.send(
            &bank,
            Call::TransferToken {
                to,
                amount: kms(1_000),
            },
        )
        .await;
    }
    net.send(
        &bank,
        Call::TransferEth {
            to: worker,
            wei: Wei(10_u128.pow(18)),
        },
    )
    .await;
    let stake = Call::DepositViaTransfer {
        amount: kms(1_000),
        lock_periods: 1_000,
    };
    net.send(&owner, stake).await;
    net.send(
        &owner,
        Call::BondWorker {
            worker: Some(worker),
        },
    )
    .await;
    (net, config, worker)
}

async fn registers_and_confirms(net: &Net, served: &Served, miner: Address) {
    let registered = async || {
        let info = net.chain.miner_info(&[miner]).await.unwrap().remove(0);
        (info.url == served.base && info.umbral_key.is_some()).then_some(())
    };
    until("the node registers itself", registered).await;
    let leased = async || net.chain.lease_of(miner).await.unwrap().through;
    until("the node confirms its activity", leased).await;
}

async fn claims_and_collects(net: &Net, miner: Address, id: PolicyId) {
    let claimed = async || {
        net.saw(|event| match event {
            ChainEvent::RewardClaimed { miner: who, .. } => *who == miner,
            _ => false,
        })
        .await
    };
    until("the node claims its reward", claimed).await;
    let collected = async || {
        net.saw(|event| match event {
            ChainEvent::FeesCollected { policy_id, .. } => *policy_id == id,
            _ => false,
        })
        .await
    };
    until("the node collects its fees", collected).await;
}

/// What takes a body has version 2.
fn version_2(policy: &str, end: &str) -> String {
    format!("{}/{end}", policy.replacen("/v1/", "/v2/", 1))
}

/// Uploads, waits for service, and reads the message.
async fn serves(net: &Net, served: &Served, grant: &Grant, policy: &str) {
    let known = async || {
        let status: PolicyStatus = served.get(policy).await?;
        (status.refusal?.code != Refusal::PolicyUnknown).then_some(())
    };
    until("the node sees the policy", known).await;
    let info: NodeInfo = served.get("/v1/info").await.unwrap();
    let body = serde_json::to_string(&grant.upload).unwrap();
    let (status, ack): (u16, KfragAck) = served.post(&version_2(policy, "kfrag"), body).await;
    assert_eq!(status, 201);
    ack.verify(&net.domain(), &grant.upload, &info.miner, &info.worker)
        .unwrap();
    let serving = async || {
        let status: PolicyStatus = served.get(policy).await?;
        status.serving.then_some(())
    };
    until("the policy is confirmed and has started", serving).await;
    let info: NodeInfo = served.get("/v1/info").await.unwrap();
    let request = grant.request(net, &info);
    let body = serde_json::to_string(&request).unwrap();
    let (status, reply): (u16, ReencryptReply) =
        served.post(&version_2(policy, "reencrypt"), body).await;
    assert_eq!(status, 200);
    let requester = EthSecret::from_umbral(&grant.receiving).unwrap().address();
    let (worker, verifier) = (info.worker, grant.terms.verifier);
    let expected = ReplyExpectation {
        requester,
        worker,
        verifier,
    };
    reply.verify(&net.domain(), &request, &expected).unwrap();
    assert_eq!(grant.open(&reply), MESSAGE);
}

async fn forgets(net: &Net, served: &Served, policy: &str, worker: Address) {
    let revoked = Instant::now();
    let refused = async || {
        let status: PolicyStatus = served.get(policy).await?;
        (status.refusal?.code == Refusal::PolicyRevoked).then_some(())
    };
    until("the node sees the revocation", refused).await;
    assert!(
        revoked.elapsed() < Duration::from_secs(3),
        "one block and two seconds"
    );
    let erased = async || {
        let status: PolicyStatus = served.get(policy).await?;
        assert!(!status.serving);
        (status.kfrag == KfragState::Erased)
            .then_some(status.erasure)
            .flatten()
    };
    let receipt = until("the kfrag is erased", erased).await;
    receipt.verify(&net.domain(), &worker).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_earns_serves_and_forgets_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let (net, config, worker) = staked(dir.path()).await;
    let (miner, alice) = (config.miner, account(2).unwrap());
    let served = Served::start(config);
    until("ready", || served.ready()).await;
    registers_and_confirms(&net, &served, miner).await;
    let info: NodeInfo = served.get("/v1/info").await.unwrap();
    assert_eq!((info.miner, info.worker), (miner, worker));
    let now = net.chain.current_period().await.unwrap();
    let grant = grant::grant(&net, alice.address(), &info, Period(now.0 + 1));
    let terms = grant.terms.clone();
    net.send(&alice, Call::CreatePolicyViaTransfer { terms })
        .await;
    let id = grant.terms.id(info.chain_id, &info.policy_manager);
    let policy = format!("/v1/policies/{id}");
    serves(&net, &served, &grant, &policy).await;
    claims_and_collects(&net, miner, id).await;
    net.send(
        &alice,
        Call::RevokePolicy {
            terms: grant.terms.clone(),
        },
    )
    .await;
    forgets(&net, &served, &policy, worker).await;
    served.stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(10), served.task).await;
    ended.unwrap().unwrap().unwrap();
}
