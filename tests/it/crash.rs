//! Nodes are killed between signing, broadcasting and answering, and start again.

use futures_util::FutureExt as _;
use kms_chain::ChainEvent;
use kms_protocol::messages::{Answer, Message};
use kms_protocol::{Destination, Refusal, keccak256};
use tokio::sync::mpsc;

use crate::harness::grant::Grant;
use crate::harness::proxy::{Proxy, Verdict};
use crate::harness::world::{Miner, World};
use kms_kit::wait::until;

/// The confirmations of a miner on chain, as (first, last) period.
async fn confirmations(world: &World, miner: &Miner) -> Vec<(u32, u32)> {
    let events = world.events().await.into_iter();
    events
        .filter_map(|record| match record.event {
            ChainEvent::ActivityConfirmed {
                miner: who,
                from_period,
                through_period,
                ..
            } => (who == miner.address()).then_some((from_period.0, through_period.0)),
            _ => None,
        })
        .collect()
}

/// A proxy of the chain that swallows broadcasts of activity confirmations and reports each.
async fn swallowing_proxy(world: &World) -> (Proxy, mpsc::UnboundedReceiver<String>) {
    let selector = hex::encode(&keccak256(b"confirmActivity(uint32)").0[..4]);
    let (sender, receiver) = mpsc::unbounded_channel();
    let proxy = Proxy::start(
        &world.rpc_url,
        move |exchange| {
            let body = String::from_utf8_lossy(&exchange.request).into_owned();
            let hit = body.contains("eth_sendRawTransaction") && body.contains(&selector);
            if hit {
                let _nobody_waits_any_more = sender.send(body);
            }
            async move { if hit { Verdict::Swallow } else { Verdict::Pass } }.boxed()
        },
        |_, _| {},
    )
    .await;
    (proxy, receiver)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_between_signing_and_broadcasting_confirms_exactly_once() {
    let world = World::new().await;
    let miner = world.stopped_miner("node").await;
    let (proxy, mut swallowed) = swallowing_proxy(&world).await;
    miner.node.reach_chain_by(&proxy.url);
    miner.node.start();
    // The bytes are signed and on their way; the chain never sees them.
    let signed = swallowed.recv().await.unwrap();
    miner.node.kill();
    assert_eq!(confirmations(&world, &miner).await, []);

    miner.node.reach_chain_by(&world.rpc_url);
    miner.node.start();
    until("the confirmation", async || {
        (!confirmations(&world, &miner).await.is_empty()).then_some(())
    })
    .await;
    miner.node.ready().await;
    // Time stands still, so there is nothing more to confirm, however long the node runs.
    world.mine(5).await;
    miner.node.sees(world.head().await.number).await;
    let period = world.period().await.0;
    let lease = world.chain.params().await.unwrap().max_lease_periods;
    assert_eq!(
        confirmations(&world, &miner).await,
        [(period + 1, period + lease)]
    );

    // It was the same transaction, not a second one.
    let events = world.events().await;
    let confirmed = events
        .iter()
        .find(|record| matches!(record.event, ChainEvent::ActivityConfirmed { .. }))
        .unwrap();
    assert_eq!(confirmed.tx_hash, keccak256(&raw_transaction(&signed)));
}

/// The bytes of an `eth_sendRawTransaction` request.
fn raw_transaction(body: &str) -> Vec<u8> {
    let request: serde_json::Value = serde_json::from_str(body).unwrap();
    let raw = request["params"][0].as_str().unwrap();
    hex::decode(raw.trim_start_matches("0x")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_restarted_on_its_data_serves_what_it_acknowledged() {
    let world = World::new().await;
    let [miner] = world.miners().await;
    let grant = Grant::prepare(&world, &[miner.address()], 1).await;
    grant.complete(&world, std::slice::from_ref(&miner)).await;
    // Killed right after the acknowledgement: what was not durable then is lost now.
    miner.node.kill();
    miner.node.start();
    miner.node.ready().await;
    let frag = grant.ask(&world, &miner).await.unwrap();
    assert!(grant.opens(&[frag]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_message_is_answered_once_and_never_after_a_restart() {
    let world = World::new().await;
    let [miner] = world.miners().await;
    let grant = Grant::prepare(&world, &[miner.address()], 1).await;
    grant.complete(&world, std::slice::from_ref(&miner)).await;
    let wire = miner.node.wire();
    let info = wire.info().await.unwrap();
    let destination = Destination {
        domain: &world.domain,
        miner: &miner.address(),
    };
    let request = grant.request(miner.address(), world.head().await.timestamp);
    let message = Message::Reencrypt(request);
    let (sealed, exchange) = message.seal(&info.transport.key, &destination).unwrap();
    let open = |reply: &[u8]| Answer::open(&destination, &exchange, &miner.worker, reply).unwrap();
    let first = wire.post(sealed.clone()).await.unwrap();
    assert!(matches!(open(&first), Answer::Fragments(_)));
    let second = wire.post(sealed.clone()).await.unwrap();
    let Answer::Refused(refused) = open(&second) else {
        panic!("it was answered again")
    };
    assert_eq!(refused.code, Refusal::Replay);
    miner.node.kill();
    miner.node.start();
    miner.node.ready().await;
    let unknown = wire.post(sealed).await.unwrap_err();
    assert_eq!(unknown.code, Refusal::TransportKeyUnknown);
    grant.ask(&world, &miner).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_data_is_refused() {
    let world = World::new().await;
    let [miner] = world.miners().await;
    let data_dir = world.path("node0").display().to_string();
    let second = kms_kit::kms::Kms::at(&world.path("node0-home"));
    let listen = format!("listen=127.0.0.1:{}", kms_kit::process::free_port());
    let output = second.json(&["node", "run", "--data-dir", &data_dir, "--set", &listen]);
    assert_ne!(output.code, 0, "{}", output.stdout);
    assert!(output.stderr.contains("already"), "{}", output.stderr);
    miner.node.ready().await;
}
