use kms_protocol::keccak256;
use serde_json::Value;

use super::*;
use crate::rpc::RpcConfig;
use crate::test_support::{Reply, Server, block_json, deployment, hash};

fn wire(number: u64, shift: u64) -> Value {
    block_json(number, hash(4), 1_000 + number + shift)
}

fn header(number: u64) -> BlockHeader {
    let wire: WireHeader = serde_json::from_value(wire(number, 0)).unwrap();
    wire.parse().unwrap().0
}

/// An endpoint with the blocks up to `head`, of which those up to `last_final` are final, and whose
/// times are later by `shift` seconds.
async fn endpoint(head: u64, last_final: Option<u64>, shift: u64) -> Server {
    Server::of_deployment(move |_, params| {
        let number = match params[0].as_str().unwrap() {
            "latest" => Some(head),
            "finalized" => last_final,
            number => u64::from_str_radix(number.trim_start_matches("0x"), 16).ok(),
        };
        let Some(number) = number else {
            return Reply::Error(-32_602, "unknown block tag");
        };
        Reply::Result(if number <= head {
            wire(number, shift)
        } else {
            Value::Null
        })
    })
    .await
}

/// What is settled of the blocks 10 to 20, by these endpoints.
async fn settled(urls: &[&str]) -> Result<Option<u64>, ChainError> {
    let urls = urls.iter().map(|url| (*url).to_owned()).collect();
    let config = RpcConfig {
        timeout_ms: 30_000,
        ..RpcConfig::new(urls)
    };
    let chain = Chain::offline(&config, deployment()).unwrap();
    let headers: Vec<BlockHeader> = (10..=20).map(header).collect();
    let settled = chain.settled(&headers).await?;
    Ok(settled.map(|header| header.number))
}

#[tokio::test]
async fn one_endpoint_settles_only_what_is_final() {
    for (last_final, expected) in [(Some(9), None), (Some(10), Some(10)), (Some(17), Some(17))] {
        let only = endpoint(22, last_final, 0).await;
        assert_eq!(settled(&[&only.url]).await.unwrap(), expected);
    }
    // Without the tag, what has 64 blocks on top.
    let deep = endpoint(80, None, 0).await;
    assert_eq!(settled(&[&deep.url]).await.unwrap(), Some(16));
    let shallow = endpoint(70, None, 0).await;
    assert_eq!(settled(&[&shallow.url]).await.unwrap(), None);
}

#[tokio::test]
async fn a_block_that_is_shown_otherwise_than_before_is_not_settled() {
    let changed = endpoint(22, Some(20), 5).await;
    let refused = settled(&[&changed.url]).await.unwrap_err();
    assert_eq!(refused.code(), "endpoints_disagree");
}

#[tokio::test]
async fn two_endpoints_settle_what_both_have() {
    let (first, second) = (endpoint(22, None, 0).await, endpoint(15, None, 0).await);
    let both = settled(&[&first.url, &second.url]).await;
    assert_eq!(both.unwrap(), Some(15));
    let behind = endpoint(9, None, 0).await;
    let both = settled(&[&first.url, &behind.url]).await;
    assert_eq!(both.unwrap(), None);
}

#[tokio::test]
async fn two_endpoints_of_which_one_is_down_settle_nothing() {
    let alive = endpoint(22, Some(22), 0).await;
    let down = Server::start(|_, _| Reply::Error(-32_000, "header not found")).await;
    assert_eq!(settled(&[&alive.url, &down.url]).await.unwrap(), None);
}

#[tokio::test]
async fn an_endpoint_that_contradicts_two_others_is_named() {
    let (first, second) = (endpoint(22, None, 0).await, endpoint(22, None, 0).await);
    let liar = endpoint(22, None, 9).await;
    let refused = settled(&[&first.url, &liar.url, &second.url]).await;
    let liar = liar.url.trim_start_matches("http://").to_owned();
    match refused {
        Err(ChainError::Disagreement { endpoint, number }) => {
            assert_eq!((endpoint, number), (liar, 20));
        }
        other => panic!("{other:?}"),
    }
}

/// An endpoint in whose contracts, in period 9, a policy has this existence and last paid period.
async fn contracts(exists: u8, last: u32) -> Server {
    Server::of_deployment(move |_, params| {
        let data = params[0]["data"].as_str().unwrap();
        Reply::Result(match data.len() {
            10 => json!(format!("0x{:064x}", 9)),
            74 => json!(format!("0x{exists:064x}{:064x}{last:064x}{:064x}", 0, 0)),
            _ => panic!("terms that nobody has are asked for: {data}"),
        })
    })
    .await
}

#[tokio::test]
async fn without_terms_each_endpoint_must_say_that_the_policy_is_over() {
    let miner = Address([7; 20]);
    let id = PolicyId(keccak256(b"policy"));
    for (first, second, over) in [
        ((1, 8), (1, 8), true),
        ((0, 0), (0, 0), true),
        ((0, 0), (1, 8), true),
        ((1, 9), (1, 9), false),
        ((1, 8), (1, 9), false),
        ((0, 0), (1, 12), false),
    ] {
        let first = contracts(first.0, first.1).await;
        let second = contracts(second.0, second.1).await;
        let urls = vec![first.url.clone(), second.url.clone()];
        let config = RpcConfig {
            timeout_ms: 30_000,
            ..RpcConfig::new(urls)
        };
        let chain = Chain::offline(&config, deployment()).unwrap();
        let said = chain.is_access_over(id, None, miner, Period(20)).await;
        assert_eq!(said.unwrap(), over, "{} {}", first.url, second.url);
    }
}
