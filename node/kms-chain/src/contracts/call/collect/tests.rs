//! Deliveries in a collection: in the place of their policy, or none at all.

use ethers::abi::AbiDecode;
use kms_protocol::messages::Delivery;
use kms_protocol::{EthSignature, Period};

use super::*;
use crate::test_support::{address, terms as any_terms};

fn policy(delivery: Option<Delivery>) -> Collection {
    Collection {
        terms: any_terms(&[address(5)]),
        delivery,
    }
}

fn word(period: u32, v: u8) -> Delivery {
    let mut signature = EthSignature([0x11; 65]);
    signature.0[64] = v;
    Delivery {
        period: Period(period),
        signature,
    }
}

fn decoded(policies: &[Collection]) -> contract::CollectCall {
    contract::CollectCall::decode(collect(policies, address(5))).unwrap()
}

#[test]
fn a_proved_collection_supplies_nothing() {
    let call = decoded(&[policy(None), policy(None)]);
    assert_eq!(call.terms.len(), 2);
    assert!(call.deliveries.is_empty());
}

#[test]
fn a_word_stands_in_the_place_of_its_policy() {
    let call = decoded(&[
        policy(None),
        policy(Some(word(9, 28))),
        policy(Some(word(8, 27))),
    ]);
    let periods: Vec<u32> = call.deliveries.iter().map(|word| word.period).collect();
    assert_eq!(periods, [0, 9, 8]);
    assert_eq!(call.deliveries[0], contract::Delivery::default());
    assert_eq!(call.deliveries[1].r, [0x11; 32]);
    // The parity of v is the first bit.
    assert_eq!(call.deliveries[1].vs[0], 0x91);
    assert_eq!(call.deliveries[2].vs[0], 0x11);
}

#[test]
fn the_view_is_asked_what_the_call_supplies() {
    let policies = [policy(Some(word(9, 28))), policy(None)];
    let (asked, sent) = (count(&policies, address(5)), decoded(&policies));
    assert_eq!(asked.deliveries, sent.deliveries);
    assert_eq!(asked.terms, sent.terms);
}
