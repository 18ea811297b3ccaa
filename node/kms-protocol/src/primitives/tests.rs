//! Text and bytes of the small values.

use proptest::prelude::*;

use super::*;
use crate::test_support::{any_address, any_b256};

fn check_refused(text: &str, expected: Error) {
    assert_eq!(text.parse::<Address>(), Err(expected), "{text}");
}

/// The examples of EIP-55.
const EIP55: [&str; 8] = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
];

#[test]
fn displays_the_checksum_of_eip_55() {
    for text in EIP55 {
        assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
    }
}

#[test]
fn reads_addresses_in_one_case_without_a_checksum() {
    for text in EIP55 {
        let lower = text.to_ascii_lowercase();
        let upper = format!("0x{}", text[2..].to_ascii_uppercase());
        assert_eq!(lower.parse::<Address>(), text.parse());
        assert_eq!(upper.parse::<Address>(), text.parse());
    }
}

#[test]
fn refuses_an_address_with_any_one_letter_in_the_wrong_case() {
    let text = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
    for index in 2..text.len() {
        let mut bytes = text.as_bytes().to_vec();
        if !bytes[index].is_ascii_alphabetic() {
            continue;
        }
        bytes[index] ^= 0x20;
        check_refused(&String::from_utf8(bytes).unwrap(), Error::AddressChecksum);
    }
}

#[test]
fn refuses_an_address_that_is_not_0x_and_40_digits() {
    let digits = "de709f2102306220921060314715629080e2fb77";
    check_refused("", Error::Hex);
    check_refused(digits, Error::Hex);
    check_refused(&format!("0X{digits}"), Error::Hex);
    check_refused(&format!(" 0x{digits}"), Error::Hex);
    check_refused(&format!("0x{}g", &digits[..39]), Error::Hex);
    check_refused(&format!("0x{}é", &digits[..38]), Error::Hex);
    check_refused(&format!("0x0x{}", &digits[..38]), Error::Hex);
    check_refused(
        "0x",
        Error::Length {
            expected: 20,
            actual: 0,
        },
    );
    check_refused(
        &format!("0x{}", &digits[..38]),
        Error::Length {
            expected: 20,
            actual: 19,
        },
    );
    check_refused(
        &format!("0x{}", &digits[..39]),
        Error::Length {
            expected: 20,
            actual: 20,
        },
    );
    check_refused(
        &format!("0x{digits}00"),
        Error::Length {
            expected: 20,
            actual: 21,
        },
    );
}

#[test]
fn hashes_as_ethereum_does() {
    let empty = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
    let kms = "0xc81e00d4766226306ec76a9b65d59c1f84581dfbdd9613af7d1890187fbd4fb7";
    assert_eq!(keccak256(b"").to_string(), empty);
    assert_eq!(keccak256(b"kms").to_string(), kms);
}

#[test]
fn refuses_words_of_another_length() {
    let word = |digits: usize| format!("0x{}", "0".repeat(digits)).parse::<B256>();
    assert_eq!(word(64), Ok(B256::ZERO));
    for digits in [0, 62, 63, 65, 66] {
        assert!(
            matches!(word(digits), Err(Error::Length { expected: 32, .. })),
            "{digits}"
        );
    }
    assert_eq!(
        FixedBytes::<98>::try_from([0; 97].as_slice()),
        Err(Error::Length {
            expected: 98,
            actual: 97
        })
    );
}

#[test]
fn random_words_differ() {
    assert_ne!(B256::random().unwrap(), B256::random().unwrap());
}

#[test]
fn refuses_json_that_is_not_a_string() {
    for json in ["1", "null", "[1,2]", "{}", "\"\"", "\"0x12\""] {
        assert!(serde_json::from_str::<Address>(json).is_err(), "{json}");
        assert!(serde_json::from_str::<B256>(json).is_err(), "{json}");
        assert!(serde_json::from_str::<PolicyId>(json).is_err(), "{json}");
        assert!(
            serde_json::from_str::<FixedBytes<98>>(json).is_err(),
            "{json}"
        );
    }
}

proptest! {
    #[test]
    fn addresses_survive_text_and_json(address in any_address()) {
        prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
        let json = serde_json::to_string(&address).unwrap();
        prop_assert_eq!(serde_json::from_str::<Address>(&json).unwrap(), address);
        prop_assert_eq!(json, format!("\"{address}\""));
    }

    #[test]
    fn words_and_ids_survive_text_and_json(word in any_b256()) {
        let id = PolicyId(word);
        prop_assert_eq!(word.to_string().parse::<B256>(), Ok(word));
        prop_assert_eq!(id.to_string().to_uppercase().replacen("0X", "0x", 1).parse(), Ok(id));
        let json = serde_json::to_string(&id).unwrap();
        prop_assert_eq!(serde_json::from_str::<PolicyId>(&json).unwrap(), id);
        prop_assert_eq!(B256::try_from(word.as_ref()), Ok(word));
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), hex in "(0x)?[0-9a-fA-F]{0,70}") {
        for text in [text, hex] {
            let _ = text.parse::<Address>();
            let _ = text.parse::<PolicyId>();
            let _ = text.parse::<FixedBytes<2>>();
        }
    }
}
