//! Lengths, text, and what the bytes mean.

use proptest::prelude::*;

use super::*;
use crate::test_support::commitments;

fn bytes(len: usize) -> Vec<u8> {
    vec![7; len]
}

fn read(json: &serde_json::Value) -> Result<CommitmentsBytes, serde_json::Error> {
    serde_json::from_value(json.clone())
}

#[test]
fn lengths_are_those_of_1_to_32_coefficients() {
    assert_eq!(COMMITMENTS_BYTES_MAX, 1_220);
    for len in 0..2_000 {
        let possible = (1..=32).any(|m| len == 164 + 33 * m);
        let made = CommitmentsBytes::try_from(bytes(len).as_slice());
        assert_eq!(made.is_ok(), possible, "{len}");
        let text = read(&encode(&bytes(len)).into());
        assert_eq!(text.is_ok(), possible, "{len} in text");
    }
    let short = CommitmentsBytes::try_from(bytes(164).as_slice());
    assert_eq!(short, Err(Error::CommitmentsLength { actual: 164 }));
}

#[test]
fn refuses_text_that_is_no_hexadecimal_string() {
    let good = encode(&bytes(197));
    assert!(read(&good.as_str().into()).is_ok());
    for bad in [
        good[2..].to_owned(),
        format!("{good}0"),
        format!("{}zz", &good[..good.len() - 2]),
        good.replacen("0x", "0X", 1),
        String::new(),
    ] {
        assert!(read(&bad.as_str().into()).is_err(), "{bad}");
    }
    for bad in [serde_json::json!(7), serde_json::json!([7, 7])] {
        assert!(read(&bad).is_err());
    }
}

#[test]
fn the_statement_is_all_but_the_signature() {
    let commitments = commitments();
    let all = commitments.as_ref();
    assert_eq!(commitments.statement(), &all[..all.len() - 64]);
    assert_eq!(commitments.hash(), keccak256(all));
}

#[test]
fn what_umbral_makes_is_read_again_and_nothing_else() {
    let made = commitments();
    let parsed = made.parse().unwrap();
    assert_eq!(parsed.threshold(), 2);
    assert_eq!(CommitmentsBytes::try_from(&parsed), Ok(made.clone()));
    let mut other_version = made.as_ref().to_vec();
    other_version[0] = 1;
    let other_version = CommitmentsBytes::try_from(other_version.as_slice()).unwrap();
    assert!(other_version.parse().is_err());
    // The right length for three coefficients, and two by its own word.
    let longer = [made.as_ref(), &[0; 33]].concat();
    let longer = CommitmentsBytes::try_from(longer.as_slice()).unwrap();
    assert!(longer.parse().is_err());
}

proptest! {
    #[test]
    fn survive_text(m in 1_usize..=32, byte: u8) {
        let made = CommitmentsBytes::try_from(vec![byte; 164 + 33 * m].as_slice()).unwrap();
        prop_assert_eq!(made.to_string().parse::<CommitmentsBytes>(), Ok(made));
    }
}
