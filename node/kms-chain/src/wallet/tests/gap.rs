//! Nonces that were read too high or too low, and refusals in unknown words.

use super::*;

fn eager() -> WalletOptions {
    WalletOptions {
        gap_after_ms: 0,
        ..options()
    }
}

/// A home with a transaction whose nonce was read too high by three.
async fn too_high() -> Setup {
    let setup = Setup::new(Node {
        pending_shown: Some(3),
        ..Node::miner()
    })
    .await;
    let never = WalletOptions {
        timeout_ms: 0,
        ..options()
    };
    let waits = send(&setup.wallet_with(never), &claim(1)).await;
    assert!(
        matches!(waits, Err(ChainError::NotMined { .. })),
        "{waits:?}"
    );
    assert_eq!(setup.journaled()[0].nonce, 3);
    setup.node.lock().unwrap().pending_shown = Some(0);
    setup
}

#[tokio::test]
async fn a_home_whose_nonce_was_read_too_high_heals() {
    let setup = too_high().await;
    let mut told = Vec::new();
    let mut events = |event: SendEvent| told.push(event);
    let wallet = setup.wallet_with(eager());
    let resumed = wallet.resume(&mut events).await.unwrap();
    assert_eq!(resumed.len(), 1);
    assert!(resumed[0].outcome.as_ref().unwrap().succeeded);
    let filled: Vec<_> = told
        .iter()
        .filter(|event| matches!(event, SendEvent::Filled { .. }))
        .collect();
    assert_eq!(filled.len(), 3);
    assert_eq!(setup.journaled(), [], "nothing is left to do");
    assert_eq!(
        setup.node.lock().unwrap().seen.len(),
        4,
        "its own bytes once"
    );
}

#[tokio::test]
async fn missing_nonces_are_not_filled_at_once_nor_where_somebody_sends() {
    let setup = too_high().await;
    let brief = WalletOptions {
        timeout_ms: 20,
        ..options()
    };
    assert!(
        setup
            .wallet_with(brief.clone())
            .resume(&mut |_| {})
            .await
            .is_err()
    );
    setup.node.lock().unwrap().pending_shown = Some(1);
    let brief = WalletOptions {
        gap_after_ms: 0,
        ..brief
    };
    assert!(setup.wallet_with(brief).resume(&mut |_| {}).await.is_err());
    assert_eq!(setup.node.lock().unwrap().seen.len(), 1);
}

#[tokio::test]
async fn a_nonce_that_was_read_too_low_is_taken_again_and_the_work_done_once() {
    let setup = Setup::new(Node {
        pending_shown: Some(1),
        foreign: 2,
        ..Node::miner()
    })
    .await;
    let receipt = send(&setup.wallet(), &claim(1)).await.unwrap();
    assert!(receipt.succeeded);
    let seen = setup.node.lock().unwrap().seen.clone();
    assert_eq!(
        seen.iter().map(|(_, nonce, _)| *nonce).collect::<Vec<_>>(),
        [2]
    );
    assert_eq!(setup.journaled(), []);
}

#[tokio::test]
async fn a_transaction_that_an_endpoint_took_is_never_signed_under_another_nonce() {
    let setup = Setup::new(Node {
        mines_from: None,
        ..Node::miner()
    })
    .await;
    let node = setup.node.clone();
    let mut events = |event: SendEvent| {
        if let SendEvent::Broadcast { .. } = event {
            // Somebody else's transaction is mined in its place.
            node.lock().unwrap().foreign = 1;
        }
    };
    let answer = setup.wallet().send(&claim(1), &mut events).await;
    assert!(
        matches!(answer, Err(ChainError::ForeignNonce { .. })),
        "{answer:?}"
    );
    assert_eq!(setup.node.lock().unwrap().seen.len(), 1);
}

#[tokio::test]
async fn words_that_nobody_knows_are_shown_once() {
    let setup = Setup::new(Node {
        refuses: Some("the moon is in the wrong house"),
        ..Node::miner()
    })
    .await;
    let mut told = Vec::new();
    let mut events = |event: SendEvent| {
        if let SendEvent::Refused { words, .. } = event {
            told.push(words);
        }
    };
    let brief = WalletOptions {
        timeout_ms: 100,
        ..options()
    };
    let answer = setup.wallet_with(brief).send(&claim(1), &mut events).await;
    assert!(
        matches!(answer, Err(ChainError::NotMined { .. })),
        "{answer:?}"
    );
    assert_eq!(told, ["the moon is in the wrong house"]);
}
