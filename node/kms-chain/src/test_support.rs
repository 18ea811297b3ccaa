//! Values and small servers for the tests of this crate.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use kms_protocol::{Address, Amount, B256, Period, Terms};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::deployment::params::{DeployParams, Genesis};
use crate::deployment::{ContractRecord, Contracts, Deployment};
use crate::types::header::WireHeader;

pub(crate) fn address(byte: u8) -> Address {
    Address([byte; 20])
}

pub(crate) fn hash(byte: u8) -> B256 {
    B256([byte; 32])
}

pub(crate) fn terms(miners: &[Address]) -> Terms {
    Terms {
        author: address(1),
        sponsor: address(1),
        verifier: address(2),
        keys_hash: hash(3),
        rate: Amount(7),
        first_period: Period(2),
        last_period: Period(5),
        threshold: 1,
        salt: hash(4),
        miners: miners.to_vec(),
    }
}

pub(crate) fn params() -> DeployParams {
    let mut params = DeployParams::local().unwrap();
    params.genesis = Genesis::At(1_700_000_000);
    params
}

/// A deployment whose contracts have no code: keccak256 of nothing is the code hash.
pub(crate) fn deployment() -> Deployment {
    let record = |byte| ContractRecord {
        address: address(byte),
        code_hash: kms_protocol::keccak256(&[]),
        constructor_args: vec![byte],
    };
    Deployment {
        chain_id: 31_337,
        genesis_hash: hash(0xee),
        block: 3,
        contracts: Contracts {
            token: record(0x70),
            escrow: record(0xe5),
            rewards: record(0x4e),
            policies: record(0x90),
            adjudicator: record(0xad),
            challenges: record(0xc4),
            timelock: record(0x71),
            control: record(0xc0),
        },
        params: params(),
        endpoints: Vec::new(),
    }
}

/// The JSON of a block with a base fee of 7 wei and an empty bloom, under its right hash.
pub(crate) fn block_json(number: u64, parent: B256, timestamp: u64) -> Value {
    let block = json!({
        "number": format!("{number:#x}"), "parentHash": parent, "sha3Uncles": hash(0x11),
        "miner": address(0x12), "stateRoot": hash(0x13), "transactionsRoot": hash(0x14),
        "receiptsRoot": hash(0x15), "logsBloom": format!("0x{}", "0".repeat(512)),
        "difficulty": "0x0", "gasLimit": "0x1c9c380", "gasUsed": "0x0",
        "timestamp": format!("{timestamp:#x}"), "extraData": "0x6b6d73", "mixHash": hash(0x16),
        "nonce": "0x0000000000000000", "baseFeePerGas": "0x7", "size": "0x200",
    });
    sealed(block, &[])
}

/// The block under the hash of its fields, and of those of a fork to come.
pub(crate) fn sealed(mut block: Value, more: &[&Vec<u8>]) -> Value {
    block["hash"] = json!(hash(0xff));
    let wire: WireHeader = serde_json::from_value(block.clone()).unwrap();
    block["hash"] = json!(wire.hash_with(more));
    block
}

/// What a test server does with a request.
pub(crate) enum Reply {
    /// A result under the request's id.
    Result(Value),
    /// A JSON-RPC error.
    Error(i64, &'static str),
    /// An HTTP answer as it stands.
    Raw(StatusCode, Vec<(header::HeaderName, &'static str)>, Body),
    /// No answer for this long.
    Silence(Duration),
}

impl Reply {
    pub(crate) fn text(status: StatusCode, text: impl Into<Body>) -> Self {
        Self::Raw(status, Vec::new(), text.into())
    }
}

type Handler = dyn Fn(&str, &Value) -> Reply + Send + Sync;

/// A JSON-RPC server on loopback that records the methods it was asked.
pub(crate) struct Server {
    pub(crate) url: String,
    calls: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(
        handler: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let calls: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&calls);
        let handler: Arc<Handler> = Arc::new(handler);
        let app = Router::new().route(
            "/",
            post(move |body: Bytes| answer(Arc::clone(&handler), Arc::clone(&seen), body)),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, calls, task }
    }

    /// Starts a server that proves to serve `deployment()`, and leaves every other method to
    /// `handler`.
    pub(crate) async fn of_deployment(
        handler: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |method, params| match (method, params[0].as_str()) {
            ("eth_chainId", _) => Reply::Result(json!("0x7a69")),
            ("eth_getCode", _) => Reply::Result(json!("0x")),
            ("eth_getBlockByNumber", Some("0x0")) => Reply::Result(json!({ "hash": hash(0xee) })),
            _ => handler(method, params),
        })
        .await
    }

    /// Counts the requests of a method.
    pub(crate) fn count(&self, method: &str) -> usize {
        self.calls
            .lock()
            .unwrap()
            .iter()
            .filter(|name| *name == method)
            .count()
    }
}

async fn answer(
    handler: Arc<Handler>,
    calls: Arc<Mutex<Vec<String>>>,
    body: Bytes,
) -> Response<Body> {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let method = request["method"].as_str().unwrap();
    calls.lock().unwrap().push(method.to_owned());
    let id = &request["id"];
    let json = |value: Value| Response::new(Body::from(value.to_string()));
    match handler(method, &request["params"]) {
        Reply::Result(result) => json(json!({ "jsonrpc": "2.0", "id": id, "result": result })),
        Reply::Error(code, message) => {
            let error = json!({ "code": code, "message": message });
            json(json!({ "jsonrpc": "2.0", "id": id, "error": error }))
        }
        Reply::Raw(status, headers, body) => {
            let mut response = Response::new(body);
            *response.status_mut() = status;
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Reply::Silence(time) => {
            tokio::time::sleep(time).await;
            Response::new(Body::empty())
        }
    }
}
