//! The wallet on a full disk, and killed at every call it makes.

use std::path::PathBuf;

use kms_protocol::Address;

use super::{Node, Setup, claim, options, secret, send};
use crate::chain::Chain;
use crate::error::{ChainError, FileAction};
use crate::rpc::RpcConfig;
use crate::test_support::deployment;
use crate::wallet::{JournalLock, JournaledTx, SettledTx, TxJournal, Wallet};

/// A journal on a full disk.
pub(super) struct Full;

impl TxJournal for Full {
    fn try_lock(&self) -> Result<Option<JournalLock>, ChainError> {
        Ok(Some(JournalLock::private()))
    }

    fn load(&self, _: u64, _: Address) -> Result<Vec<JournaledTx>, ChainError> {
        Ok(Vec::new())
    }

    fn record(&self, _: &JournaledTx) -> Result<(), ChainError> {
        Err(ChainError::File {
            action: FileAction::Write,
            path: PathBuf::from("full"),
            source: std::io::Error::from(std::io::ErrorKind::StorageFull),
        })
    }

    fn clear(&self, _: &JournaledTx) -> Result<(), ChainError> {
        Ok(())
    }

    fn keep(&self, _: &SettledTx) -> Result<(), ChainError> {
        Ok(())
    }

    fn kept(&self, _: u64, _: Address) -> Result<Vec<SettledTx>, ChainError> {
        Ok(Vec::new())
    }

    fn forget(&self, _: &SettledTx) -> Result<(), ChainError> {
        Ok(())
    }

    fn location(&self) -> PathBuf {
        PathBuf::from("full")
    }
}

#[tokio::test]
async fn broadcasts_nothing_that_is_not_on_the_disk() {
    let setup = Setup::new(Node::miner()).await;
    let wallet = setup.wallet();
    let wallet = Wallet::new(wallet.chain().clone(), secret(), Full, options());
    let result = wallet.send(&claim(1), &mut |_| {}).await;
    assert!(matches!(result, Err(ChainError::File { .. })), "{result:?}");
    assert_eq!(setup.server.count("eth_sendRawTransaction"), 0);
}

/// R1: whichever call of the node is the last one before the process dies, running the command
/// again has exactly one effect.
#[tokio::test]
async fn has_one_effect_wherever_it_is_killed() {
    let count = {
        let setup = Setup::new(Node::miner()).await;
        send(&setup.wallet(), &claim(1)).await.unwrap();
        setup.node.lock().unwrap().calls
    };
    assert!(count > 5);
    let call = claim(1);
    for dies_at in 1..=count {
        let setup = Setup::new(Node {
            dies_at: Some(dies_at),
            ..Node::miner()
        })
        .await;
        let config = RpcConfig {
            timeout_ms: 600_000,
            ..RpcConfig::new(vec![setup.server.url.clone()])
        };
        let chain = Chain::offline(&config, deployment()).unwrap();
        let victim = Wallet::new(chain, secret(), setup.journal(), options());
        tokio::select! {
            result = send(&victim, &call) => panic!("survived {dies_at}: {result:?}"),
            () = setup.died.notified() => {}
        }
        drop(victim);
        let receipt = send(&setup.wallet(), &claim(1)).await.unwrap();
        let node = setup.node.lock().unwrap();
        assert_eq!(node.mined.len(), 1, "{dies_at}");
        assert_eq!(node.mined[&0].0, receipt.tx_hash, "{dies_at}");
    }
}
