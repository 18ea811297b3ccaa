use serde_json::{Value, json};

use super::*;
use crate::rpc::RpcConfig;
use crate::test_support::{Reply, Server, deployment, hash};

/// Where nobody listens.
const DOWN: &str = "http://127.0.0.1:1";

/// An endpoint that answers with this for every receipt.
async fn endpoint(receipt: Value) -> Server {
    Server::of_deployment(move |method, _| match method {
        "eth_getTransactionReceipt" => Reply::Result(receipt.clone()),
        other => panic!("{other}"),
    })
    .await
}

fn receipt(of: B256) -> Value {
    json!({
        "transactionHash": of, "blockNumber": "0xb", "blockHash": hash(5), "status": "0x1",
        "gasUsed": "0x5208", "effectiveGasPrice": "0x64", "contractAddress": null,
    })
}

fn chain(urls: &[&str]) -> Chain {
    let config = RpcConfig {
        timeout_ms: 30_000,
        ..RpcConfig::new(urls.iter().map(|url| (*url).to_owned()).collect())
    };
    Chain::offline(&config, deployment()).unwrap()
}

#[tokio::test]
async fn an_endpoint_that_is_down_makes_none_unsure_only_where_that_matters() {
    let without = endpoint(Value::Null).await;
    let chain = chain(&[&without.url, DOWN]);
    assert_eq!(chain.receipt_of(hash(1), false).await.unwrap(), None);
    let unsure = chain.receipt_of(hash(1), true).await;
    assert!(
        matches!(unsure, Err(ChainError::Unreachable { .. })),
        "{unsure:?}"
    );
    assert_eq!(chain.receipt_shown(hash(1), false).await.unwrap(), None);
    assert_eq!(chain.receipt_shown(hash(1), true).await.unwrap(), None);
}

#[tokio::test]
async fn nothing_is_known_while_no_endpoint_answers() {
    let chain = chain(&[DOWN, DOWN]);
    for used in [false, true] {
        let unsure = chain.receipt_shown(hash(1), used).await;
        assert!(
            matches!(unsure, Err(ChainError::Unreachable { .. })),
            "{unsure:?}"
        );
    }
}

#[tokio::test]
async fn one_that_has_it_is_found_beside_any_others() {
    let (without, with) = (
        endpoint(Value::Null).await,
        endpoint(receipt(hash(1))).await,
    );
    let other = endpoint(receipt(hash(2))).await;
    for beside in [DOWN, &other.url] {
        let chain = chain(&[&without.url, beside, &with.url]);
        let strict = chain.receipt_of(hash(1), true).await.unwrap();
        assert_eq!(strict.unwrap().tx_hash, hash(1));
        let shown = chain.receipt_shown(hash(1), true).await.unwrap();
        assert_eq!(shown, strict);
    }
    let chain = chain(&[&without.url, &other.url]);
    let unsure = chain.receipt_of(hash(1), true).await;
    assert!(
        matches!(unsure, Err(ChainError::BadReply { .. })),
        "{unsure:?}"
    );
}
