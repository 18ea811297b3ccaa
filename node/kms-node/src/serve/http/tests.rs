use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kms_protocol::messages::{KfragAck, NodeInfo, PolicyStatus, Problem, ReencryptReply};
use kms_protocol::{B256, Refusal};
use reqwest::{Client, Response};
use serde::Serialize;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::host::stop::Stopper;
use crate::testkit::grant::{Grant, MESSAGE};
use crate::testkit::{Running, World, domain};

mod limits;

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
        let listener = bind(running.node.config.listen).await.unwrap();
        let address = listener.local_addr().unwrap();
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

    async fn post_json(&self, path: &str, body: &impl Serialize) -> Response {
        self.post(path, serde_json::to_vec(body).unwrap()).await
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

/// Path of a policy's route: the status has version 1, routes with a body have version 2.
fn path(grant: &Grant, end: &str) -> String {
    let version = if end.is_empty() { 1 } else { 2 };
    format!("/v{version}/policies/{}{end}", grant.id())
}

#[tokio::test]
async fn a_grant_from_upload_to_revealed_message() {
    let grant = Grant::new(1, 50);
    let world = World::new();
    world.chain.queue_policy(&grant.terms);
    world.chain.mine_many(3);
    let served = Served::new(world).await;
    let info: NodeInfo = read(served.get("/v1/info").await).await;
    let upload = grant.upload(&info.umbral_key);
    for expected in [201, 200] {
        let response = served.post_json(&path(&grant, "/kfrag"), &upload).await;
        assert_eq!(response.status().as_u16(), expected);
        let ack: KfragAck = read(response).await;
        ack.verify(&domain(), &upload, &info.miner, &info.worker)
            .unwrap();
    }
    let status: PolicyStatus = read(served.get(&path(&grant, "")).await).await;
    assert!(status.serving, "{status:?}");
    let request = grant.request(info.head_block);
    let response = served
        .post_json(&path(&grant, "/reencrypt"), &request)
        .await;
    assert_eq!(response.status().as_u16(), 200);
    let reply: ReencryptReply = read(response).await;
    assert_eq!(grant.open(&request, &reply, info.worker), MESSAGE);
    let again = served
        .post_json(&path(&grant, "/reencrypt"), &request)
        .await;
    assert_eq!(code(again).await, Refusal::Replay);
}

#[tokio::test]
async fn unknown_paths_methods_and_ids_are_problems() {
    let served = Served::new(World::new()).await;
    for path in [
        "/",
        "/v1",
        "/v1/policies",
        "/v1/policies/%2e%2e/kfrag/x",
        "/v2/policies",
        "/v2/info",
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
    let long = "a".repeat(10_000);
    for id in ["0x00", "..%2f..%2fetc%2fpasswd", "%00", long.as_str()] {
        let response = served.get(&format!("/v1/policies/{id}")).await;
        assert_eq!(code(response).await, Refusal::BadRequest, "{id}");
    }
    let absent = format!("/v1/policies/{}", B256([1; 32]));
    let status: PolicyStatus = read(served.get(&absent).await).await;
    assert_eq!(status.refusal.unwrap().code, Refusal::PolicyUnknown);
}

#[tokio::test]
async fn bodies_that_are_not_messages_are_refused() {
    let grant = Grant::new(1, 5);
    let served = Served::new(World::new()).await;
    let path = path(&grant, "/reencrypt");
    let good = serde_json::to_string(&grant.request(1)).unwrap();
    let deep = "[".repeat(30_000);
    let bodies: [&[u8]; 8] = [
        b"",
        b"null",
        b"{}x",
        deep.as_bytes(),
        b"{\"signature\": NaN}",
        b"\xff\xfe",
        b"{\"signature\": 1e400}",
        good.get(..good.len() - 1).unwrap().as_bytes(),
    ];
    for body in bodies {
        let response = served.post(&path, body.to_vec()).await;
        assert_eq!(code(response).await, Refusal::BadRequest);
    }
    let mut extra: Value = serde_json::from_str(&good).unwrap();
    extra["more"] = Value::from(1);
    assert_eq!(
        code(served.post_json(&path, &extra).await).await,
        Refusal::BadRequest
    );
    let twice = good.replacen('{', "{\"block_number\":1,", 1);
    assert_eq!(
        code(served.post(&path, twice).await).await,
        Refusal::BadRequest
    );
    let mut unsigned: Value = serde_json::from_str(&good).unwrap();
    unsigned.as_object_mut().unwrap().remove("signature");
    assert_eq!(
        code(served.post_json(&path, &unsigned).await).await,
        Refusal::BadSignature
    );
}

#[tokio::test]
async fn a_full_queue_sheds_with_a_time_to_wait() {
    let grant = Grant::new(1, 50);
    let world = World::new()
        .set("reencrypt_workers", "1")
        .set("reencrypt_queue", "1");
    world.chain.queue_policy(&grant.terms);
    world.chain.mine_many(3);
    let served = Served::new(world).await;
    let node = &served.running.node;
    let upload = grant.upload(&node.keys.umbral.public_key());
    assert_eq!(
        served
            .post_json(&path(&grant, "/kfrag"), &upload)
            .await
            .status(),
        201
    );
    let tickets = (node.pool.admit().unwrap(), node.pool.admit().unwrap());
    let request = grant.request(served.world.chain.height());
    let response = served
        .post_json(&path(&grant, "/reencrypt"), &request)
        .await;
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(code(response).await, Refusal::TooMany);
    assert_eq!(node.metrics.shed.get(), 1);
    drop(tickets);
    let response = served
        .post_json(&path(&grant, "/reencrypt"), &request)
        .await;
    assert_eq!(
        response.status().as_u16(),
        200,
        "the shed request is not a replay"
    );
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
        .find(|check| check["name"] == "chain_view")
        .unwrap();
    assert_eq!(chain["ok"], false);
    assert!(chain["reason"].as_str().unwrap().contains("chain"));
    assert_eq!(served.get("/livez").await.status().as_u16(), 200);
}

#[tokio::test]
async fn metrics_are_text_and_name_no_policy() {
    let grant = Grant::new(1, 5);
    let served = Served::new(World::new()).await;
    served.get(&path(&grant, "")).await;
    served
        .post_json(&path(&grant, "/reencrypt"), &grant.request(1))
        .await;
    let text = served.get("/metrics").await.text().await.unwrap();
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
    let response = served
        .post_json(&path(&grant, "/reencrypt"), &grant.request(1))
        .await;
    assert_eq!(code(response).await, Refusal::ShuttingDown);
    assert_eq!(served.get("/readyz").await.status().as_u16(), 503);
    served.stopper.stop();
    tokio::time::timeout(Duration::from_secs(10), served.task)
        .await
        .unwrap()
        .unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn a_port_in_use_is_a_clear_error() {
    let served = Served::new(World::new()).await;
    let error = bind(served.address).await.unwrap_err();
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
    world.chain.queue_policy(&grant.terms);
    world.chain.mine_many(3);
    let served = Arc::new(Served::new(world).await);
    let upload = grant.upload(&served.running.node.keys.umbral.public_key());
    served.post_json(&path(&grant, "/kfrag"), &upload).await;
    let requests = (0..32).map(|_| grant.request(served.world.chain.height()));
    let answers = requests.map(|request| {
        let (served, path) = (served.clone(), path(&grant, "/reencrypt"));
        async move { served.post_json(&path, &request).await.status().as_u16() }
    });
    let answers = futures_util::future::join_all(answers).await;
    assert_eq!(answers, vec![200; 32]);
}
