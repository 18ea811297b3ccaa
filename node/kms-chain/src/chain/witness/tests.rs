use super::*;
use crate::rpc::RpcConfig;
use crate::test_support::{Reply, Server, deployment};

/// An endpoint at a height, whose contracts count that many events.
async fn endpoint(height: u64, count: u64) -> Server {
    Server::of_deployment(move |method, params| match method {
        "eth_blockNumber" => Reply::Result(json!(format!("{height:#x}"))),
        "eth_call" => {
            let text = params[1].as_str().unwrap().trim_start_matches("0x");
            match u64::from_str_radix(text, 16).unwrap() <= height {
                true => Reply::Result(json!(format!("0x{count:064x}"))),
                false => Reply::Error(-32_000, "header not found"),
            }
        }
        "eth_getBalance" => Reply::Result(json!(format!("{height:#x}"))),
        other => panic!("{other}"),
    })
    .await
}

fn chain(servers: &[&Server]) -> Chain {
    let urls = servers.iter().map(|server| server.url.clone()).collect();
    let config = RpcConfig {
        timeout_ms: 30_000,
        ..RpcConfig::new(urls)
    };
    Chain::offline(&config, deployment()).unwrap()
}

/// Height of the endpoint that answers a request.
async fn asked(chain: &Chain) -> u128 {
    chain.eth_balance(Address::ZERO).await.unwrap().0
}

#[tokio::test]
async fn an_endpoint_that_stands_still_is_passed_over() {
    let (frozen, live) = (endpoint(10, 0).await, endpoint(19, 0).await);
    let chain = chain(&[&frozen, &live]);
    assert_eq!(asked(&chain).await, 10, "the first is preferred");
    assert_eq!(chain.check_heads().await.unwrap(), 19);
    for _ in 0..3 {
        assert_eq!(asked(&chain).await, 19);
    }
}

#[tokio::test]
async fn an_endpoint_that_is_a_little_behind_or_ahead_is_not() {
    for height in [11, 19, 500] {
        let (first, second) = (endpoint(height, 0).await, endpoint(19, 0).await);
        let chain = chain(&[&first, &second]);
        assert_eq!(chain.check_heads().await.unwrap(), height.max(19));
        assert_eq!(asked(&chain).await, u128::from(height));
    }
}

#[tokio::test]
async fn a_single_endpoint_is_asked_however_it_stands() {
    let only = endpoint(10, 3).await;
    let chain = chain(&[&only]);
    assert_eq!(chain.check_heads().await.unwrap(), 10);
    assert_eq!(asked(&chain).await, 10);
    assert_eq!(chain.last_seqs_at(5).await.unwrap(), None);
}

#[tokio::test]
async fn the_highest_count_wins_whoever_shows_it() {
    let counts = |counts: Option<LastSeqs>| counts.map(|counts| counts.policies);
    for (first, second) in [(7, 9), (9, 7)] {
        let (first, second) = (endpoint(20, first).await, endpoint(20, second).await);
        let chain = chain(&[&first, &second]);
        assert_eq!(counts(chain.last_seqs_at(18).await.unwrap()), Some(9));
    }
    let (behind, other) = (endpoint(10, 99).await, endpoint(20, 7).await);
    let chain = chain(&[&behind, &other]);
    assert_eq!(counts(chain.last_seqs_at(18).await.unwrap()), Some(7));
    assert_eq!(counts(chain.last_seqs_at(30).await.unwrap()), None);
}
