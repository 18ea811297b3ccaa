use std::sync::{Arc, Mutex};

use kms_protocol::{Amount, B256, keccak256};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::chain::Chain;
use crate::contracts::events::{ChainEvent, EventRecord};
use crate::error::ChainError;
use crate::rpc::RpcConfig;
use crate::test_support::{Reply, Server, address, deployment, hash};

/// A MinRatePosted of the escrow in block `number`.
fn log(number: u64, index: u64) -> Value {
    let word = |value: u64| format!("{value:064x}");
    json!({
        "address": deployment().contracts.escrow.address,
        "topics": [
            keccak256(b"MinRatePosted(uint64,address,uint96)"),
            format!("0x{}{}", "0".repeat(24), "01".repeat(20)),
        ],
        "data": format!("0x{}{}", word(index + 1), word(number)),
        "blockNumber": format!("{number:#x}"),
        "blockHash": block(number),
        "transactionHash": hash(9),
        "logIndex": format!("{index:#x}"),
        "removed": false,
    })
}

fn block(number: u64) -> B256 {
    keccak256(&number.to_be_bytes())
}

async fn chain(reply: impl Fn(&Value) -> Reply + Send + Sync + 'static) -> (Server, Chain) {
    let server = Server::of_deployment(move |method, params| match method {
        "eth_getLogs" => reply(&params[0]),
        other => panic!("{other}"),
    })
    .await;
    let config = RpcConfig {
        timeout_ms: 500,
        ..RpcConfig::new(vec![server.url.clone()])
    };
    let chain = Chain::offline(&config, deployment()).unwrap();
    (server, chain)
}

fn bounds(filter: &Value) -> (u64, u64) {
    let number = |field: &str| {
        let text = filter[field].as_str().unwrap();
        u64::from_str_radix(text.strip_prefix("0x").unwrap(), 16).unwrap()
    };
    (number("fromBlock"), number("toBlock"))
}

fn rates(records: &[EventRecord]) -> Vec<(u64, Amount)> {
    let rate = |record: &EventRecord| match record.event {
        ChainEvent::MinRatePosted { min_rate, .. } => (record.block_number, min_rate),
        ref other => panic!("{other:?}"),
    };
    records.iter().map(rate).collect()
}

#[tokio::test]
async fn asks_for_every_contract_that_reports_and_for_one_block_by_its_hash() {
    let (_server, chain) = chain(|filter| {
        let contracts = deployment().contracts;
        let addresses = [
            contracts.escrow.address,
            contracts.rewards.address,
            contracts.policies.address,
            contracts.adjudicator.address,
            contracts.challenges.address,
        ];
        assert_eq!(filter["address"], json!(addresses));
        assert_eq!(filter["blockHash"], json!(block(7)));
        assert_eq!(filter.get("fromBlock"), None);
        Reply::Result(json!([log(7, 0), log(7, 3)]))
    })
    .await;
    let records = chain.events_in_block(block(7)).await.unwrap();
    assert_eq!(rates(&records), [(7, Amount(7)), (7, Amount(7))]);
    assert_eq!((records[1].log_index, records[1].block_hash), (3, block(7)));
}

async fn check_refused(logs: Value, reason: &str) {
    let (_server, chain) = chain(move |_| Reply::Result(logs.clone())).await;
    match chain.events_in_range(5, 5).await {
        Err(ChainError::BadReply { reason: given, .. }) => assert_eq!(given, reason),
        other => panic!("{reason}: {other:?}"),
    }
}

fn with(field: &str, value: Value) -> Value {
    let mut log = log(5, 1);
    log[field] = value;
    log
}

#[tokio::test]
async fn refuses_logs_that_cannot_be_true() {
    check_refused(json!([log(6, 0)]), "a log outside the range asked for").await;
    check_refused(
        json!([with("address", json!(address(9)))]),
        "a log of another contract",
    )
    .await;
    let token = deployment().contracts.token.address;
    check_refused(
        json!([with("address", json!(token))]),
        "a log of another contract",
    )
    .await;
    check_refused(json!([with("removed", json!(true))]), "a removed log").await;
    check_refused(
        json!([with("blockHash", json!(hash(0)))]),
        "a log that is not mined",
    )
    .await;
    check_refused(
        json!([with("transactionHash", json!(hash(0)))]),
        "a log that is not mined",
    )
    .await;
    check_refused(json!([log(5, 1), log(5, 1)]), "logs out of order").await;
    check_refused(json!([log(5, 2), log(5, 1)]), "logs out of order").await;
    let twin = with("blockHash", json!(hash(7)));
    check_refused(json!([log(5, 0), twin]), "logs of two blocks of one height").await;
    let strange = with("topics", json!([hash(1)]));
    check_refused(json!([strange]), "a log that is no event of its contract").await;
}

#[tokio::test]
async fn refuses_logs_of_another_block_than_asked_for() {
    let (_server, chain) = chain(|_| Reply::Result(json!([log(5, 0)]))).await;
    let result = chain.events_in_block(block(6)).await;
    assert!(
        matches!(result, Err(ChainError::BadReply { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn halves_on_any_error_and_remembers_what_is_borne() {
    let asked: Arc<Mutex<Vec<u64>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let (server, chain) = chain(move |filter| {
        let (from, to) = bounds(filter);
        seen.lock().unwrap().push(to - from + 1);
        if to - from >= 10 {
            return Reply::Error(-32_000, "query returned more than 10000 results");
        }
        Reply::Result((from..=to).map(|number| log(number, 0)).collect())
    })
    .await;
    let records = chain.events_in_range(100, 400).await.unwrap();
    let expected: Vec<_> = (100..=400)
        .map(|number| (number, Amount(number.into())))
        .collect();
    assert_eq!(rates(&records), expected);
    let requests = server.count("eth_getLogs");
    assert!(requests < 90, "{requests}");
    // The width survives into the next call: it does not begin with 2,000 blocks again.
    asked.lock().unwrap().clear();
    chain.events_in_range(500, 900).await.unwrap();
    assert!(asked.lock().unwrap()[0] < 30);
}

#[tokio::test]
async fn gives_up_when_a_single_block_is_refused() {
    let (server, chain) = chain(|filter| {
        let (from, to) = bounds(filter);
        if (from..=to).contains(&7) {
            return Reply::Error(-32_000, "missing trie node");
        }
        Reply::Result(json!([]))
    })
    .await;
    let result = chain.events_in_range(0, 40).await;
    assert!(matches!(result, Err(ChainError::Rpc { .. })), "{result:?}");
    assert!(server.count("eth_getLogs") < 20);
}

#[tokio::test]
async fn does_not_halve_when_nobody_can_be_reached() {
    let (server, chain) = chain(|_| Reply::Result(json!([]))).await;
    assert_eq!(chain.events_in_range(0, 10).await.unwrap(), []);
    drop(server);
    // Halving such a range would take for ever.
    let patience = std::time::Duration::from_secs(60);
    let result = tokio::time::timeout(patience, chain.events_in_range(0, 1 << 40));
    let result = result.await.unwrap();
    assert!(
        matches!(result, Err(ChainError::Unreachable { .. })),
        "{result:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn covers_every_block_once(from in 0..50_u64, length in 0..600_u64, borne in 1..100_u64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_server, chain) = chain(move |filter| {
                let (first, last) = bounds(filter);
                if last - first >= borne {
                    return Reply::Error(-32_005 + 5, "too wide");
                }
                Reply::Result((first..=last).map(|number| log(number, 0)).collect())
            })
            .await;
            let records = chain.events_in_range(from, from + length).await.unwrap();
            let blocks: Vec<_> = records.iter().map(|record| record.block_number).collect();
            assert_eq!(blocks, (from..=from + length).collect::<Vec<_>>());
        });
    }
}
