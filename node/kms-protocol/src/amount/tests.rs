//! Amounts as text for people and as JSON.

use proptest::prelude::*;

use super::*;

fn check(text: &str, expected: u128) {
    assert_eq!(text.parse(), Ok(Amount(expected)), "{text}");
}

fn check_refused(text: &str, expected: Error) {
    assert_eq!(text.parse::<Amount>(), Err(expected), "{text}");
}

const SYNTAX: Error = Error::AmountSyntax { unit: "KMS" };
const UNIT: Error = Error::AmountUnit { unit: "KMS" };

#[test]
fn reads_a_number_with_its_unit() {
    check("0 KMS", 0);
    check("12.5 KMS", 12_500_000_000_000_000_000);
    check("12.5KMS", 12_500_000_000_000_000_000);
    check("1   KMS", Amount::KMS.0);
    check("0.000000000000000001 KMS", 1);
    check("007.50 KMS", 7_500_000_000_000_000_000);
    check("340282366920938463463.374607431768211455 KMS", u128::MAX);
}

#[test]
fn refuses_a_number_without_unit() {
    for text in ["1", "12.5", "0", "12.5 ", "1000000000000000000"] {
        check_refused(text, UNIT);
    }
}

#[test]
fn refuses_more_than_18_decimals_even_if_zero() {
    check_refused(
        "1.0000000000000000000 KMS",
        Error::AmountDecimals { decimals: 18 },
    );
    check_refused(
        "0.0000000000000000001 KMS",
        Error::AmountDecimals { decimals: 18 },
    );
}

#[test]
fn refuses_signs_separators_exponents_and_other_units() {
    for text in [
        "",
        " ",
        "KMS",
        "-1 KMS",
        "+1 KMS",
        " 1 KMS",
        "1 KMS ",
        "1,5 KMS",
        "1_000 KMS",
        "1e3 KMS",
        ".5 KMS",
        "5. KMS",
        "1.2.3 KMS",
        ". KMS",
        "1 kms",
        "1 ETH",
        "1 KMSS",
        "1\tKMS",
        "0x1 KMS",
        "١ KMS",
        "1 KMS 2 KMS",
    ] {
        check_refused(text, SYNTAX);
    }
}

#[test]
fn refuses_amounts_beyond_128_bits() {
    check_refused(
        "340282366920938463463.374607431768211456 KMS",
        Error::AmountOverflow,
    );
    check_refused(&format!("1{} KMS", "0".repeat(60)), Error::AmountOverflow);
}

#[test]
fn displays_without_trailing_zeros() {
    assert_eq!(Amount(0).to_string(), "0 KMS");
    assert_eq!(Amount(1).to_string(), "0.000000000000000001 KMS");
    assert_eq!(Amount(12_500_000_000_000_000_000).to_string(), "12.5 KMS");
    assert_eq!(
        Amount::from_kms(1_000_000).unwrap().to_string(),
        "1000000 KMS"
    );
}

#[test]
fn displays_ether_in_the_unit_that_reads_best() {
    assert_eq!(Wei(0).to_string(), "0 ETH");
    assert_eq!(Wei(999_999_999).to_string(), "999999999 wei");
    assert_eq!(Wei(1_500_000_000).to_string(), "1.5 gwei");
    assert_eq!(
        Wei(999_999_999_999_999).to_string(),
        "999999.999999999 gwei"
    );
    assert_eq!(Wei(1_000_000_000_000_000).to_string(), "0.001 ETH");
    assert_eq!(Wei::ETH.to_string(), "1 ETH");
}

#[test]
fn reads_ether_in_three_units() {
    assert_eq!("1.5 gwei".parse(), Ok(Wei(1_500_000_000)));
    assert_eq!("10 ETH".parse(), Ok(Wei(10 * Wei::ETH.0)));
    assert_eq!("7wei".parse(), Ok(Wei(7)));
    assert_eq!(
        "1.5 wei".parse::<Wei>(),
        Err(Error::AmountDecimals { decimals: 0 })
    );
    assert_eq!(
        "1.0000000001 gwei".parse::<Wei>(),
        Err(Error::AmountDecimals { decimals: 9 })
    );
    assert_eq!(
        "1 KMS".parse::<Wei>(),
        Err(Error::AmountSyntax { unit: "ETH" })
    );
    assert_eq!("1".parse::<Wei>(), Err(Error::AmountUnit { unit: "ETH" }));
}

#[test]
fn refuses_json_that_is_not_a_canonical_decimal_string() {
    for json in [
        "1",
        "1.0",
        "null",
        "\"\"",
        "\"+1\"",
        "\"-1\"",
        "\"01\"",
        "\"0x1\"",
        "\" 1\"",
        "\"1 KMS\"",
        "\"1.0\"",
        "\"1e3\"",
        "\"340282366920938463463374607431768211456\"",
    ] {
        assert!(serde_json::from_str::<Amount>(json).is_err(), "{json}");
        assert!(serde_json::from_str::<Wei>(json).is_err(), "{json}");
    }
}

#[test]
fn refuses_to_overflow() {
    assert_eq!(Amount(u128::MAX).checked_add(Amount(1)), None);
    assert_eq!(Amount(1).checked_sub(Amount(2)), None);
    assert_eq!(Amount(u128::MAX).checked_mul(2), None);
    assert_eq!(Amount(1).saturating_sub(Amount(2)), Amount::ZERO);
    assert_eq!(
        Amount::from_kms(u64::MAX).map(Amount::units),
        Some(u128::from(u64::MAX) * 10_u128.pow(18))
    );
}

proptest! {
    #[test]
    fn amounts_survive_text_and_json(units: u128, shift in 0_u32..128) {
        let (amount, wei) = (Amount(units >> shift), Wei(units >> shift));
        prop_assert_eq!(amount.to_string().parse::<Amount>(), Ok(amount));
        prop_assert_eq!(wei.to_string().parse::<Wei>(), Ok(wei));
        let json = serde_json::to_string(&amount).unwrap();
        prop_assert_eq!(&json, &format!("\"{}\"", amount.0));
        prop_assert_eq!(serde_json::from_str::<Amount>(&json).unwrap(), amount);
        prop_assert_eq!(serde_json::from_str::<Wei>(&json).unwrap(), wei);
    }

    #[test]
    fn any_text_is_read_or_refused(
        text in any::<String>(),
        near in "[0-9.]{0,60} ?(KMS|ETH|gwei|wei)?",
    ) {
        for text in [text, near] {
            let _ = text.parse::<Amount>();
            let _ = text.parse::<Wei>();
        }
    }

    #[test]
    fn arithmetic_is_that_of_integers(a: u128, b: u128) {
        prop_assert_eq!(Amount(a).checked_add(Amount(b)), a.checked_add(b).map(Amount));
        prop_assert_eq!(Amount(a).checked_sub(Amount(b)), a.checked_sub(b).map(Amount));
        prop_assert_eq!(Amount(a).checked_mul(b), a.checked_mul(b).map(Amount));
    }
}
