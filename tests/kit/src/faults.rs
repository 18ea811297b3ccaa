//! The chain as a bad provider serves it: a proxy in front of an endpoint that reads JSON-RPC and
//! answers by the fault that is switched on, which has a name. It speaks to every caller alike.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use kms_protocol::keccak256;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// What is wrong with an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `none`: it passes everything on.
    None,
    /// `times=SECONDS`: the time of every block is that much later, or earlier, under its hash.
    Times(i64),
    /// `frozen`: the head stays where it was when the fault was switched on.
    Frozen,
    /// `error`: every request gets an error that is not the contract's.
    Error,
    /// `limited`: every request gets HTTP 429.
    Limited,
    /// `garbage`: every answer is no JSON.
    Garbage,
    /// `silent`: no request is ever answered.
    Silent,
    /// `no-receipts`: no transaction has a receipt.
    NoReceipts,
    /// `no-logs`: no block has a log, and the contracts count none.
    NoLogs,
    /// `nonce=DELTA`: the number of transactions of every account is off by that.
    Nonce(i64),
    /// `other-chain`: the chain has another id.
    OtherChain,
    /// `no-block-0`: old blocks are pruned.
    NoBlock0,
    /// `no-pending`: nothing is told of the pool.
    NoPending,
    /// `no-fee-history`: there is no such method.
    NoFeeHistory,
    /// `no-finalized`: no block is known as final.
    NoFinalized,
    /// `no-price`: receipts do not tell the price of gas.
    NoPrice,
    /// `no-batches`: several requests in one are refused.
    NoBatches,
}

/// Where a proxy holds a request for ever: its caller is to be killed there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// Which method; any, if none is named.
    pub method: Option<String>,
    /// The how many-th of those requests, from 1.
    pub nth: usize,
    /// Whether the endpoint has answered, and its answer is held; or never gets the request.
    pub answered: bool,
}

/// A [`Halt`] that was not reached yet, and who waits for it: he is told the method.
struct Armed {
    halt: Halt,
    reached: oneshot::Sender<String>,
}

impl Fault {
    /// Every mode in which an endpoint answers wrongly or not at all, by name.
    pub const BAD: [&'static str; 10] = [
        "times=100000000",
        "frozen",
        "error",
        "limited",
        "garbage",
        "silent",
        "no-receipts",
        "no-logs",
        "nonce=-3",
        "other-chain",
    ];

    /// The modes in which an endpoint lacks something, by name: it can be used all the same.
    pub const POOR: [&'static str; 6] = [
        "no-block-0",
        "no-pending",
        "no-fee-history",
        "no-finalized",
        "no-price",
        "no-batches",
    ];
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let number = || value.parse().map_err(|_| format!("{text}: not a number"));
        match name {
            "none" => Ok(Self::None),
            "times" => number().map(Self::Times),
            "frozen" => Ok(Self::Frozen),
            "error" => Ok(Self::Error),
            "limited" => Ok(Self::Limited),
            "garbage" => Ok(Self::Garbage),
            "silent" => Ok(Self::Silent),
            "no-receipts" => Ok(Self::NoReceipts),
            "no-logs" => Ok(Self::NoLogs),
            "nonce" => number().map(Self::Nonce),
            "other-chain" => Ok(Self::OtherChain),
            "no-block-0" => Ok(Self::NoBlock0),
            "no-pending" => Ok(Self::NoPending),
            "no-fee-history" => Ok(Self::NoFeeHistory),
            "no-finalized" => Ok(Self::NoFinalized),
            "no-price" => Ok(Self::NoPrice),
            "no-batches" => Ok(Self::NoBatches),
            _ => Err(format!("{text}: no such fault")),
        }
    }
}

struct Shared {
    upstream: String,
    http: reqwest::Client,
    fault: Mutex<(Fault, Option<Value>)>,
    armed: Mutex<Option<Armed>>,
    /// Number of requests by method.
    asked: Mutex<HashMap<String, usize>>,
}

/// A running proxy; ends when dropped.
pub struct FaultProxy {
    /// Where clients find the endpoint.
    pub url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FaultProxy {
    /// In front of the endpoint at `upstream`, without a fault.
    pub async fn start(upstream: &str) -> Self {
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            http: reqwest::Client::new(),
            fault: Mutex::new((Fault::None, None)),
            armed: Mutex::default(),
            asked: Mutex::default(),
        });
        let router = Router::new().fallback(pass).with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, task }
    }

    /// Number of requests so far.
    pub fn asked_at_all(&self) -> usize {
        self.shared.asked.lock().unwrap().values().sum()
    }

    /// Number of requests of a method so far.
    pub fn asked(&self, method: &str) -> usize {
        let asked = self.shared.asked.lock().unwrap();
        asked.get(method).copied().unwrap_or(0)
    }

    /// Holds one coming request for ever, in place of the halt before; tells its method when it is
    /// held.
    pub fn halt(&self, halt: Halt) -> oneshot::Receiver<String> {
        let (reached, told) = oneshot::channel();
        *self.shared.armed.lock().unwrap() = Some(Armed { halt, reached });
        told
    }

    /// Holds nothing any more.
    pub fn go_on(&self) {
        *self.shared.armed.lock().unwrap() = None;
    }

    /// Switches a fault on, by its name, in place of the one before.
    pub async fn set(&self, fault: &str) {
        let fault: Fault = fault.parse().unwrap();
        let frozen = match fault {
            Fault::Frozen => {
                let latest = json!({
                    "jsonrpc": "2.0", "id": 1,
                    "method": "eth_getBlockByNumber", "params": ["latest", false],
                });
                self.shared
                    .ask(&latest)
                    .await
                    .map(|mut answer| answer["result"].take())
            }
            _ => None,
        };
        *self.shared.fault.lock().unwrap() = (fault, frozen);
    }
}

impl Shared {
    /// The halt that this request is at, if it is.
    fn halted(&self, method: &str) -> Option<Armed> {
        let mut armed = self.armed.lock().unwrap();
        let halt = &mut armed.as_mut()?.halt;
        if halt.method.as_ref().is_some_and(|named| named != method) {
            return None;
        }
        halt.nth -= 1;
        match halt.nth {
            0 => armed.take(),
            _ => None,
        }
    }

    async fn ask(&self, request: &Value) -> Option<Value> {
        let request = self.http.post(&self.upstream).body(request.to_string());
        let request = request.header("content-type", "application/json");
        let reply = request.send().await.ok()?.bytes().await.ok()?;
        serde_json::from_slice(&reply).ok()
    }
}

async fn pass(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let (fault, frozen) = shared.fault.lock().unwrap().clone();
    match fault {
        Fault::Limited => return StatusCode::TOO_MANY_REQUESTS.into_response(),
        Fault::Garbage => return "<html>".into_response(),
        Fault::Silent => {
            // Longer than any caller waits.
            tokio::time::sleep(Duration::from_secs(600)).await;
            return StatusCode::GATEWAY_TIMEOUT.into_response();
        }
        _ => {}
    }
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let method = request["method"].as_str().unwrap_or_default().to_owned();
    let halted = shared.halted(&method);
    *shared
        .asked
        .lock()
        .unwrap()
        .entry(method.clone())
        .or_default() += 1;
    if let Some(Armed { halt, reached }) = halted {
        if halt.answered {
            shared.ask(&request).await;
        }
        let _nobody_waits_any_more = reached.send(method);
        return std::future::pending().await;
    }
    let Some(mut answer) = shared.ask(&request).await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    alter(fault, frozen, &request, &mut answer);
    answer.to_string().into_response()
}

/// Changes an answer as the fault would.
fn alter(fault: Fault, frozen: Option<Value>, request: &Value, answer: &mut Value) {
    let method = request["method"].as_str().unwrap_or_default();
    let (first, second) = (&request["params"][0], &request["params"][1]);
    let latest = first == "latest";
    let lacks = match fault {
        Fault::NoPending => second == "pending",
        Fault::NoFinalized => first == "finalized" || first == "safe",
        Fault::NoFeeHistory => method == "eth_feeHistory",
        Fault::NoBatches => request.is_array(),
        _ => false,
    };
    if lacks {
        let error = json!({ "code": -32_601, "message": "not supported" });
        *answer = json!({ "jsonrpc": "2.0", "id": request["id"], "error": error });
    }
    match (fault, method) {
        (Fault::Error, _) => {
            let error = json!({ "code": -32_603, "message": "header not found" });
            *answer = json!({ "jsonrpc": "2.0", "id": request["id"], "error": error });
        }
        (Fault::Times(delta), "eth_getBlockByNumber" | "eth_getBlockByHash") => {
            shift(&mut answer["result"]["timestamp"], delta);
        }
        (Fault::Frozen, "eth_getBlockByNumber") if latest => {
            answer["result"] = frozen.unwrap_or_default();
        }
        (Fault::NoReceipts, "eth_getTransactionReceipt") => answer["result"] = Value::Null,
        (Fault::NoLogs, "eth_getLogs") => answer["result"] = json!([]),
        (Fault::NoLogs, "eth_call") if is_count(request) => {
            answer["result"] = json!(format!("0x{:064x}", 0));
        }
        (Fault::Nonce(delta), "eth_getTransactionCount") => shift(&mut answer["result"], delta),
        (Fault::NoBlock0, "eth_getBlockByNumber") if first == "0x0" => {
            answer["result"] = Value::Null;
        }
        (Fault::NoPrice, "eth_getTransactionReceipt") => {
            if let Value::Object(receipt) = &mut answer["result"] {
                receipt.remove("effectiveGasPrice");
            }
        }
        (Fault::OtherChain, "eth_chainId") => answer["result"] = json!("0x7a69f"),
        _ => {}
    }
}

/// Whether a contract is asked for the number of its last event.
fn is_count(request: &Value) -> bool {
    let selector = format!("0x{}", hex::encode(&keccak256(b"lastSeq()").0[..4]));
    request["params"][0]["data"] == selector
}

/// Adds to a quantity, which stays at least 0.
fn shift(quantity: &mut Value, delta: i64) {
    let digits = quantity.as_str().and_then(|text| text.strip_prefix("0x"));
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    if let Some(number) = number {
        *quantity = json!(format!("{:#x}", number.saturating_add_signed(delta)));
    }
}
