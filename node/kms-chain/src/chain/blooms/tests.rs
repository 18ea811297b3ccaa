use kms_protocol::keccak256;
use serde_json::{Value, json};

use crate::chain::Chain;
use crate::error::ChainError;
use crate::rpc::RpcConfig;
use crate::test_support::{Reply, Server, block_json, deployment, hash, sealed};
use crate::types::bloom::Bloom;

/// Topic of the escrow's event, which block 7 holds.
fn topic() -> kms_protocol::B256 {
    keccak256(b"MinRatePosted(uint64,address,uint96)")
}

fn miner() -> [u8; 32] {
    let mut word = [0; 32];
    word[12..].copy_from_slice(&[1; 20]);
    word
}

/// Block 7, whose filter holds these items.
fn block(items: &[&[u8]]) -> Value {
    let mut block = block_json(7, hash(6), 700);
    let bloom = Bloom::of(items.iter().copied());
    block["logsBloom"] = json!(format!("0x{}", hex::encode(bloom.bytes())));
    sealed(block, &[])
}

fn eventful() -> Value {
    let escrow = deployment().contracts.escrow.address;
    block(&[&escrow.0, &topic().0, &miner()])
}

fn log(block: &Value) -> Value {
    json!({
        "address": deployment().contracts.escrow.address,
        "topics": [topic(), format!("0x{}", hex::encode(miner()))],
        "data": format!("0x{:064x}{:064x}", 1, 5),
        "blockNumber": "0x7", "blockHash": block["hash"], "transactionHash": hash(9),
        "logIndex": "0x0",
    })
}

/// An endpoint that shows the block, with these logs.
async fn endpoint(block: &Value, logs: Value) -> Server {
    let block = block.clone();
    Server::of_deployment(move |method, _| match method {
        "eth_getBlockByNumber" => Reply::Result(block.clone()),
        "eth_getLogs" => Reply::Result(logs.clone()),
        other => panic!("{other}"),
    })
    .await
}

fn chain(servers: &[&Server]) -> Chain {
    let urls = servers.iter().map(|server| server.url.clone()).collect();
    Chain::offline(&RpcConfig::new(urls), deployment()).unwrap()
}

/// Number of events of the newest block.
async fn events(chain: &Chain) -> Result<usize, ChainError> {
    let head = chain.head().await.unwrap();
    Ok(chain.events_in_block(head.hash).await?.len())
}

fn is_told(answer: &Result<usize, ChainError>, part: &str) -> bool {
    matches!(answer, Err(ChainError::BadReply { reason, .. }) if reason.contains(part))
}

#[tokio::test]
async fn an_endpoint_that_leaves_an_event_out_is_passed_over() {
    let block = eventful();
    let hiding = endpoint(&block, json!([])).await;
    let honest = endpoint(&block, json!([log(&block)])).await;
    let chain = chain(&[&hiding, &honest]);
    assert_eq!(events(&chain).await.unwrap(), 1);
    assert_eq!(chain.rpc().health()[0].failures, 1, "it counts against it");
    assert_eq!(chain.rpc().health()[1].failures, 0);
}

#[tokio::test]
async fn a_lone_endpoint_that_leaves_an_event_out_is_not_believed_at_once() {
    let hiding = endpoint(&eventful(), json!([])).await;
    let chain = chain(&[&hiding]);
    for _ in 0..2 {
        let answer = events(&chain).await;
        assert!(is_told(&answer, "left out"), "{answer:?}");
    }
    // A filter may hold by chance what no log has: the node must not stand still for ever.
    assert_eq!(events(&chain).await.unwrap(), 0);
}

#[tokio::test]
async fn an_endpoint_whose_logs_come_late_is_believed_once_they_are_there() {
    let block = eventful();
    let late = std::sync::atomic::AtomicBool::new(true);
    let (shown, logs) = (block.clone(), json!([log(&block)]));
    let server = Server::of_deployment(move |method, _| match method {
        "eth_getBlockByNumber" => Reply::Result(shown.clone()),
        _ if late.swap(false, std::sync::atomic::Ordering::Relaxed) => Reply::Result(json!([])),
        _ => Reply::Result(logs.clone()),
    })
    .await;
    let chain = chain(&[&server]);
    assert!(events(&chain).await.is_err());
    assert_eq!(events(&chain).await.unwrap(), 1);
}

#[tokio::test]
async fn two_endpoints_that_have_no_log_are_believed() {
    let block = eventful();
    let (one, two) = (
        endpoint(&block, json!([])).await,
        endpoint(&block, json!([])).await,
    );
    let chain = chain(&[&one, &two]);
    assert_eq!(events(&chain).await.unwrap(), 0);
    assert_eq!(chain.rpc().health()[0].failures, 0, "nobody is at fault");
}

#[tokio::test]
async fn a_block_whose_filter_holds_nothing_of_ours_costs_no_request() {
    let escrow = deployment().contracts.escrow.address;
    let others: [Vec<&[u8]>; 3] = [vec![], vec![&escrow.0], vec![&[7; 20], &[8; 32]]];
    for items in others {
        let server = endpoint(&block(&items), json!([])).await;
        assert_eq!(events(&chain(&[&server])).await.unwrap(), 0);
        assert_eq!(server.count("eth_getLogs"), 0);
    }
}

#[tokio::test]
async fn a_log_that_the_filter_does_not_hold_is_made_up() {
    let escrow = deployment().contracts.escrow.address;
    let rate = topic();
    // It holds another event of the contract, and another miner's.
    let unbonded = keccak256(b"WorkerBonded(uint64,address,address)");
    for items in [
        [&escrow.0[..], &unbonded.0[..], &miner()[..]],
        [&escrow.0[..], &rate.0[..], &[3; 32][..]],
    ] {
        let block = block(&items);
        let server = endpoint(&block, json!([log(&block)])).await;
        let answer = events(&chain(&[&server])).await;
        assert!(is_told(&answer, "not in the filter"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_filter_that_is_nearly_full_says_nothing() {
    let escrow = deployment().contracts.escrow.address;
    let many: Vec<[u8; 32]> = (0..200_u8).map(|byte| keccak256(&[byte]).0).collect();
    let mut items: Vec<&[u8]> = many.iter().map(|item| &item[..]).collect();
    let rate = topic();
    items.extend([&escrow.0[..], &rate.0[..]]);
    let server = endpoint(&block(&items), json!([])).await;
    assert_eq!(events(&chain(&[&server])).await.unwrap(), 0);
    assert_eq!(server.count("eth_getLogs"), 1);
}

#[tokio::test]
async fn a_block_that_cannot_be_proven_gives_way_to_one_that_can() {
    let mut forged = eventful();
    forged["timestamp"] = json!("0xffff");
    let honest = eventful();
    let mut excused = forged.clone();
    excused["someFork"] = json!("0x1");
    for wrong in [forged, excused.clone()] {
        let (one, two) = (
            endpoint(&wrong, json!([])).await,
            endpoint(&honest, json!([])).await,
        );
        let chain = chain(&[&one, &two]);
        assert_eq!(chain.head().await.unwrap().timestamp, 700);
        assert_eq!(chain.rpc().health()[0].failures, 1);
    }
    // A fork that this program does not know must not stop it.
    let server = endpoint(&excused, json!([])).await;
    assert_eq!(chain(&[&server]).head().await.unwrap().timestamp, 0xffff);
}
