//! Limits, cut lines, errors, and answers that a check refuses.

use super::*;

/// A server that limits its first callers so many times, in a way of its own, and then answers.
async fn limiting(times: u32, limit: impl Fn() -> Reply + Send + Sync + 'static) -> Server {
    let left = std::sync::atomic::AtomicU32::new(times);
    Server::start(move |_, _| {
        use std::sync::atomic::Ordering::Relaxed;
        let is_left = left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        match is_left {
            Ok(_) => limit(),
            Err(_) => Reply::Result(json!("0x5")),
        }
    })
    .await
}

fn too_many() -> Reply {
    let wait = vec![(header::RETRY_AFTER, "0")];
    Reply::Raw(StatusCode::TOO_MANY_REQUESTS, wait, Body::empty())
}

#[tokio::test]
async fn a_limit_or_a_cut_line_ends_no_request() {
    let cut = || {
        let broken = stream::iter([Ok(vec![b'{']), Err(std::io::Error::other("cut"))]);
        Reply::Raw(StatusCode::OK, Vec::new(), Body::from_stream(broken))
    };
    let ways: [fn() -> Reply; 5] = [
        too_many,
        || Reply::text(StatusCode::TOO_MANY_REQUESTS, "slow down"),
        || Reply::Error(-32_005, "daily request count exceeded"),
        || Reply::Error(-32_000, "exceeded its compute units per second"),
        cut,
    ];
    for (index, way) in ways.into_iter().enumerate() {
        let server = limiting(2, way).await;
        assert_eq!(
            number(&rpc(&[&server.url])).await.unwrap(),
            "0x5",
            "{index}"
        );
        assert_eq!(server.count("eth_blockNumber"), 3, "{index}");
    }
}

#[tokio::test]
async fn a_limit_is_waited_for_within_the_time_allowed_only() {
    let server = limiting(1, || {
        let wait = vec![(header::RETRY_AFTER, "3600")];
        Reply::Raw(StatusCode::TOO_MANY_REQUESTS, wait, Body::empty())
    })
    .await;
    let rpc = Rpc::new(&RpcConfig {
        patience_ms: 50,
        ..config(&[&server.url])
    })
    .unwrap();
    // The second is not sent: the endpoint wants none for a minute.
    for _ in 0..2 {
        let answer = number(&rpc).await;
        let limited = RpcFault::Limited;
        assert!(
            matches!(answer, Err(ChainError::Unreachable { fault, .. }) if fault == limited),
            "{answer:?}"
        );
    }
    assert_eq!(server.count("eth_blockNumber"), 1);
}

#[tokio::test]
async fn a_limited_endpoint_is_left_alone_while_another_one_answers() {
    let (limited, alive) = (limiting(1, too_many).await, good().await);
    let rpc = rpc(&[&limited.url, &alive.url]);
    assert_eq!(number(&rpc).await.unwrap(), "0x5");
    assert_eq!(alive.count("eth_blockNumber"), 1);
}

#[tokio::test]
async fn an_error_that_another_endpoint_does_not_give_counts_against_the_first() {
    let failing = Server::start(|_, _| Reply::Error(-32_000, "missing trie node")).await;
    let poor = Server::start(|_, _| Reply::Error(-32_601, "method not found")).await;
    let alive = good().await;
    let rpc = rpc(&[&failing.url, &poor.url, &alive.url]);
    for _ in 0..2 {
        assert_eq!(number(&rpc).await.unwrap(), "0x5");
    }
    let failures: Vec<u32> = rpc.health().iter().map(|one| one.failures).collect();
    assert_eq!(failures, [1, 0, 0], "a missing method makes nobody worse");
    assert_eq!(failing.count("eth_blockNumber"), 1);
    assert_eq!(poor.count("eth_blockNumber"), 2);
}

#[tokio::test]
async fn what_a_check_refuses_goes_to_the_next_endpoint() {
    let (first, second) = (
        Server::start(|_, _| Reply::Result(json!("0x6"))).await,
        good().await,
    );
    let rpc = rpc(&[&first.url, &second.url]);
    let five = |answer: String| match answer.as_str() {
        "0x5" => Ok(5),
        _ => Err("not five"),
    };
    let answer = rpc.request_read("eth_blockNumber", &[(); 0], five).await;
    assert_eq!(answer.unwrap(), 5);
    assert_eq!(rpc.health()[0].failures, 1);
    let six = |_: String| Err::<(), _>("not six");
    let answer = rpc.request_read("eth_blockNumber", &[(); 0], six).await;
    assert!(
        matches!(
            answer,
            Err(ChainError::BadReply {
                reason: "not six",
                ..
            })
        ),
        "{answer:?}"
    );
}

#[tokio::test]
async fn counts_requests_by_what_became_of_them() {
    let (limited, poor) = (
        limiting(9, too_many).await,
        Server::start(|_, _| Reply::Error(-32_601, "method not found")).await,
    );
    let alive = good().await;
    let rpc = rpc(&[&limited.url, &poor.url, &alive.url]);
    assert_eq!(number(&rpc).await.unwrap(), "0x5");
    let mut counts: Vec<(&str, u64)> = Vec::new();
    let all = rpc.requests();
    for one in &all {
        assert_eq!(one.method, "eth_blockNumber");
        counts.push((one.outcome.label(), one.count));
    }
    counts.sort_unstable();
    assert_eq!(counts, [("error", 1), ("limited", 1), ("ok", 1)]);
}
