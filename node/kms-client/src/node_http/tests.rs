use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::ready;
use kms_protocol::{Address, B256, Domain, Period, PolicyId};

use super::*;
use crate::line::{Moment, Peer};
use crate::testkit::{Habit, TestNode};

const MOMENT: Moment = Moment {
    domain: Domain::node(31337, Address([0xa4; 20])),
    time: 100,
    period: Period(10),
};

async fn node() -> TestNode {
    let clock = || ready(MOMENT.period).boxed();
    TestNode::start(Address([1; 20]), MOMENT.domain, Arc::new(clock)).await
}

fn nodes(limits: NodeLimits) -> HttpNodes {
    HttpNodes::new(AddressRule::AnyAddress, limits).unwrap()
}

async fn ask(nodes: &HttpNodes, url: NodeUrl, worker: Address) -> AskError {
    let peer = Peer {
        miner: Address([1; 20]),
        worker,
        url,
    };
    let policy = PolicyId(B256([1; 32]));
    let asked = nodes.policy_status(&peer, &MOMENT, policy).await;
    asked.unwrap_err()
}

async fn asked(habit: Habit, limits: NodeLimits) -> AskError {
    let node = node().await;
    node.set(habit);
    let nodes = nodes(limits);
    let url = nodes.parse_url(&node.url).unwrap();
    ask(&nodes, url, node.worker()).await
}

#[tokio::test]
async fn hostile_answers_are_errors_with_their_code() {
    let usual = NodeLimits::default();
    let quick = NodeLimits {
        request_timeout_ms: 100,
        ..usual
    };
    let cases = [
        (Habit::Oversize, usual, "too_large_reply"),
        (Habit::Redirects, usual, "redirected"),
        (Habit::Encodes, usual, "bad_reply"),
        (Habit::Garbage, usual, "bad_reply"),
        (Habit::Hangs, quick, "timeout"),
        (Habit::Refuses(Refusal::Internal), usual, "internal"),
        (
            Habit::RefusesInClear(Refusal::Internal),
            usual,
            "unsigned_refusal",
        ),
        (Habit::WrongSigner, usual, "bad_signature"),
        (Habit::WrongCertificate, usual, "bad_certificate"),
    ];
    for (habit, limits, code) in cases {
        assert_eq!(asked(habit.clone(), limits).await.code(), code, "{habit:?}");
    }
}

#[tokio::test]
async fn a_dead_node_is_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let nodes = nodes(NodeLimits::default());
    let url = nodes.parse_url(&url).unwrap();
    let error = ask(&nodes, url, Address([2; 20])).await;
    assert_eq!(error.code(), "unreachable");
    assert!(error.detail().len() <= 800);
}

#[tokio::test]
async fn a_name_of_an_inner_address_is_not_called_off_a_local_chain() {
    let node = node().await;
    let port = node.url.rsplit(':').next().unwrap();
    let nodes = HttpNodes::new(AddressRule::PublicOnly, NodeLimits::default()).unwrap();
    assert!(nodes.parse_url(&node.url).is_err());
    // As if a public name had been rebound: the rule holds again after resolution.
    let url = NodeUrl::parse(&format!("http://localhost:{port}"), AddressRule::AnyAddress).unwrap();
    let error = ask(&nodes, url, node.worker()).await;
    assert_eq!(error.code(), "unreachable");
}
