use std::sync::{Arc, Mutex};

use kms_protocol::{EthSecret, Wei};
use tempfile::TempDir;
use tokio::sync::Notify;

use super::{DirJournal, JournaledTx, SendEvent, TxJournal, Wallet, WalletOptions};

mod crash;
mod endpoints;
mod gap;
mod hand;
mod node;
mod results;
use node::{FOREVER, Node};

use crate::chain::Chain;
use crate::contracts::call::Call;
use crate::error::ChainError;
use crate::rpc::RpcConfig;
use crate::send::TxRejection;
use crate::test_support::{Reply, Server, address, deployment};
use crate::types::TxReceipt;

struct Setup {
    node: Arc<Mutex<Node>>,
    died: Arc<Notify>,
    server: Server,
    directory: TempDir,
}

impl Setup {
    async fn new(node: Node) -> Self {
        let node = Arc::new(Mutex::new(node));
        let died = Arc::new(Notify::new());
        let (shared, notify) = (Arc::clone(&node), Arc::clone(&died));
        let server = Server::of_deployment(move |method, params| {
            let mut node = shared.lock().unwrap();
            node.calls += 1;
            if node.dies_at == Some(node.calls) {
                notify.notify_one();
                return Reply::Silence(FOREVER);
            }
            node.answer(method, params)
        })
        .await;
        Self {
            node,
            died,
            server,
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// A call was journaled and sent, and the node lost it.
    async fn lost() -> Self {
        let loses = Node {
            loses: true,
            ..Node::miner()
        };
        let setup = Self::new(loses).await;
        assert!(send(&setup.hasty(), &claim(1)).await.is_err());
        setup
    }

    fn journal(&self) -> DirJournal {
        DirJournal::open(self.directory.path()).unwrap()
    }

    fn wallet_with(&self, options: WalletOptions) -> Wallet<DirJournal> {
        let config = RpcConfig {
            timeout_ms: 100,
            ..RpcConfig::new(vec![self.server.url.clone()])
        };
        let chain = Chain::offline(&config, deployment()).unwrap();
        Wallet::new(chain, secret(), self.journal(), options)
    }

    fn wallet(&self) -> Wallet<DirJournal> {
        self.wallet_with(options())
    }

    /// A wallet that does not wait.
    fn hasty(&self) -> Wallet<DirJournal> {
        self.wallet_with(WalletOptions {
            timeout_ms: 0,
            ..options()
        })
    }

    fn journaled(&self) -> Vec<JournaledTx> {
        self.journal().load(31_337, secret().address()).unwrap()
    }
}

fn secret() -> EthSecret {
    EthSecret::from_bytes(&[7; 32]).unwrap()
}

fn options() -> WalletOptions {
    WalletOptions {
        displaced_after_ms: 10,
        poll_ms: 1,
        bump_after_ms: 60_000,
        timeout_ms: 10_000,
        lock_timeout_ms: 20,
        ..WalletOptions::default()
    }
}

fn claim(byte: u8) -> Call {
    Call::Claim {
        miner: address(byte),
    }
}

async fn send(wallet: &Wallet<DirJournal>, call: &Call) -> Result<TxReceipt, ChainError> {
    wallet.send(call, &mut |_| {}).await
}

#[tokio::test]
async fn sends_once_and_leaves_nothing_behind() {
    let setup = Setup::new(Node::miner()).await;
    let receipt = send(&setup.wallet(), &claim(1)).await.unwrap();
    assert_eq!(receipt.fee, Wei(21_000 * 100));
    assert_eq!(setup.node.lock().unwrap().seen.len(), 1);
    assert_eq!(setup.journaled(), []);
}

#[tokio::test]
async fn resumes_the_same_bytes_after_a_broadcast_that_was_lost() {
    let setup = Setup::new(Node {
        loses: true,
        ..Node::miner()
    })
    .await;
    let result = send(&setup.hasty(), &claim(1)).await;
    assert!(
        matches!(result, Err(ChainError::NotMined { .. })),
        "{result:?}"
    );
    let [left] = setup.journaled().try_into().unwrap();
    assert_eq!((left.nonce, left.kind.as_str()), (0, "claim"));
    setup.node.lock().unwrap().loses = false;
    let receipt = send(&setup.wallet(), &claim(1)).await.unwrap();
    assert_eq!(receipt.tx_hash, left.hash);
    assert_eq!(setup.node.lock().unwrap().seen.len(), 1);
    assert_eq!(setup.journaled(), []);
}

#[tokio::test]
async fn finds_what_was_mined_while_it_was_away() {
    let setup = Setup::new(Node {
        mines_from: None,
        ..Node::miner()
    })
    .await;
    assert!(send(&setup.hasty(), &claim(1)).await.is_err());
    {
        let mut node = setup.node.lock().unwrap();
        node.mines_from = Some(0);
        node.mine();
    }
    let resumed = setup.wallet().resume(&mut |_| {}).await.unwrap();
    assert_eq!(resumed.len(), 1);
    assert!(resumed[0].outcome.as_ref().unwrap().succeeded);
    assert_eq!(setup.server.count("eth_sendRawTransaction"), 1);
    assert_eq!(setup.journaled(), []);
}

#[tokio::test]
async fn settles_an_old_call_before_a_new_one() {
    let setup = Setup::lost().await;
    setup.node.lock().unwrap().loses = false;
    let mut seen = Vec::new();
    setup
        .wallet()
        .send(&claim(2), &mut |event| seen.push(event))
        .await
        .unwrap();
    assert!(
        matches!(&seen[0], SendEvent::Resuming { kind, .. } if kind == "claim"),
        "{seen:?}"
    );
    let node = setup.node.lock().unwrap();
    assert_eq!(node.mined.keys().copied().collect::<Vec<_>>(), [0, 1]);
}

#[tokio::test]
async fn reprices_a_stuck_transaction_at_the_same_nonce() {
    let setup = Setup::new(Node {
        mines_from: Some(1_200_000),
        ..Node::miner()
    })
    .await;
    let wallet = setup.wallet_with(WalletOptions {
        bump_after_ms: 5,
        ..options()
    });
    let receipt = send(&wallet, &claim(1)).await.unwrap();
    let node = setup.node.lock().unwrap();
    assert!(node.seen.len() > 1);
    assert!(node.seen.iter().all(|(_, nonce, _)| *nonce == 0));
    assert!(node.seen.is_sorted_by(|a, b| b.2 >= a.2 + a.2 / 8));
    assert_eq!(node.mined[&0].0, receipt.tx_hash);
    drop(node);
    assert_eq!(setup.journaled(), []);
}

#[tokio::test]
async fn reprices_no_further_than_its_cap() {
    let setup = Setup::new(Node {
        mines_from: None,
        ..Node::miner()
    })
    .await;
    let cap = WalletOptions {
        bump_after_ms: 0,
        timeout_ms: 200,
        max_fee_cap: Wei(1_300_000),
        ..options()
    };
    let result = send(&setup.wallet_with(cap), &claim(1)).await;
    assert!(
        matches!(result, Err(ChainError::NotMined { .. })),
        "{result:?}"
    );
    let node = setup.node.lock().unwrap();
    assert!(node.seen.len() > 1 && node.seen.iter().all(|(.., fee)| *fee <= 1_300_000));
}

#[tokio::test]
async fn sends_nothing_when_the_market_is_above_the_cap() {
    let setup = Setup::new(Node {
        base_fee: 5_000_000,
        ..Node::miner()
    })
    .await;
    let wallet = setup.wallet_with(WalletOptions {
        max_fee_cap: Wei(5_500_000),
        ..options()
    });
    match send(&wallet, &claim(1)).await {
        Err(ChainError::FeeCap {
            needed_wei,
            cap_wei,
        }) => {
            assert_eq!((needed_wei, cap_wei), (6_000_000, 5_500_000));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(setup.server.count("eth_sendRawTransaction"), 0);
    assert_eq!(setup.journaled(), []);
}

#[tokio::test]
async fn notices_that_its_nonce_was_used_elsewhere() {
    let setup = Setup::lost().await;
    setup.node.lock().unwrap().foreign = 1;
    let resumed = setup.wallet().resume(&mut |_| {}).await.unwrap();
    assert!(matches!(
        resumed[0].outcome,
        Err(ChainError::ForeignNonce { nonce: 0, .. })
    ));
    assert_eq!(setup.journaled(), []);
}

#[tokio::test]
async fn a_receipt_that_comes_late_is_not_from_elsewhere() {
    let setup = Setup::new(Node {
        late_receipts: 30,
        ..Node::miner()
    })
    .await;
    let wallet = setup.wallet_with(WalletOptions {
        displaced_after_ms: WalletOptions::default().displaced_after_ms,
        ..options()
    });
    let receipt = send(&wallet, &claim(1)).await.unwrap();
    assert!(receipt.succeeded);
    assert_eq!(setup.node.lock().unwrap().mined.len(), 1);
}

#[tokio::test]
async fn clears_what_every_endpoint_refused_for_good() {
    let refuses = Some("insufficient funds for gas * price + value");
    let setup = Setup::new(Node {
        refuses,
        ..Node::miner()
    })
    .await;
    match send(&setup.wallet(), &claim(1)).await {
        Err(ChainError::Rejected { reason, .. }) => {
            assert_eq!(reason, TxRejection::InsufficientFunds);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(setup.journaled(), []);
}

#[tokio::test]
async fn keeps_what_a_full_pool_refused() {
    let setup = Setup::new(Node {
        refuses: Some("txpool is full"),
        ..Node::miner()
    })
    .await;
    let result = send(&setup.hasty(), &claim(1)).await;
    assert!(
        matches!(result, Err(ChainError::NotMined { .. })),
        "{result:?}"
    );
    assert_eq!(setup.journaled().len(), 1);
    setup.node.lock().unwrap().refuses = None;
    assert!(send(&setup.wallet(), &claim(1)).await.is_ok());
}

#[tokio::test]
async fn tells_why_a_mined_transaction_failed() {
    let setup = Setup::new(Node {
        fails: true,
        ..Node::miner()
    })
    .await;
    let result = send(&setup.wallet(), &claim(1)).await;
    assert!(
        matches!(result, Err(ChainError::Reverted { .. })),
        "{result:?}"
    );
    assert_eq!(setup.journaled(), []);
}

#[tokio::test]
async fn waits_for_the_confirmations_asked_for() {
    let setup = Setup::new(Node::miner()).await;
    let wallet = setup.wallet_with(WalletOptions {
        confirmations: 5,
        ..options()
    });
    let receipt = send(&wallet, &claim(1)).await.unwrap();
    assert!(setup.node.lock().unwrap().head >= receipt.block_number + 4);
}

#[tokio::test]
async fn lets_another_process_finish_first() {
    let setup = Setup::new(Node::miner()).await;
    let lock = setup.journal().try_lock().unwrap().unwrap();
    let mut seen = Vec::new();
    let result = setup
        .wallet()
        .send(&claim(1), &mut |event| seen.push(event))
        .await;
    assert!(
        matches!(result, Err(ChainError::JournalBusy { .. })),
        "{result:?}"
    );
    assert_eq!(seen, [SendEvent::WaitingForLock]);
    assert_eq!(setup.node.lock().unwrap().calls, 0);
    drop(lock);
    assert!(send(&setup.wallet(), &claim(1)).await.is_ok());
}

#[test]
fn shows_no_secret() {
    let config = RpcConfig::new(vec!["http://127.0.0.1:1".to_owned()]);
    let chain = Chain::offline(&config, deployment()).unwrap();
    let wallet = Wallet::new(chain, secret(), crash::Full, options());
    let text = format!("{wallet:?}");
    assert!(
        !text.contains(&hex::encode([7; 32])) && text.contains(&secret().address().to_string())
    );
    assert_eq!(wallet.address(), secret().address());
}
