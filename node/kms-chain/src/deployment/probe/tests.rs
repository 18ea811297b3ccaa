use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::contracts::Contract;
use crate::deployment::Artifact;
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

/// Opcodes that came after London, in which type 2 and BASEFEE came.
const NEWER: [u8; 6] = [0x49, 0x4a, 0x5c, 0x5d, 0x5e, 0x5f];

/// The newer opcodes in a contract's code; the data of pushes is passed over.
fn newer(code: &[u8]) -> BTreeSet<u8> {
    let mut found = BTreeSet::new();
    let mut at = 0;
    while let Some(&opcode) = code.get(at) {
        if NEWER.contains(&opcode) {
            found.insert(opcode);
        }
        let pushed = opcode.checked_sub(0x5f).filter(|size| *size <= 32);
        at += 1 + usize::from(pushed.unwrap_or(0));
    }
    found
}

#[test]
fn the_probe_runs_every_newer_opcode_of_the_contracts() {
    let probed = newer(&PROBE);
    for contract in Contract::ALL {
        let used = newer(&Artifact::of(contract).bytecode().unwrap());
        assert!(used.is_subset(&probed), "{}: {used:x?}", contract.name());
        assert!(used.contains(&0x5f), "{}", contract.name());
    }
}
