use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, header};
use futures_util::stream;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Rpc, RpcConfig, wire};
use crate::error::{ChainError, RpcFault};
use crate::test_support::{Reply, Server};

mod identity;
mod limits;

/// Far longer than any timeout below; nothing waits for it.
const FOREVER: Duration = Duration::from_secs(600);

fn config(urls: &[&str]) -> RpcConfig {
    RpcConfig {
        timeout_ms: 300,
        max_body_bytes: 64 * 1024,
        ..RpcConfig::new(urls.iter().map(|url| (*url).to_owned()).collect())
    }
}

fn rpc(urls: &[&str]) -> Rpc {
    Rpc::new(&config(urls)).unwrap()
}

async fn number(rpc: &Rpc) -> Result<String, ChainError> {
    rpc.request("eth_blockNumber", &[(); 0]).await
}

async fn good() -> Server {
    Server::start(|_, _| Reply::Result(json!("0x5"))).await
}

async fn check_fault(reply: impl Fn() -> Reply + Send + Sync + 'static, expected: RpcFault) {
    let server = Server::start(move |_, _| reply()).await;
    match number(&rpc(&[&server.url])).await {
        Err(ChainError::Unreachable { fault, method, .. }) => {
            assert_eq!((fault, method), (expected, "eth_blockNumber"));
        }
        other => panic!("{other:?}"),
    }
}

fn raw(text: &str) -> Reply {
    Reply::text(StatusCode::OK, text.to_owned())
}

#[test]
fn refuses_a_configuration_without_usable_endpoints() {
    assert!(matches!(
        Rpc::new(&config(&[])),
        Err(ChainError::NoEndpoint)
    ));
    for url in [
        "",
        "ws://a",
        "ipc:///a",
        "http://",
        "localhost:8545",
        "file:///etc/passwd",
    ] {
        let result = Rpc::new(&config(&["http://localhost:1", url]));
        assert!(
            matches!(result, Err(ChainError::BadUrl { position: 2 })),
            "{url}"
        );
    }
}

#[test]
fn shows_no_access_key() {
    let config = config(&["https://user:pass@host.example/v3/s3cret?key=s3cret"]);
    let rpc = Rpc::new(&config).unwrap();
    for text in [
        format!("{config:?}"),
        format!("{rpc:?}"),
        rpc.health()[0].name.clone(),
    ] {
        assert!(!text.contains("s3cret") && !text.contains("pass"), "{text}");
    }
    assert_eq!(rpc.health()[0].name, "host.example:443");
}

#[tokio::test]
async fn takes_an_answer_to_its_own_request() {
    let server = good().await;
    let rpc = rpc(&[&server.url]);
    assert_eq!(number(&rpc).await.unwrap(), "0x5");
    assert_eq!(rpc.health()[0].failures, 0);
    assert!(rpc.health()[0].latency_ms.is_some());
}

#[tokio::test]
async fn refuses_an_answer_to_another_request() {
    check_fault(
        || raw(r#"{"jsonrpc":"2.0","id":99,"result":"0x5"}"#),
        RpcFault::WrongId,
    )
    .await;
    check_fault(
        || raw(r#"{"jsonrpc":"2.0","id":null,"result":"0x5"}"#),
        RpcFault::WrongId,
    )
    .await;
    check_fault(
        || raw(r#"{"jsonrpc":"2.0","result":"0x5"}"#),
        RpcFault::WrongId,
    )
    .await;
}

#[tokio::test]
async fn refuses_what_is_no_json_rpc_answer() {
    let bodies = [
        "<html><body>504</body></html>",
        "",
        "null",
        "[]",
        r#"{"jsonrpc":"1.0","id":1,"result":"0x5"}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"jsonrpc":"2.0","id":"1","result":"0x5"}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":"0x5"} trailing"#,
        r#"{"jsonrpc":"2.0","id":1,"id":1,"result":"0x5"}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":null}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"no":"string"}}"#,
    ];
    for body in bodies {
        check_fault(move || raw(body), RpcFault::Malformed).await;
    }
    let nested = format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":{}}}"#,
        "[".repeat(20_000)
    );
    check_fault(move || raw(&nested), RpcFault::Malformed).await;
}

#[tokio::test]
async fn follows_no_redirect() {
    let other = good().await;
    for status in [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::TEMPORARY_REDIRECT,
    ] {
        let target: &'static str = Box::leak(other.url.clone().into_boxed_str());
        check_fault(
            move || Reply::Raw(status, vec![(header::LOCATION, target)], Body::empty()),
            RpcFault::Redirect,
        )
        .await;
    }
    assert_eq!(other.count("eth_blockNumber"), 0);
}

#[tokio::test]
async fn refuses_a_body_above_the_cap_announced_or_not() {
    check_fault(|| raw(&" ".repeat(64 * 1024 + 1)), RpcFault::TooLarge).await;
    let endless = || {
        let chunks = stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 16 * 1024]));
        Reply::Raw(StatusCode::OK, Vec::new(), Body::from_stream(chunks))
    };
    check_fault(endless, RpcFault::TooLarge).await;
}

#[tokio::test]
async fn gives_up_on_silence_and_on_a_trickle() {
    check_fault(|| Reply::Silence(FOREVER), RpcFault::Timeout).await;
    let trickle = || {
        let bytes = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Some((Ok::<_, std::io::Error>(vec![b' ']), ()))
        });
        Reply::Raw(StatusCode::OK, Vec::new(), Body::from_stream(bytes))
    };
    check_fault(trickle, RpcFault::Timeout).await;
}

#[tokio::test]
async fn names_an_http_status_and_a_dead_endpoint() {
    let status = StatusCode::BAD_GATEWAY;
    check_fault(
        move || Reply::text(status, "bad gateway"),
        RpcFault::Status(502),
    )
    .await;
    let good_body = r#"{"jsonrpc":"2.0","id":1,"result":"0x5"}"#;
    check_fault(
        move || Reply::text(status, good_body),
        RpcFault::Status(502),
    )
    .await;
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    match number(&rpc(&[&format!("http://127.0.0.1:{port}")])).await {
        Err(ChainError::Unreachable {
            fault, endpoint, ..
        }) => {
            assert_eq!(fault, RpcFault::Connect);
            assert_eq!(endpoint, format!("127.0.0.1:{port}"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn believes_a_revert_and_asks_nobody_else() {
    for (code, message) in [(3, "no"), (-32_000, "execution reverted")] {
        let first = Server::start(move |_, _| Reply::Error(code, message)).await;
        let second = good().await;
        let answer = number(&rpc(&[&first.url, &second.url])).await;
        assert!(matches!(answer, Err(ChainError::Rpc { .. })), "{answer:?}");
        assert_eq!(second.count("eth_blockNumber"), 0);
    }
}

#[tokio::test]
async fn another_error_is_told_only_if_every_endpoint_fails() {
    let failing = || Server::start(|_, _| Reply::Error(-32_000, "header not found\u{1b}[31m\n"));
    let (first, second, third) = (failing().await, failing().await, good().await);
    let answer = number(&rpc(&[&first.url, &third.url])).await;
    assert_eq!(answer.unwrap(), "0x5");
    match number(&rpc(&[&first.url, &second.url])).await {
        Err(ChainError::Rpc { code, message, .. }) => {
            assert_eq!((code, message.as_str()), (-32_000, "header not found[31m"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn fails_over_and_then_stays_with_the_endpoint_that_works() {
    let dead = Server::start(|_, _| Reply::text(StatusCode::OK, "<html>")).await;
    let limited = Server::start(|_, _| Reply::Error(-32_005, "too many requests")).await;
    let alive = good().await;
    let rpc = rpc(&[&dead.url, &limited.url, &alive.url]);
    for _ in 0..5 {
        assert_eq!(number(&rpc).await.unwrap(), "0x5");
    }
    assert_eq!(dead.count("eth_blockNumber"), 1);
    assert_eq!(limited.count("eth_blockNumber"), 1);
    assert_eq!(alive.count("eth_blockNumber"), 5);
    assert_eq!(rpc.health()[0].failures, 1);
}

#[tokio::test]
async fn fails_over_from_a_black_hole() {
    let hole = Server::start(|_, _| Reply::Silence(FOREVER)).await;
    let alive = good().await;
    assert_eq!(number(&rpc(&[&hole.url, &alive.url])).await.unwrap(), "0x5");
}

#[tokio::test]
async fn asks_a_resting_endpoint_when_there_is_no_other() {
    let flaky = std::sync::atomic::AtomicBool::new(true);
    let server = Server::start(move |_, _| {
        if flaky.swap(false, std::sync::atomic::Ordering::Relaxed) {
            raw("garbage")
        } else {
            Reply::Result(json!("0x5"))
        }
    })
    .await;
    let rpc = rpc(&[&server.url]);
    assert!(number(&rpc).await.is_err());
    assert_eq!(number(&rpc).await.unwrap(), "0x5");
    assert_eq!(rpc.health()[0].failures, 0);
}

#[tokio::test]
async fn reads_revert_data_in_both_shapes() {
    let with = |data: Value| {
        let body = json!({ "jsonrpc": "2.0", "id": 1,
            "error": { "code": 3, "message": "execution reverted", "data": data } });
        match wire::parse::<Value>(body.to_string().as_bytes(), 1).unwrap() {
            Err(error) => match error.into_chain_error("eth_call") {
                ChainError::Rpc { data, .. } => data,
                other => panic!("{other:?}"),
            },
            Ok(value) => panic!("{value}"),
        }
    };
    assert_eq!(with(json!("0x1234")), Some(vec![0x12, 0x34]));
    assert_eq!(
        with(json!({ "data": "0x1234", "message": "x" })),
        Some(vec![0x12, 0x34])
    );
    assert_eq!(with(json!("Reverted 0x1234")), Some(vec![0x12, 0x34]));
    assert_eq!(with(json!({ "result": "0x12" })), Some(vec![0x12]));
    for strange in [
        json!("1234"),
        json!("0x123"),
        json!(7),
        json!({}),
        Value::Null,
    ] {
        assert_eq!(with(strange), None);
    }
}

proptest! {
    #[test]
    fn survives_any_bytes(body in proptest::collection::vec(any::<u8>(), 0..200), id in 0..9_u64) {
        let _ = wire::parse::<Value>(&body, id);
    }

    #[test]
    fn cleans_any_text(text in any::<String>()) {
        let cleaned = super::clean(&text);
        prop_assert!(cleaned.chars().count() <= 301);
        prop_assert!(!cleaned.chars().any(char::is_control));
    }
}
