//! What holds for every message: strict JSON, limits when parsed, text safe to print.

use std::fmt::Debug;

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::*;

pub(super) fn check_refused<T: DeserializeOwned + Debug>(json: &Value) {
    let read = serde_json::from_value::<T>(json.clone());
    assert!(read.is_err(), "accepted {json}");
}

/// Survives JSON; refuses an unknown field, each missing required field, each field of another
/// kind, each hexadecimal field that is shorter or longer, and anything after the end.
pub(super) fn check_strict<T>(message: &T, optional: &[&str])
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let text = serde_json::to_string(message).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), message);
    assert!(serde_json::from_str::<T>(&format!("{text} {{}}")).is_err());

    let json = serde_json::to_value(message).unwrap();
    let mut unknown = json.clone();
    unknown["unknown"] = Value::Null;
    check_refused::<T>(&unknown);
    for (field, value) in json.as_object().unwrap() {
        let changed = |value: Value| {
            let mut changed = json.clone();
            changed[field] = value;
            check_refused::<T>(&changed);
        };
        if !optional.contains(&field.as_str()) {
            let mut missing = json.clone();
            missing.as_object_mut().unwrap().remove(field);
            check_refused::<T>(&missing);
            changed(Value::Null);
        }
        changed(serde_json::json!({}));
        changed(serde_json::json!(-1));
        changed(serde_json::json!(1.5));
        if let Some(hex) = value.as_str().filter(|text| text.starts_with("0x")) {
            changed(hex[2..].into());
            changed(hex[..hex.len() - 2].into());
            changed(format!("{hex}00").into());
            changed(format!("{}zz", &hex[..hex.len() - 2]).into());
        }
    }
}

/// One byte changed anywhere: read or refused, never a panic.
pub(super) fn check_damaged<T>(message: &T, at: prop::sample::Index, byte: u8)
where
    T: Serialize + DeserializeOwned,
{
    let mut json = serde_json::to_vec(message).unwrap();
    let index = at.index(json.len());
    json[index] = byte;
    let _ = serde_json::from_slice::<T>(&json);
}

#[derive(Debug, Deserialize)]
struct List {
    #[serde(deserialize_with = "one_to_max")]
    entries: Vec<u8>,
}

#[derive(Debug, Deserialize)]
struct Text {
    #[serde(deserialize_with = "plain_text")]
    text: String,
}

fn list(count: usize) -> Value {
    serde_json::json!({ "entries": vec![7; count] })
}

fn text(text: &str) -> Value {
    serde_json::json!({ "text": text })
}

#[test]
fn lists_hold_1_to_64_entries() {
    for count in [1, 2, 63, 64] {
        let list: List = serde_json::from_value(list(count)).unwrap();
        assert_eq!(list.entries.len(), count);
    }
}

#[test]
fn refuses_lists_that_are_empty_or_too_long() {
    for count in [0, 65, 66, 10_000] {
        check_refused::<List>(&list(count));
    }
    check_refused::<List>(&serde_json::json!({ "entries": null }));
    check_refused::<List>(&serde_json::json!({ "entries": {} }));
}

#[test]
fn stops_reading_a_list_at_the_limit() {
    let endless = format!("{{\"entries\":[{} !broken", "7,".repeat(65));
    let error = serde_json::from_str::<List>(&endless)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("65 entries given, 1 to 64 expected"),
        "{error}"
    );
}

#[test]
fn reads_text_up_to_the_limit_in_any_script() {
    for accepted in ["", "0.1.0", "grüße 你好", &"a".repeat(TEXT_MAX)] {
        let read: Text = serde_json::from_value(text(accepted)).unwrap();
        assert_eq!(read.text, accepted);
    }
}

#[test]
fn refuses_text_that_could_deceive_a_terminal() {
    for refused in [
        "\u{1b}[2J",
        "a\nb",
        "a\rb",
        "a\tb",
        "\u{7f}",
        "\u{9b}31m",
        "\u{202e}abc",
    ] {
        check_refused::<Text>(&text(refused));
    }
    check_refused::<Text>(&text(&"a".repeat(TEXT_MAX + 1)));
    check_refused::<Text>(&text(&"é".repeat(TEXT_MAX / 2 + 1)));
}

#[test]
fn the_byte_fields_are_as_long_as_umbral_makes_them() {
    assert_eq!(umbral::Capsule::BYTES, 98);
    assert_eq!(umbral::CapsuleFrag::BYTES, 359);
    assert_eq!(umbral::KeyFrag::BYTES, 195);
}
