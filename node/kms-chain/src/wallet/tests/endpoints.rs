//! The wallet with two endpoints, one of which is down.

use super::{Node, Setup, claim, options, secret, send};
use crate::chain::Chain;
use crate::error::ChainError;
use crate::rpc::RpcConfig;
use crate::test_support::deployment;
use crate::wallet::{DirJournal, Wallet, WalletOptions};

impl Setup {
    /// A wallet that asks an endpoint which is down as well.
    fn beside_a_dead_one(&self, options: WalletOptions) -> Wallet<DirJournal> {
        let urls = vec![self.server.url.clone(), "http://127.0.0.1:1".to_owned()];
        let config = RpcConfig {
            timeout_ms: 30_000,
            ..RpcConfig::new(urls)
        };
        let chain = Chain::offline(&config, deployment()).unwrap();
        Wallet::new(chain, secret(), self.journal(), options)
    }
}

/// A call that was sent, and sent again at higher fees, and is not mined.
async fn repriced() -> Setup {
    let setup = Setup::new(Node {
        mines_from: None,
        ..Node::miner()
    })
    .await;
    let hasty = WalletOptions {
        bump_after_ms: 0,
        timeout_ms: 0,
        ..options()
    };
    while setup.node.lock().unwrap().seen.len() < 2 {
        let wallet = setup.beside_a_dead_one(hasty.clone());
        assert!(send(&wallet, &claim(1)).await.is_err());
    }
    setup
}

#[tokio::test]
async fn the_older_attempt_is_found_while_an_endpoint_is_down() {
    let setup = repriced().await;
    let oldest = {
        let mut node = setup.node.lock().unwrap();
        let oldest = node.seen[0].0;
        node.mined.insert(0, (oldest, true));
        node.head = 20;
        oldest
    };
    let wallet = setup.beside_a_dead_one(WalletOptions {
        timeout_ms: 30_000,
        ..options()
    });
    let [resumed] = wallet
        .resume(&mut |_| {})
        .await
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(resumed.outcome.unwrap().tx_hash, oldest);
    assert!(setup.journaled().is_empty());
}

#[tokio::test]
async fn a_nonce_is_not_given_up_while_an_endpoint_is_down() {
    let setup = repriced().await;
    setup.node.lock().unwrap().foreign = 1;
    let wallet = setup.beside_a_dead_one(WalletOptions {
        displaced_after_ms: 0,
        timeout_ms: 100,
        ..options()
    });
    let left = wallet.resume(&mut |_| {}).await;
    assert!(matches!(left, Err(ChainError::NotMined { .. })), "{left:?}");
    assert!(!setup.journaled().is_empty());
}
