use kms_protocol::Wei;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::wire::{BigQuantity, HexBytes, Quantity, WireLog, WireReceipt};
use crate::test_support::hash;

#[test]
fn refuses_quantities_that_are_none() {
    for text in [
        "",
        "0x",
        "5",
        "0x+5",
        "0x-5",
        "0xg",
        "0x1_0",
        " 0x5",
        "0x10000000000000000",
    ] {
        assert!(
            serde_json::from_value::<Quantity>(json!(text)).is_err(),
            "{text}"
        );
    }
    assert!(serde_json::from_value::<Quantity>(json!(5)).is_err());
    assert!(
        serde_json::from_value::<BigQuantity>(json!(format!("0x1{}", "0".repeat(32)))).is_err()
    );
    for text in ["0x1", "abcd", "0xabc", "0xzz"] {
        assert!(
            serde_json::from_value::<HexBytes>(json!(text)).is_err(),
            "{text}"
        );
    }
}

fn receipt() -> Value {
    json!({
        "transactionHash": hash(1), "blockNumber": "0x5", "blockHash": hash(5), "status": "0x1",
        "gasUsed": "0x5208", "effectiveGasPrice": "0x2", "contractAddress": null,
    })
}

fn parse_receipt(value: Value) -> Option<super::TxReceipt> {
    serde_json::from_value::<WireReceipt>(value)
        .ok()?
        .parse(hash(1))
}

#[test]
fn reads_a_receipt_and_what_it_cost() {
    let receipt = parse_receipt(receipt()).unwrap();
    assert!(receipt.succeeded);
    assert_eq!((receipt.gas_used, receipt.fee), (21_000, Wei(42_000)));
}

#[test]
fn refuses_a_receipt_that_lacks_anything_or_is_of_something_else() {
    for field in [
        "transactionHash",
        "blockNumber",
        "blockHash",
        "status",
        "gasUsed",
    ] {
        let mut without = receipt();
        without.as_object_mut().unwrap().remove(field);
        assert_eq!(parse_receipt(without), None, "{field}");
    }
    for (field, value) in [
        ("transactionHash", json!(hash(2))),
        ("blockHash", json!(hash(0))),
        ("status", json!("0x2")),
        ("effectiveGasPrice", json!(format!("0x{}", "f".repeat(32)))),
    ] {
        let mut changed = receipt();
        changed[field] = value;
        assert_eq!(parse_receipt(changed), None, "{field}");
    }
}

#[test]
fn refuses_a_log_that_lacks_anything() {
    let log = json!({
        "address": crate::test_support::address(1), "topics": [], "data": "0x",
        "blockNumber": "0x5", "blockHash": hash(5), "transactionHash": hash(1), "logIndex": "0x0",
    });
    assert!(
        !serde_json::from_value::<WireLog>(log.clone())
            .unwrap()
            .removed
    );
    for field in log.as_object().unwrap().keys() {
        let mut without = log.clone();
        without.as_object_mut().unwrap().remove(field);
        assert!(
            serde_json::from_value::<WireLog>(without).is_err(),
            "{field}"
        );
    }
}

proptest! {
    #[test]
    fn quantities_round_trip(value: u128) {
        let text = serde_json::to_string(&BigQuantity(value)).unwrap();
        prop_assert_eq!(serde_json::from_str::<BigQuantity>(&text).unwrap(), BigQuantity(value));
    }

    #[test]
    fn hex_round_trips(bytes: Vec<u8>) {
        let text = serde_json::to_string(&HexBytes(bytes.clone())).unwrap();
        prop_assert_eq!(serde_json::from_str::<HexBytes>(&text).unwrap(), HexBytes(bytes));
    }
}
