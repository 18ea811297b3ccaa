use kms_protocol::{B256, Wei};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::test_support::{block_json, hash, sealed};

fn parse(value: &Value) -> Result<(BlockHeader, Option<Bloom>), &'static str> {
    let wire: WireHeader = serde_json::from_value(value.clone()).map_err(|_| "no header")?;
    wire.parse()
}

fn is_proven(value: &Value) -> bool {
    matches!(parse(value), Ok((_, Some(_))))
}

/// Block 0 of the Ethereum mainnet.
fn mainnet_genesis() -> Value {
    json!({
        "number": "0x0",
        "hash": "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3",
        "parentHash": hash(0),
        "sha3Uncles": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
        "miner": "0x0000000000000000000000000000000000000000",
        "stateRoot": "0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544",
        "transactionsRoot": "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
        "receiptsRoot": "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
        "logsBloom": format!("0x{}", "0".repeat(512)),
        "difficulty": "0x400000000",
        "totalDifficulty": "0x400000000",
        "gasLimit": "0x1388",
        "gasUsed": "0x0",
        "timestamp": "0x0",
        "extraData": "0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa",
        "mixHash": hash(0),
        "nonce": "0x0000000000000042",
        "size": "0x21c",
        "transactions": [],
        "uncles": [],
    })
}

#[test]
fn proves_the_first_block_of_the_mainnet() {
    assert!(is_proven(&mainnet_genesis()));
}

#[test]
fn refuses_the_first_block_of_the_mainnet_with_any_field_changed() {
    let genesis = mainnet_genesis();
    let not_hashed = ["totalDifficulty", "size", "transactions", "uncles"];
    for (field, value) in genesis.as_object().unwrap() {
        let mut changed = genesis.clone();
        let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
        let Some(digits) = digits else { continue };
        let last = if digits.ends_with('1') { "2" } else { "1" };
        changed[field] = json!(format!("0x{}{last}", &digits[..digits.len() - 1]));
        let expected = not_hashed.contains(&field.as_str());
        assert_eq!(is_proven(&changed), expected, "{field}");
    }
}

#[test]
fn reads_a_header() {
    let (header, bloom) = parse(&block_json(5, hash(4), 100)).unwrap();
    assert_eq!(
        (header.number, header.timestamp, header.base_fee),
        (5, 100, Wei(7))
    );
    assert_eq!(header.parent, hash(4));
    assert!(bloom.is_some());
}

#[test]
fn refuses_a_header_that_lacks_anything() {
    for field in [
        "number",
        "hash",
        "parentHash",
        "timestamp",
        "stateRoot",
        "logsBloom",
        "nonce",
    ] {
        let mut without = block_json(5, hash(4), 100);
        without.as_object_mut().unwrap().remove(field);
        assert!(parse(&without).is_err(), "{field}");
        let mut null = block_json(5, hash(4), 100);
        null[field] = Value::Null;
        assert!(parse(&null).is_err(), "{field}");
    }
    for (field, zero) in [
        ("hash", json!(hash(0))),
        ("parentHash", json!(hash(0))),
        ("timestamp", json!("0x0")),
    ] {
        let mut zeroed = block_json(5, hash(4), 100);
        zeroed[field] = zero;
        assert!(parse(&zeroed).is_err(), "{field}");
    }
    let mut short = block_json(5, hash(4), 100);
    short["logsBloom"] = json!("0x00");
    assert_eq!(parse(&short), Err("a bloom of another length"));
}

#[test]
fn lets_only_block_zero_lack_a_parent_and_a_time() {
    assert!(is_proven(&block_json(0, hash(0), 0)));
    assert!(parse(&block_json(1, hash(0), 1)).is_err());
    assert!(parse(&block_json(1, hash(1), 0)).is_err());
}

#[test]
fn a_hash_that_is_not_of_the_fields_is_refused() {
    let mut wrong = block_json(5, hash(4), 100);
    wrong["hash"] = json!(hash(5));
    let reason = "the hash of a block is not that of its header";
    assert_eq!(parse(&wrong), Err(reason));
    // What no fork hashes does not make it doubtful, nor does a null.
    wrong["totalDifficulty"] = json!("0x1");
    wrong["blockAccessListHash"] = Value::Null;
    assert_eq!(parse(&wrong), Err(reason));
    for field in ["timestamp", "baseFeePerGas", "requestsHash", "gasUsed"] {
        let mut without = block_json(5, hash(4), 100);
        let value = match field {
            "requestsHash" => json!(hash(9)),
            _ => json!("0x65"),
        };
        without[field] = value;
        assert_eq!(parse(&without), Err(reason), "{field}");
    }
}

#[test]
fn fields_of_a_fork_to_come_are_proven_by_the_hash_alone() {
    let list = hash(0xb1).0.to_vec();
    let slot = vec![0x12, 0x34];
    let mut header = sealed(block_json(5, hash(4), 100), &[&list, &slot]);
    header["aSlot"] = json!("0x1234");
    header["blockAccessListHash"] = json!(hash(0xb1));
    assert!(is_proven(&header));
    // Beside a member that no header has.
    header["l1BlockNumber"] = json!("0x5");
    header["note"] = json!({ "some": "thing" });
    assert!(is_proven(&header));
    let mut changed = header.clone();
    changed["aSlot"] = json!("0x1235");
    assert!(matches!(parse(&changed), Ok((_, None))));
    let mut without = header;
    for field in ["aSlot", "blockAccessListHash", "l1BlockNumber", "note"] {
        without.as_object_mut().unwrap().remove(field);
    }
    assert!(parse(&without).is_err());
}

proptest! {
    #[test]
    fn a_header_holds_for_one_hash_alone(
        number in 1..1_u64 << 40,
        time in 1..1_u64 << 40,
        other: [u8; 32],
    ) {
        let mut header = block_json(number, hash(4), time);
        prop_assert!(is_proven(&header));
        header["hash"] = json!(B256(other));
        prop_assert!(parse(&header).is_err());
    }
}
