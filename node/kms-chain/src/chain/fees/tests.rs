use kms_protocol::Wei;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{TIP_FLOOR, WireFeeHistory, fees_of};
use crate::error::ChainError;

fn check(history: Value, expected: Option<(u128, u128)>) {
    let history: WireFeeHistory = serde_json::from_value(history).unwrap();
    match (fees_of(&history), expected) {
        (Ok(fees), Some(expected)) => assert_eq!((fees.max_fee.0, fees.tip.0), expected),
        (Err(ChainError::BadReply { .. }), None) => {}
        (got, _) => panic!("{got:?}"),
    }
}

#[test]
fn takes_the_median_tip_and_room_for_twice_the_base_fee() {
    let history = json!({
        "baseFeePerGas": ["0x1", "0x2", "0x3", "0x64"],
        "reward": [["0x3b9aca00"], ["0x77359400"], ["0x1"]],
    });
    check(history, Some((200 + 1_000_000_000, 1_000_000_000)));
}

#[test]
fn ignores_blocks_that_paid_nothing_or_say_nothing() {
    let history = json!({
        "baseFeePerGas": ["0x64"],
        "reward": [["0x0"], null, [], ["0x77359400"], ["0x0"]],
    });
    check(history, Some((200 + 2_000_000_000, 2_000_000_000)));
}

#[test]
fn falls_back_to_the_floor() {
    for history in [
        json!({ "baseFeePerGas": ["0x64"] }),
        json!({ "baseFeePerGas": ["0x64"], "reward": null }),
        json!({ "baseFeePerGas": ["0x64"], "reward": [], "gasUsedRatio": null }),
        json!({ "baseFeePerGas": ["0x64"], "reward": [["0x1"]] }),
    ] {
        check(history, Some((200 + TIP_FLOOR, TIP_FLOOR)));
    }
}

#[test]
fn refuses_a_history_without_a_base_fee_or_beyond_all_ether() {
    check(json!({ "baseFeePerGas": [] }), None);
    check(
        json!({ "baseFeePerGas": [format!("0x{}", "f".repeat(32))] }),
        None,
    );
    assert!(serde_json::from_value::<WireFeeHistory>(json!({ "reward": [] })).is_err());
}

proptest! {
    #[test]
    fn always_offers_enough_for_the_next_block(
        base in 0..1_u128 << 100,
        tips in proptest::collection::vec(0..1_u128 << 100, 0..20),
    ) {
        let rewards: Vec<_> = tips.iter().map(|tip| [format!("{tip:#x}")]).collect();
        let history = json!({ "baseFeePerGas": [format!("{base:#x}")], "reward": rewards });
        let fees = fees_of(&serde_json::from_value(history).unwrap()).unwrap();
        prop_assert!(fees.max_fee.0 >= base + fees.tip.0);
        prop_assert!(fees.tip >= Wei(TIP_FLOOR));
    }
}
