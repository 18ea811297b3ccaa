use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kms_kit::wire::Wire;
use kms_protocol::messages::{Answer, Message, Problem};
use kms_protocol::{B256, Destination, PolicyId, Refusal, transport};
use reqwest::{Client, Response};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::host::stop::Stopper;
use crate::testkit::grant::{Grant, MESSAGE};
use crate::testkit::{Running, World, domain};

mod limits;
mod pages;
mod quotas;
mod reports;
mod tls;

struct Served {
    world: World,
    running: Running,
    address: SocketAddr,
    client: Client,
    stopper: Stopper,
    task: tokio::task::JoinHandle<()>,
}

impl Served {
    async fn new(world: World) -> Self {
        let mut running = world.start().await;
        running.sync().await;
        let listener = bind(&running.node.config).await.unwrap();
        let address = listener.tcp.local_addr().unwrap();
        let (stopper, stop) = Stopper::new();
        let task = tokio::spawn(serve(running.node.clone(), listener, stop));
        Self {
            world,
            running,
            address,
            client: Client::new(),
            stopper,
            task,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Response {
        self.client
            .post(self.url(path))
            .body(body)
            .send()
            .await
            .unwrap()
    }

    async fn metrics(&self) -> String {
        self.running.node.refresh_gauges().await;
        self.running.node.metrics.render()
    }
    fn wire(&self) -> Wire {
        Wire::to(&self.url(""))
    }

    /// Seals bytes that may be no message, and sends them.
    async fn seal(&self, plain: &[u8]) -> Answer {
        let node = &self.running.node;
        let destination = Destination {
            domain: &node.domain,
            miner: &node.config.miner,
        };
        let key = node.transport_certificate().unwrap().key;
        let (sealed, exchange) = transport::seal(&key, &destination, plain).unwrap();
        let reply = self.wire().post(sealed).await.unwrap();
        let worker = node.keys.worker.address();
        Answer::open(&destination, &exchange, &worker, &reply).unwrap()
    }

    async fn hand_over(&self, grant: &Grant) {
        let upload = grant.upload();
        self.wire().hand_over(&upload).await.unwrap();
    }

    /// Sends raw bytes and reads until the node closes; returns what it read and the time it took.
    async fn raw(&self, bytes: &[u8]) -> (String, Duration) {
        let started = Instant::now();
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        (
            String::from_utf8_lossy(&answer).into_owned(),
            started.elapsed(),
        )
    }
}

async fn problem(response: Response) -> (u16, Problem) {
    let status = response.status().as_u16();
    let media_type = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(media_type, Problem::MEDIA_TYPE);
    let problem: Problem = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(problem.code.http_status(), status);
    (status, problem)
}

async fn code(response: Response) -> Refusal {
    problem(response).await.1.code
}

async fn read<T: serde::de::DeserializeOwned>(response: Response) -> T {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

fn refused(answer: Answer) -> Refusal {
    let Answer::Refused(problem) = answer else {
        panic!("{answer:?}")
    };
    problem.code
}

#[tokio::test]
async fn a_grant_from_upload_to_revealed_message() {
    let grant = Grant::new(1, 50);
    let world = World::new();
    world.chain.queue_served(&grant.terms);
    world.chain.mine_many(3);
    let served = Served::new(world).await;
    let wire = served.wire();
    let info = wire.info().await.unwrap();
    let upload = grant.upload();
    for _ in 0..2 {
        let ack = wire.hand_over(&upload).await.unwrap();
        ack.verify(&domain(), &upload, &info.miner, &info.worker)
            .unwrap();
    }
    let status = wire.status(grant.id()).await.unwrap();
    assert!(status.serving, "{status:?}");
    let request = grant.request(served.world.chain.time());
    let reply = wire.reencrypt(&request).await.unwrap();
    assert_eq!(grant.open(&request, &reply, info.worker), MESSAGE);
    let again = wire.reencrypt(&request).await.unwrap_err();
    assert_eq!(again.code, Refusal::Replay);
}

#[tokio::test]
async fn the_information_is_signed_once_for_each_head_and_key() {
    let mut served = Served::new(World::new()).await;
    let first = served.wire().info().await.unwrap();
    assert_eq!(served.wire().info().await.unwrap(), first);
    served.world.chain.mine();
    served.running.sync().await;
    let next = served.wire().info().await.unwrap();
    assert_eq!(next.head_block, first.head_block + 1);
    assert_eq!(next.transport, first.transport, "the same period");
    served
        .world
        .chain
        .mine_to_period(first.transport.first_period.0 + 1);
    served.running.sync().await;
    let later = served.wire().info().await.unwrap();
    assert_ne!(later.transport.key, first.transport.key);
}

#[tokio::test]
async fn a_message_to_a_key_that_is_over_is_refused_in_clear() {
    let mut served = Served::new(World::new()).await;
    let node = served.running.node.clone();
    let destination = Destination {
        domain: &node.domain,
        miner: &node.config.miner,
    };
    let key = node.transport_certificate().unwrap();
    let message = Message::Status(PolicyId(B256([1; 32])));
    let recorded = message.seal(&key.key, &destination).unwrap().0;
    let wire = served.wire();
    wire.post(recorded.clone()).await.unwrap();
    served.world.chain.mine_to_period(key.last_period.0);
    served.running.sync().await;
    wire.post(recorded.clone()).await.unwrap();
    served.world.chain.mine_to_period(key.last_period.0 + 1);
    served.running.sync().await;
    let refused = wire.post(recorded).await.unwrap_err();
    assert_eq!(refused.code, Refusal::TransportKeyUnknown);
}

#[tokio::test]
async fn bytes_that_do_not_open_are_refused_in_clear() {
    let served = Served::new(World::new()).await;
    let node = &served.running.node;
    let elsewhere = kms_protocol::Domain {
        chain_id: 1,
        ..domain()
    };
    let destination = Destination {
        domain: &elsewhere,
        miner: &node.config.miner,
    };
    let key = node.transport_certificate().unwrap().key;
    let message = Message::Status(PolicyId(B256([1; 32])));
    let foreign = message.seal(&key, &destination).unwrap().0;
    let mut version = foreign.clone();
    version[0] = 2;
    let mut unknown = foreign.clone();
    unknown[1] ^= 1;
    let cases = [
        (Vec::new(), Refusal::BadRequest),
        (b"{}".to_vec(), Refusal::BadRequest),
        (foreign[..56].to_vec(), Refusal::BadRequest),
        (foreign, Refusal::BadRequest),
        (version, Refusal::BadRequest),
        (unknown, Refusal::TransportKeyUnknown),
    ];
    for (bytes, code) in cases {
        let refused = served.wire().post(bytes.clone()).await.unwrap_err();
        assert_eq!(refused.code, code, "{bytes:?}");
    }
}

#[tokio::test]
async fn unknown_paths_methods_and_ids_are_problems() {
    let served = Served::new(World::new()).await;
    for path in [
        "/",
        "/v1",
        "/v1/info",
        "/v1/policies/0x00",
        "/v2/%2e%2e/info",
        "/v2/policies",
        "/v2/message",
    ] {
        assert_eq!(
            code(served.get(path).await).await,
            Refusal::NotFound,
            "{path}"
        );
    }
    assert_eq!(
        code(served.post("/livez", "").await).await,
        Refusal::NotFound
    );
    let absent = served.wire().status(PolicyId(B256([1; 32]))).await.unwrap();
    assert_eq!(absent.refusal.unwrap().code, Refusal::PolicyUnknown);
}

#[tokio::test]
async fn contents_that_are_no_messages_are_refused() {
    let grant = Grant::new(1, 5);
    let served = Served::new(World::new()).await;
    let good = Message::Reencrypt(grant.request(1));
    let good = serde_json::to_string(&good).unwrap();
    let deep = "[".repeat(30_000);
    let bodies: [&[u8]; 9] = [
        b"",
        b"null",
        b"{}",
        b"{}x",
        deep.as_bytes(),
        b"{\"reencrypt\":{\"signature\": NaN}}",
        b"\xff\xfe",
        b"{\"erase\":{\"signature\": 1}}",
        good.get(..good.len() - 1).unwrap().as_bytes(),
    ];
    for body in bodies {
        assert_eq!(refused(served.seal(body).await), Refusal::BadRequest);
    }
    let mut extra: Value = serde_json::from_str(&good).unwrap();
    extra["reencrypt"]["more"] = Value::from(1);
    let extra = serde_json::to_vec(&extra).unwrap();
    assert_eq!(refused(served.seal(&extra).await), Refusal::BadRequest);
    let twice = good.replacen(":{", ":{\"block_time\":1,", 1);
    let twice = served.seal(twice.as_bytes()).await;
    assert_eq!(refused(twice), Refusal::BadRequest);
    let mut unsigned: Value = serde_json::from_str(&good).unwrap();
    let body = unsigned["reencrypt"].as_object_mut().unwrap();
    body.remove("signature");
    let unsigned = serde_json::to_vec(&unsigned).unwrap();
    assert_eq!(refused(served.seal(&unsigned).await), Refusal::BadSignature);
}

#[tokio::test]
async fn a_full_queue_sheds_with_a_time_to_wait() {
    let grant = Grant::new(1, 50);
    let world = World::new()
        .set("reencrypt_workers", "1")
        .set("reencrypt_queue", "1");
    world.chain.queue_served(&grant.terms);
    world.chain.mine_many(3);
    let served = Served::new(world).await;
    let (node, wire) = (&served.running.node, served.wire());
    served.hand_over(&grant).await;
    let tickets = (node.pool.admit().unwrap(), node.pool.admit().unwrap());
    let request = grant.request(served.world.chain.time());
    let shed = wire.reencrypt(&request).await.unwrap_err();
    assert_eq!(shed.code, Refusal::TooMany);
    assert!(shed.retry_after_s.is_some());
    assert_eq!(node.metrics.shed.get(), 1);
    drop(tickets);
    let answered = wire.reencrypt(&request).await;
    assert!(answered.is_ok(), "the shed request is not a replay");
}

#[tokio::test]
async fn readiness_says_why_and_liveness_does_not_care() {
    let served = Served::new(World::new()).await;
    assert_eq!(served.get("/readyz").await.status().as_u16(), 200);
    served.running.node.age.invalidate();
    let response = served.get("/readyz").await;
    assert_eq!(response.status().as_u16(), 503);
    let report: Value = read(response).await;
    let checks = report["checks"].as_array().unwrap();
    let chain = checks
        .iter()
        .find(|check| check["id"] == "chain_view")
        .unwrap();
    assert_eq!(chain["ok"], false);
    assert!(chain["reason"].as_str().unwrap().contains("chain"));
    assert!(chain["remedy"].as_str().unwrap().contains("rpc_urls"));
    assert_eq!(served.get("/livez").await.status().as_u16(), 200);
}

#[tokio::test]
async fn metrics_are_text_and_name_no_policy() {
    let grant = Grant::new(1, 5);
    let served = Served::new(World::new()).await;
    served.wire().status(grant.id()).await.unwrap();
    let refused = served.wire().reencrypt(&grant.request(1)).await;
    assert_eq!(refused.unwrap_err().code, Refusal::PolicyUnknown);
    let text = served.metrics().await;
    for series in [
        "kms_ready 1",
        "kms_refusals_total{code=\"policy_unknown\"} 1",
        "kms_build",
    ] {
        assert!(text.contains(series), "{series} in\n{text}");
    }
    assert!(!text.contains(&grant.id().to_string()));
}

#[tokio::test]
async fn shutdown_refuses_new_work_and_ends() {
    let grant = Grant::new(1, 5);
    let served = Served::new(World::new()).await;
    served.running.node.close();
    let refused = served.wire().reencrypt(&grant.request(1)).await;
    assert_eq!(refused.unwrap_err().code, Refusal::ShuttingDown);
    assert_eq!(served.get("/readyz").await.status().as_u16(), 503);
    served.stopper.stop();
    tokio::time::timeout(Duration::from_secs(60), served.task)
        .await
        .unwrap()
        .unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn a_port_in_use_is_a_clear_error() {
    let served = Served::new(World::new()).await;
    let mut config = served.running.node.config.clone();
    config.listen = served.address;
    let error = bind(&config).await.err().unwrap();
    assert_eq!(error.code(), "listen_failed");
    assert!(
        error
            .to_string()
            .contains(&served.address.port().to_string())
    );
}

#[tokio::test]
async fn honest_requests_in_parallel_are_all_answered() {
    let grant = Grant::new(1, 50);
    let world = World::new();
    world.chain.queue_served(&grant.terms);
    world.chain.mine_many(3);
    let served = Arc::new(Served::new(world).await);
    served.hand_over(&grant).await;
    let requests = (0..32).map(|_| grant.request(served.world.chain.time()));
    let answers = requests.map(|request| {
        let served = served.clone();
        async move { served.wire().reencrypt(&request).await.is_ok() }
    });
    let answers = futures_util::future::join_all(answers).await;
    assert_eq!(answers, vec![true; 32]);
}
