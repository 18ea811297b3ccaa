//! Byte fields as hexadecimal strings.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use umbral::{PublicKey, VerifyingKey};

use super::*;
use crate::test_support::{delegating, verifying};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Sample {
    #[serde(with = "hex_bytes")]
    bytes: Vec<u8>,
    #[serde(with = "hex_array")]
    array: [u8; 3],
    #[serde(with = "umbral_key")]
    public: PublicKey,
    #[serde(with = "verifying_key")]
    verifying: VerifyingKey,
}

fn sample(bytes: Vec<u8>, array: [u8; 3]) -> Sample {
    Sample {
        bytes,
        array,
        public: delegating(),
        verifying: verifying(),
    }
}

fn check_refused(field: &str, value: serde_json::Value) {
    let mut json = serde_json::to_value(sample(vec![1], [1, 2, 3])).unwrap();
    json[field] = value.clone();
    assert!(
        serde_json::from_value::<Sample>(json).is_err(),
        "{field}: {value}"
    );
}

#[test]
fn writes_lower_case_hexadecimal_with_prefix() {
    let json = serde_json::to_value(sample(vec![0xab, 0x01], [1, 2, 0xff])).unwrap();
    assert_eq!(json["bytes"], "0xab01");
    assert_eq!(json["array"], "0x0102ff");
    assert_eq!(
        json["public"],
        "0x031b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f"
    );
    assert_eq!(
        json["verifying"],
        "0x02531fe6068134503d2723133227c867ac8fa6c83c537e9a44c3c5bdbdcb1fe337"
    );
}

#[test]
fn refuses_bytes_without_prefix_or_with_an_odd_digit() {
    for text in ["", "ab", "0xa", "0xzz", "0x ab", "0Xab"] {
        check_refused("bytes", text.into());
    }
    check_refused("bytes", serde_json::json!([1, 2]));
}

#[test]
fn refuses_arrays_of_another_length() {
    for text in ["0x", "0x0102", "0x01020", "0x0102034", "0x01020304"] {
        check_refused("array", text.into());
    }
}

#[test]
fn refuses_keys_that_are_no_points() {
    for field in ["public", "verifying"] {
        check_refused(field, format!("0x04{}", "11".repeat(32)).into());
        check_refused(field, format!("0x02{}", "ff".repeat(32)).into());
        check_refused(field, format!("0x{}", "00".repeat(33)).into());
        check_refused(field, format!("0x02{}", "11".repeat(31)).into());
        check_refused(field, format!("0x02{}", "11".repeat(33)).into());
        check_refused(field, serde_json::Value::Null);
    }
}

proptest! {
    #[test]
    fn bytes_survive_json(bytes in any::<Vec<u8>>(), array in any::<[u8; 3]>()) {
        let sample = sample(bytes, array);
        let json = serde_json::to_string(&sample).unwrap();
        prop_assert_eq!(serde_json::from_str::<Sample>(&json).unwrap(), sample);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = decode(&text);
        let _ = decode_array::<4>(&text);
    }
}
