//! Limits on slow clients, large requests and many connections.

use std::time::Duration;

use kms_protocol::Refusal;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{Served, code};
use crate::testkit::World;

const PATH: &str = "/v2/message";

#[tokio::test]
async fn a_body_above_the_cap_is_refused_declared_or_not() {
    let served = Served::new(World::new()).await;
    let large = vec![b' '; routes_cap() + 1];
    assert_eq!(
        code(served.post(PATH, large).await).await,
        Refusal::TooLarge
    );
    let head = format!("POST {PATH} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunk = format!("{:x}\r\n{}\r\n", 40_000, " ".repeat(40_000));
    let request = format!("{head}{chunk}{chunk}0\r\n\r\n");
    let (answer, _) = served.raw(request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

fn routes_cap() -> usize {
    crate::serve::http::routes::MAX_BODY_BYTES
}

#[tokio::test]
async fn a_client_slow_with_its_head_is_dropped() {
    let served = Served::new(World::new().set("header_timeout_ms", "200")).await;
    for start in ["", "GET /livez HTTP/1.1\r\nhost: a\r\n"] {
        let (answer, time) = served.raw(start.as_bytes()).await;
        assert!(!answer.contains("200 OK"), "{answer}");
        assert!(time >= Duration::from_millis(150), "{time:?}");
    }
}

#[tokio::test]
async fn a_client_slow_with_its_body_is_refused_in_time() {
    let served = Served::new(World::new().set("request_timeout_ms", "200")).await;
    let head = format!("POST {PATH} HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{{");
    let (answer, _) = served.raw(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("too_slow"), "{answer}");
}

#[tokio::test]
async fn a_head_above_the_buffer_is_refused() {
    let served = Served::new(World::new()).await;
    let request = format!(
        "GET /livez HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
        "a".repeat(20_000)
    );
    let (answer, _) = served.raw(request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn waiting_connections_do_not_shut_an_honest_client_out() {
    let world = World::new()
        .set("max_connections", "16")
        .set("max_connections_per_ip", "8");
    let served = Served::new(world).await;
    let mut slow = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        let _ = stream.write_all(b"GET /livez HTTP/1.1\r\n").await;
        slow.push(stream);
    }
    assert_eq!(served.get("/livez").await.status().as_u16(), 200);
    assert!(served.running.node.metrics.evictions.get() > 0);
}
