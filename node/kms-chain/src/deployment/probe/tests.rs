use serde_json::{Value, json};

use super::*;
use crate::contracts::Contract;
use crate::devnet::{CHAIN_ID, Devnet, DevnetOptions};
use crate::rpc::RpcConfig;
use crate::test_support::{Reply, Server, hash};

const TIME: u64 = 1_700_000_000;

fn header(number: u64, base_fee: Option<&str>) -> Value {
    let mut header = json!({
        "number": format!("{number:#x}"), "hash": hash(5), "parentHash": hash(4),
        "timestamp": format!("{TIME:#x}"),
    });
    if let Some(fee) = base_fee {
        header["baseFeePerGas"] = json!(fee);
    }
    header
}

fn seen(time: u64, id: u64) -> String {
    format!("0x{time:064x}{id:064x}")
}

/// What is proved of a chain that shows this header and answers the call so.
async fn proved(header: Value, call: impl Fn() -> Reply + Send + Sync + 'static) -> String {
    let server = Server::start(move |method, params| match method {
        "eth_getBlockByNumber" => Reply::Result(header.clone()),
        "eth_call" => {
            assert_eq!(params[0], json!({ "data": HexBytes(PROBE.to_vec()) }));
            call()
        }
        other => panic!("{other}"),
    })
    .await;
    let config = RpcConfig::new(vec![server.url.clone()]);
    match prove(&Rpc::new(&config).unwrap(), CHAIN_ID).await {
        Ok(()) => "proved".to_owned(),
        Err(ChainError::ChainUnsupported { lack, .. }) => format!("{lack:?}"),
        Err(error) => error.code().to_owned(),
    }
}

fn shows(time: u64, id: u64) -> impl Fn() -> Reply {
    move || Reply::Result(json!(seen(time, id)))
}

#[tokio::test]
async fn a_chain_with_all_of_it_is_proved() {
    for time in [TIME - DRIFT_S, TIME, TIME + DRIFT_S] {
        let answer = proved(header(7, Some("0x0")), shows(time, CHAIN_ID)).await;
        assert_eq!(answer, "proved", "{time}");
    }
    let fresh = proved(header(0, Some("0x7")), shows(1, CHAIN_ID)).await;
    assert_eq!(fresh, "proved", "no block yet");
    let devnet = Devnet::start(&DevnetOptions::default()).await.unwrap();
    devnet.mine(2).await.unwrap();
    prove(devnet.rpc(), CHAIN_ID).await.unwrap();
}

#[tokio::test]
async fn what_a_chain_lacks_is_named() {
    let fee = Some("0x7");
    let old = proved(header(7, None), shows(TIME, CHAIN_ID)).await;
    assert_eq!(old, "BaseFee");
    for message in ["invalid opcode: MCOPY", "EVM error NotActivated"] {
        let refused = move || Reply::Error(-32_000, message);
        assert_eq!(proved(header(7, fee), refused).await, "Opcodes");
    }
    for odd in [
        "0x".to_owned(),
        seen(TIME, 1)[..66].to_owned(),
        format!("0x{}", "f".repeat(128)),
    ] {
        let answer = proved(header(7, fee), move || Reply::Result(json!(odd))).await;
        assert_eq!(answer, "Opcodes");
    }
    for time in [0, TIME - DRIFT_S - 1, TIME + DRIFT_S + 1, TIME / 12] {
        let answer = proved(header(7, fee), shows(time, CHAIN_ID)).await;
        assert_eq!(answer, "Clock", "{time}");
    }
    assert_eq!(proved(header(7, fee), shows(TIME, 1)).await, "ChainId");
}

/// An endpoint that is down says nothing about the chain.
#[tokio::test]
async fn an_endpoint_that_fails_is_no_lack_of_the_chain() {
    let down = || Reply::text(axum::http::StatusCode::BAD_GATEWAY, "");
    assert_eq!(
        proved(header(7, Some("0x7")), down).await,
        "chain_unreachable"
    );
}

/// Cancun is what MCOPY came with, which the probe runs.
#[test]
fn the_contracts_are_compiled_for_what_the_probe_runs() {
    assert!(PROBE.contains(&0x5e));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deployments/artifacts");
    for contract in Contract::ALL {
        let path = format!("{folder}/{}.json", contract.name());
        let artifact: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let version = &artifact["compiler"]["settings"]["evmVersion"];
        assert_eq!(version, "cancun", "{}", contract.name());
    }
}
