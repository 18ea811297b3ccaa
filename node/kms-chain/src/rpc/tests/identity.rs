//! Endpoints that serve another chain, or part of this one.

use std::sync::Mutex;

use super::*;
use crate::contracts::Contract;
use crate::error::IdentityPart;
use crate::rpc::Identity;
use crate::test_support::{address, deployment, hash};

fn identified(urls: &[&str]) -> Rpc {
    Rpc::with_identity(&config(urls), deployment().identity()).unwrap()
}

#[tokio::test]
async fn uses_an_endpoint_only_after_it_proved_its_chain() {
    let server = Server::of_deployment(|_, _| Reply::Result(json!("0x5"))).await;
    let rpc = identified(&[&server.url]);
    assert_eq!(number(&rpc).await.unwrap(), "0x5");
    assert_eq!(number(&rpc).await.unwrap(), "0x5");
    assert_eq!(server.count("eth_chainId"), 1);
    assert_eq!(server.count("eth_getCode"), 8);
    assert!(rpc.health()[0].verified);
}

#[tokio::test]
async fn passes_over_an_endpoint_of_another_chain() {
    let foreign = Server::start(|_, _| Reply::Result(json!("0x1"))).await;
    let ours = Server::of_deployment(|_, _| Reply::Result(json!("0x5"))).await;
    let rpc = identified(&[&foreign.url, &ours.url]);
    assert_eq!(number(&rpc).await.unwrap(), "0x5");
    assert_eq!(foreign.count("eth_blockNumber"), 0);
    rpc.verify_all().await.unwrap();
    let alone = identified(&[&foreign.url]).verify_all().await;
    assert!(matches!(alone, Err(ChainError::WrongChain { .. })));
}

#[tokio::test]
async fn names_what_differs_and_does_not_ask_on() {
    let identity = |code| Identity {
        chain_id: 31_337,
        genesis_hash: hash(0xee),
        code: vec![(Contract::Escrow, address(1), code)],
    };
    let server = Server::of_deployment(|_, _| Reply::Result(json!("0x5"))).await;
    let rpc = Rpc::with_identity(&config(&[&server.url]), identity(hash(7))).unwrap();
    for _ in 0..2 {
        match number(&rpc).await {
            Err(ChainError::WrongChain { part, expected, .. }) => {
                assert_eq!(
                    (part, expected),
                    (IdentityPart::Code(Contract::Escrow), hash(7).to_string())
                );
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(server.count("eth_blockNumber"), 0);
}

#[tokio::test]
async fn proves_an_endpoint_again_after_a_lost_connection() {
    let calls = std::sync::atomic::AtomicU32::new(0);
    let server = Server::of_deployment(move |_, _| {
        match calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            1 => Reply::Silence(FOREVER),
            _ => Reply::Result(json!("0x5")),
        }
    })
    .await;
    let rpc = identified(&[&server.url]);
    assert!(number(&rpc).await.is_ok());
    assert!(number(&rpc).await.is_err());
    assert!(!rpc.health()[0].verified);
    assert!(number(&rpc).await.is_ok());
    assert_eq!(server.count("eth_chainId"), 2);
}

#[tokio::test]
async fn an_endpoint_that_has_pruned_block_0_is_known_by_the_rest() {
    for pruned in [
        Reply::Result(Value::Null),
        Reply::Error(-32_000, "pruned history"),
    ] {
        let pruned = Mutex::new(Some(pruned));
        let server = Server::start(move |method, params| match (method, params[0].as_str()) {
            ("eth_chainId", _) => Reply::Result(json!("0x7a69")),
            ("eth_getCode", _) => Reply::Result(json!("0x")),
            ("eth_getBlockByNumber", Some("0x0")) => pruned.lock().unwrap().take().unwrap(),
            _ => Reply::Result(json!("0x5")),
        })
        .await;
        assert_eq!(number(&identified(&[&server.url])).await.unwrap(), "0x5");
    }
}
