use super::*;
use crate::rpc::RpcConfig;
use crate::test_support::{Reply, Server, block_json, deployment, hash};

/// Time of block 0, in seconds; the others follow every 12 s.
const GENESIS: u64 = 1_700_000_000;

/// Height, time and fork of an endpoint, and the number of events that its contracts count.
#[derive(Clone, Copy)]
struct Shown {
    height: u64,
    time: u64,
    fork: u8,
    count: u64,
}

fn at(height: u64) -> Shown {
    Shown {
        height,
        time: GENESIS + 12 * height,
        fork: 0,
        count: 0,
    }
}

/// Hash of a block of a fork.
fn block(fork: u8, number: u64) -> B256 {
    kms_protocol::keccak256(&[&[fork][..], &number.to_be_bytes()].concat())
}

async fn endpoint(shown: Shown) -> Server {
    let Shown {
        height,
        time,
        fork,
        count,
    } = shown;
    Server::of_deployment(move |method, params| match method {
        "eth_getBlockByNumber" if params[0] == "latest" => {
            Reply::Result(block_json(height, hash(4), time))
        }
        "eth_call" => {
            assert_eq!(params[1]["requireCanonical"], true);
            let mut known = (0..=height).map(|number| json!(block(fork, number)));
            match known.any(|known| known == params[1]["blockHash"]) {
                true => Reply::Result(json!(format!("0x{count:064x}"))),
                false => Reply::Error(-32_000, "header for hash not found"),
            }
        }
        "eth_getBalance" => Reply::Result(json!(format!("{height:#x}"))),
        other => panic!("{other}"),
    })
    .await
}

/// A client that allows blocks this far ahead of the clock, in seconds; `None` for any.
fn chain_within(max_ahead_s: Option<u64>, servers: &[&Server]) -> Chain {
    let urls = servers.iter().map(|server| server.url.clone()).collect();
    let config = RpcConfig {
        timeout_ms: 30_000,
        max_ahead_s,
        ..RpcConfig::new(urls)
    };
    Chain::offline(&config, deployment()).unwrap()
}

fn chain(servers: &[&Server]) -> Chain {
    chain_within(None, servers)
}

/// Height of the endpoint that answers a request.
async fn asked(chain: &Chain) -> u128 {
    chain.eth_balance(Address::ZERO).await.unwrap().0
}

#[tokio::test]
async fn an_endpoint_that_stands_still_is_passed_over() {
    for max_ahead_s in [None, Some(300)] {
        let (frozen, live) = (endpoint(at(10)).await, endpoint(at(19)).await);
        let chain = chain_within(max_ahead_s, &[&frozen, &live]);
        assert_eq!(asked(&chain).await, 10, "the first is preferred");
        chain.check_heads().await.unwrap();
        for _ in 0..3 {
            assert_eq!(asked(&chain).await, 19);
        }
    }
}

#[tokio::test]
async fn an_endpoint_that_is_a_little_behind_or_ahead_is_not() {
    // Nine blocks within a minute are few as well.
    let quick = Shown {
        time: at(19).time - 60,
        ..at(10)
    };
    for shown in [at(11), at(19), at(500), quick] {
        let (first, second) = (endpoint(shown).await, endpoint(at(19)).await);
        let chain = chain(&[&first, &second]);
        chain.check_heads().await.unwrap();
        assert_eq!(asked(&chain).await, u128::from(shown.height));
    }
}

#[tokio::test]
async fn a_height_that_no_time_bears_out_puts_nobody_behind() {
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let young = Shown {
        time: now,
        ..at(19)
    };
    // An old time, the honest one, the latest that is allowed, and one that is not.
    for time in [GENESIS, now, now + 290, now + 100_000, u64::MAX] {
        let liar = Shown {
            time,
            ..at(1 << 60)
        };
        let (honest, liar) = (endpoint(young).await, endpoint(liar).await);
        let chain = chain_within(Some(300), &[&honest, &liar]);
        chain.check_heads().await.unwrap();
        assert_eq!(asked(&chain).await, 19, "{time}");
    }
    // Nor does it hide one that stands still.
    let liar = Shown {
        time: GENESIS,
        ..at(1 << 60)
    };
    let (frozen, honest) = (endpoint(at(10)).await, endpoint(young).await);
    let liar = endpoint(liar).await;
    let chain = chain_within(Some(300), &[&frozen, &honest, &liar]);
    chain.check_heads().await.unwrap();
    assert_eq!(asked(&chain).await, 19);
}

#[tokio::test]
async fn heads_that_cannot_be_true_are_an_error_where_there_are_no_others() {
    let future = Shown {
        time: u64::MAX,
        ..at(19)
    };
    let (first, second) = (endpoint(future).await, endpoint(future).await);
    let chain = chain_within(Some(300), &[&first, &second]);
    let refused = chain.check_heads().await;
    assert!(
        matches!(refused, Err(ChainError::BadReply { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_single_endpoint_is_asked_however_it_stands() {
    let only = endpoint(at(10)).await;
    let chain = chain(&[&only]);
    chain.check_heads().await.unwrap();
    assert_eq!(asked(&chain).await, 10);
    assert_eq!(chain.last_seqs_at(block(0, 5)).await.unwrap(), None);
}

/// What two endpoints count of the policies as of a block.
async fn counted(first: Shown, second: Shown, block: B256) -> Option<u64> {
    let (first, second) = (endpoint(first).await, endpoint(second).await);
    let chain = chain(&[&first, &second]);
    let counts = chain.last_seqs_at(block).await.unwrap();
    counts.map(|counts| counts.policies)
}

#[tokio::test]
async fn the_highest_count_wins_whoever_shows_it() {
    let counting = |height, count| Shown {
        count,
        ..at(height)
    };
    let (seven, nine) = (counting(20, 7), counting(20, 9));
    assert_eq!(counted(seven, nine, block(0, 18)).await, Some(9));
    assert_eq!(counted(nine, seven, block(0, 18)).await, Some(9));
    let behind = counting(10, 99);
    assert_eq!(counted(behind, seven, block(0, 18)).await, Some(7));
    assert_eq!(counted(behind, seven, block(0, 30)).await, None);
}

#[tokio::test]
async fn what_another_fork_counts_does_not_count() {
    let ours = Shown { count: 7, ..at(20) };
    let forked = Shown {
        count: 9,
        fork: 1,
        ..ours
    };
    for (first, second) in [(ours, forked), (forked, ours)] {
        assert_eq!(counted(first, second, block(0, 18)).await, Some(7));
    }
    assert_eq!(counted(forked, forked, block(0, 18)).await, None);
}
