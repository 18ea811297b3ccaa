//! Results that nobody recorded: a call that moves tokens is paid once, whoever settled it.

use kms_protocol::Amount;

use super::{Node, Setup, claim, options, send};
use crate::contracts::call::Call;
use crate::test_support::{address, terms};
use crate::wallet::{SettledTx, TxJournal as _, WalletOptions};

fn transfer(byte: u8) -> Call {
    Call::TransferToken {
        to: address(byte),
        amount: Amount::KMS,
    }
}

impl Setup {
    fn kept(&self) -> Vec<SettledTx> {
        let sender = super::secret().address();
        self.journal().kept(31_337, sender).unwrap()
    }

    fn mined(&self) -> usize {
        self.node.lock().unwrap().mined.len()
    }
}

#[tokio::test]
async fn a_result_that_was_not_told_answers_the_same_call_once() {
    let setup = Setup::new(Node::miner()).await;
    let first = send(&setup.wallet(), &transfer(1)).await.unwrap();
    // Killed before it told anybody: the next process gets the result.
    let wallet = setup.wallet();
    assert_eq!(send(&wallet, &transfer(1)).await.unwrap(), first);
    assert_eq!(setup.mined(), 1);
    wallet.acknowledge().unwrap();
    assert_eq!(setup.kept(), []);
    let second = send(&setup.wallet(), &transfer(1)).await.unwrap();
    assert_ne!(second.tx_hash, first.tx_hash);
    assert_eq!(setup.mined(), 2);
}

#[tokio::test]
async fn another_call_that_settles_it_first_does_not_lose_the_result() {
    let setup = Setup::new(Node {
        loses: true,
        ..Node::miner()
    })
    .await;
    assert!(send(&setup.hasty(), &transfer(1)).await.is_err());
    setup.node.lock().unwrap().loses = false;
    let other = setup.wallet();
    send(&other, &claim(2)).await.unwrap();
    send(&other, &transfer(2)).await.unwrap();
    other.acknowledge().unwrap();
    assert_eq!(setup.mined(), 3);
    let [left] = setup.kept().try_into().unwrap();
    let told = send(&setup.wallet(), &transfer(1)).await.unwrap();
    assert_eq!(told, left.receipt);
    assert_eq!(setup.mined(), 3, "it is not sent again");
}

#[tokio::test]
async fn one_process_may_pay_twice_and_a_harmless_call_is_not_remembered() {
    let setup = Setup::new(Node::miner()).await;
    let wallet = setup.wallet();
    for _ in 0..2 {
        send(&wallet, &transfer(1)).await.unwrap();
    }
    assert_eq!(setup.mined(), 2);
    wallet.acknowledge().unwrap();
    for _ in 0..2 {
        send(&setup.wallet(), &claim(1)).await.unwrap();
        assert_eq!(setup.kept(), []);
    }
    assert_eq!(setup.mined(), 4);
}

#[tokio::test]
async fn a_result_is_forgotten_after_its_time() {
    let setup = Setup::new(Node::miner()).await;
    send(&setup.wallet(), &transfer(1)).await.unwrap();
    assert_eq!(setup.kept().len(), 1);
    let late = setup.wallet_with(WalletOptions {
        keep_s: 0,
        ..options()
    });
    send(&late, &transfer(1)).await.unwrap();
    assert_eq!(setup.mined(), 2);
}

fn creation() -> Call {
    Call::CreatePolicyViaTransfer {
        terms: terms(&[address(1)]),
        memo: Vec::new(),
    }
}

#[tokio::test]
async fn the_result_of_a_call_that_is_taken_once_is_kept_until_it_is_recorded() {
    let setup = Setup::new(Node::miner()).await;
    let first = send(&setup.wallet(), &creation()).await.unwrap();
    let late = WalletOptions {
        keep_s: 0,
        ..options()
    };
    let wallet = setup.wallet_with(late);
    assert_eq!(send(&wallet, &creation()).await.unwrap(), first);
    assert_eq!((setup.mined(), setup.kept().len()), (1, 1));
    wallet.forget(kms_protocol::B256([9; 32])).unwrap();
    assert_eq!(setup.kept().len(), 1, "another transaction's");
    wallet.forget(first.tx_hash).unwrap();
    assert_eq!(setup.kept(), []);
}

#[tokio::test]
async fn a_call_that_failed_is_not_kept() {
    let setup = Setup::new(Node {
        fails: true,
        ..Node::miner()
    })
    .await;
    assert!(send(&setup.wallet(), &transfer(1)).await.is_err());
    assert_eq!(setup.kept(), []);
}
