//! Bumps and cancellations by hand.

use super::*;

impl Setup {
    /// A block that takes what offers this much, and those after it.
    fn mines_from(&self, least: Wei) {
        let mut node = self.node.lock().unwrap();
        node.mines_from = Some(least.0);
        node.mine();
    }
}

/// A transaction that no block takes.
async fn stuck() -> Setup {
    let setup = Setup::new(Node {
        mines_from: None,
        ..Node::miner()
    })
    .await;
    assert!(send(&setup.hasty(), &claim(1)).await.is_err());
    setup
}

#[tokio::test]
async fn a_bump_offers_more_at_the_same_nonce_and_the_next_use_settles_it() {
    let setup = stuck().await;
    let wallet = setup.wallet();
    let raised = wallet.raised(0).await.unwrap().unwrap();
    let dearer = wallet.bump(0, &mut |_| {}).await.unwrap().unwrap();
    assert_eq!((dearer.nonce, dearer.kind.as_str()), (0, "claim"));
    assert_eq!(dearer.max_fee, raised.max_fee);
    assert_eq!(setup.journaled().len(), 2, "either may be mined");
    setup.mines_from(dearer.max_fee);
    let receipt = send(&wallet, &claim(1)).await.unwrap();
    assert_eq!(receipt.tx_hash, dearer.hash);
    assert_eq!(setup.node.lock().unwrap().seen.len(), 2);
    assert_eq!(setup.journaled(), []);
}

#[tokio::test]
async fn what_is_cancelled_is_done_anew_and_what_is_not_stands() {
    let setup = stuck().await;
    let wallet = setup.wallet();
    let instead = wallet.cancel(0, &mut |_| {}).await.unwrap().unwrap();
    assert_eq!(
        (instead.kind.as_str(), instead.to),
        ("cancel", wallet.address())
    );
    setup.mines_from(instead.max_fee);
    let [settled] = wallet
        .resume(&mut |_| {})
        .await
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(settled.tx.hash, instead.hash);
    setup.mines_from(Wei(0));
    let receipt = send(&wallet, &claim(1)).await.unwrap();
    assert_ne!(
        receipt.tx_hash, instead.hash,
        "the call was not done before"
    );

    let late = stuck().await;
    let wallet = late.wallet();
    let first = late.journaled()[0].hash;
    wallet.cancel(0, &mut |_| {}).await.unwrap().unwrap();
    {
        let mut node = late.node.lock().unwrap();
        node.mined.insert(0, (first, true));
        node.head = 20;
    }
    let receipt = send(&wallet, &claim(1)).await.unwrap();
    assert_eq!(receipt.tx_hash, first, "it was mined before the other one");
    assert_eq!(late.node.lock().unwrap().seen.len(), 2);
}

#[tokio::test]
async fn nothing_is_bumped_or_cancelled_that_is_not_open_or_costs_too_much() {
    let setup = Setup::new(Node::miner()).await;
    let wallet = setup.wallet();
    assert_eq!(wallet.raised(0).await.unwrap(), None);
    assert_eq!(wallet.bump(0, &mut |_| {}).await.unwrap(), None);
    assert_eq!(wallet.cancel(0, &mut |_| {}).await.unwrap(), None);
    let stuck = stuck().await;
    let poor = stuck.wallet_with(WalletOptions {
        max_fee_cap: stuck.journaled()[0].max_fee,
        ..options()
    });
    for refused in [
        poor.bump(0, &mut |_| {}).await,
        poor.cancel(0, &mut |_| {}).await,
    ] {
        assert!(
            matches!(refused, Err(ChainError::FeeCap { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(stuck.journaled().len(), 1);
}
