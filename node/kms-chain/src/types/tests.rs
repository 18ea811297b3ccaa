use kms_protocol::Wei;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::wire::{BigQuantity, HexBytes, Quantity, WireHeader, WireLog, WireReceipt};
use crate::test_support::hash;

fn header() -> Value {
    json!({
        "number": "0x5", "hash": hash(5), "parentHash": hash(4),
        "timestamp": "0x64", "baseFeePerGas": "0x7", "gasLimit": "0x1c9c380", "foreign": [1],
    })
}

fn parse(value: Value) -> Option<super::BlockHeader> {
    serde_json::from_value::<WireHeader>(value).ok()?.parse()
}

#[test]
fn reads_a_header() {
    let header = parse(header()).unwrap();
    assert_eq!(
        (header.number, header.timestamp, header.base_fee),
        (5, 100, Wei(7))
    );
    assert_eq!((header.hash, header.parent), (hash(5), hash(4)));
}

#[test]
fn refuses_a_header_that_lacks_anything() {
    for field in ["number", "hash", "parentHash", "timestamp"] {
        let mut without = header();
        without.as_object_mut().unwrap().remove(field);
        assert_eq!(parse(without), None, "{field}");
        let mut null = header();
        null[field] = Value::Null;
        assert_eq!(parse(null), None, "{field}");
    }
    for (field, zero) in [
        ("hash", json!(hash(0))),
        ("parentHash", json!(hash(0))),
        ("timestamp", json!("0x0")),
    ] {
        let mut zeroed = header();
        zeroed[field] = zero;
        assert_eq!(parse(zeroed), None, "{field}");
    }
}

#[test]
fn lets_only_block_zero_lack_a_parent_and_a_time() {
    let mut genesis = header();
    genesis["number"] = json!("0x0");
    genesis["parentHash"] = json!(hash(0));
    genesis["timestamp"] = json!("0x0");
    assert!(parse(genesis.clone()).is_some());
    genesis["hash"] = json!(hash(0));
    assert_eq!(parse(genesis), None);
}

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
        "effectiveGasPrice",
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
