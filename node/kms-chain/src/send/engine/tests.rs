use kms_protocol::{B256, Wei};

use super::*;

mod properties;

fn fees(max_fee: u128, tip: u128) -> Fees {
    Fees {
        max_fee: Wei(max_fee),
        tip: Wei(tip),
    }
}

fn rules() -> Rules {
    Rules {
        max_fee_cap: Wei(1_000),
        reprice_after: 10,
        offer_every: 3,
        displaced_after: 2,
        confirmations: 2,
        gives_up: true,
    }
}

fn attempt(byte: u8, max_fee: u128) -> Attempt {
    Attempt {
        hash: B256([byte; 32]),
        fees: fees(max_fee, 10),
    }
}

fn receipt(byte: u8, block_number: u64, succeeded: bool) -> TxReceipt {
    TxReceipt {
        tx_hash: B256([byte; 32]),
        block_number,
        block_hash: B256([9; 32]),
        succeeded,
        gas_used: 1,
        fee: Wei(1),
    }
}

/// Nonce 5, signed at moment 0, taken at moment 0.
fn pursuit() -> Pursuit {
    let mut pursuit = Pursuit::new(5, attempt(1, 100), 0);
    pursuit.note_offer(Ok(()), 0);
    pursuit
}

fn sight(now: u64) -> Sight {
    Sight {
        now,
        next_nonce: 5,
        included: None,
        market: None,
    }
}

fn mined(now: u64, receipt: TxReceipt, head: u64) -> Sight {
    Sight {
        next_nonce: 6,
        included: Some(Included { receipt, head }),
        ..sight(now)
    }
}

fn with_market(now: u64, max_fee: u128) -> Sight {
    Sight {
        market: Some(fees(max_fee, 10)),
        ..sight(now)
    }
}

fn check(pursuit: &mut Pursuit, sight: &Sight, expected: Decision) {
    assert_eq!(pursuit.decide(sight, &rules()), expected, "{sight:?}");
}

#[test]
fn offers_new_bytes_at_once_and_the_same_bytes_every_so_often() {
    let mut fresh = Pursuit::new(5, attempt(1, 100), 7);
    check(&mut fresh, &sight(7), Decision::Offer);
    check(&mut fresh, &sight(7), Decision::Offer);
    fresh.note_offer(Ok(()), 7);
    check(&mut fresh, &sight(9), Decision::Wait);
    check(&mut fresh, &sight(10), Decision::Offer);
}

#[test]
fn is_final_only_under_the_confirmations() {
    for succeeded in [true, false] {
        let receipt = receipt(1, 50, succeeded);
        check(&mut pursuit(), &mined(1, receipt, 49), Decision::Wait);
        check(&mut pursuit(), &mined(1, receipt, 51), Decision::Wait);
        let outcome = match succeeded {
            true => Outcome::Confirmed(receipt),
            false => Outcome::Reverted(receipt),
        };
        let last = Decision::Final(outcome);
        check(&mut pursuit(), &mined(1, receipt, 52), last);
    }
}

#[test]
fn a_transaction_taken_back_by_a_reorg_is_offered_again() {
    let mut pursuit = pursuit();
    let receipt = receipt(1, 50, true);
    check(&mut pursuit, &mined(4, receipt, 50), Decision::Wait);
    check(&mut pursuit, &sight(5), Decision::Offer);
}

#[test]
fn reprices_when_it_waited_and_watches_the_old_hash() {
    let mut pursuit = pursuit();
    pursuit.note_offer(Ok(()), 9);
    check(&mut pursuit, &with_market(9, 100), Decision::Wait);
    let dearer = Decision::Reprice(fees(114, 13));
    check(&mut pursuit, &with_market(10, 100), dearer);
    pursuit.add(attempt(2, 114), 10);
    check(&mut pursuit, &sight(10), Decision::Offer);
    pursuit.note_offer(Ok(()), 10);
    let hashes: Vec<_> = pursuit.attempts().map(|a| a.hash.0[0]).collect();
    assert_eq!((hashes, pursuit.nonce()), (vec![2, 1], 5));
    let old = receipt(1, 50, true);
    let last = Decision::Final(Outcome::Confirmed(old));
    check(&mut pursuit, &mined(11, old, 60), last);
}

#[test]
fn pays_the_market_when_that_is_dearer_and_the_cap_at_most() {
    let reprice = |max_fee| Decision::Reprice(fees(max_fee, 13));
    check(&mut pursuit(), &with_market(10, 500), reprice(500));
    check(&mut pursuit(), &with_market(10, 5_000), reprice(1_000));
    let mut dear = Pursuit::new(5, attempt(1, 900), 0);
    dear.note_offer(Ok(()), 9);
    let sight = with_market(10, 5_000);
    assert!(dear.is_held_by_cap(&sight, &rules()));
    check(&mut dear, &sight, Decision::Wait);
    check(&mut dear, &with_market(12, 5_000), Decision::Offer);
}

#[test]
fn a_refusal_of_the_price_is_answered_at_once() {
    for reason in [TxRejection::ReplacementUnderpriced, TxRejection::FeeTooLow] {
        let mut pursuit = pursuit();
        pursuit.note_offer(Err(reason), 1);
        assert!(pursuit.is_price_due(&sight(1), &rules()));
        let dearer = Decision::Reprice(fees(114, 13));
        check(&mut pursuit, &with_market(1, 100), dearer);
    }
}

#[test]
fn a_transaction_that_waits_for_an_earlier_nonce_is_not_repriced() {
    let mut pursuit = pursuit();
    let behind = Sight {
        next_nonce: 4,
        ..with_market(50, 100)
    };
    assert!(!pursuit.is_price_due(&behind, &rules()));
    check(&mut pursuit, &behind, Decision::Offer);
}

#[test]
fn a_used_nonce_without_a_receipt_is_another_senders_only_after_a_while() {
    let mut pursuit = pursuit();
    let used = |now| Sight {
        next_nonce: 6,
        ..sight(now)
    };
    check(&mut pursuit, &used(20), Decision::Wait);
    check(&mut pursuit, &used(22), Decision::Wait);
    // The endpoint took it back: the wait begins again.
    check(&mut pursuit, &sight(23), Decision::Offer);
    check(&mut pursuit, &used(24), Decision::Wait);
    check(&mut pursuit, &used(26), Decision::Wait);
    let last = Decision::Final(Outcome::Displaced);
    check(&mut pursuit, &used(27), last);
}

#[test]
fn a_receipt_of_something_else_is_no_receipt() {
    let mut pursuit = pursuit();
    let foreign = mined(1, receipt(8, 50, true), 60);
    check(&mut pursuit, &foreign, Decision::Wait);
}

#[test]
fn gives_up_only_what_nobody_ever_took() {
    let reason = TxRejection::InsufficientFunds;
    let mut refused = Pursuit::new(5, attempt(1, 100), 0);
    refused.note_offer(Err(reason), 0);
    let last = Decision::Final(Outcome::GivenUp(reason));
    check(&mut refused, &sight(1), last);
    let persists = Rules {
        gives_up: false,
        ..rules()
    };
    assert_eq!(refused.decide(&sight(1), &persists), Decision::Wait);
    let mut taken = pursuit();
    taken.note_offer(Err(reason), 1);
    check(&mut taken, &sight(1), Decision::Wait);
    let mut repriced = Pursuit::new(5, attempt(1, 100), 0);
    repriced.add(attempt(2, 114), 1);
    repriced.note_offer(Err(reason), 1);
    check(&mut repriced, &sight(1), Decision::Wait);
    let mut passing = Pursuit::new(5, attempt(1, 100), 0);
    passing.note_offer(Err(TxRejection::PoolFull), 1);
    check(&mut passing, &sight(1), Decision::Wait);
}

#[test]
fn the_first_price_is_the_markets_under_the_cap() {
    let rules = rules();
    assert_eq!(rules.first_fees(fees(210, 10)), Ok(fees(210, 10)));
    // Twice a base fee of 900, and the tip: the cap pays for the next block.
    assert_eq!(rules.first_fees(fees(1_810, 10)), Ok(fees(1_000, 10)));
    assert_eq!(rules.first_fees(fees(2_010, 10)), Err(Wei(1_010)));
}
