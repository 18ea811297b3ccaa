use getrandom::SysRng;
use proptest::prelude::*;

use super::*;

#[test]
fn a_locator_is_a_32_byte_chain_id_and_an_address() {
    let locator = Locator {
        chain_id: 0x0102_0304_0506_0708,
        contract: [0xaa; 20],
    };
    let mut expected = [0; 52];
    expected[24..32].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
    expected[32..].fill(0xaa);
    assert_eq!(locator.to_bytes(), expected);
}

#[test]
fn refuses_a_chain_id_above_64_bits() {
    for index in 0..24 {
        let mut bytes = Locator {
            chain_id: 1,
            contract: [1; 20],
        }
        .to_bytes();
        bytes[index] = 1;
        let error = Locator::from_bytes(&bytes).unwrap_err();
        assert_eq!(error.code(), "header_malformed");
    }
}

#[test]
fn a_hint_matches_its_label_alone() {
    let hint = LabelHint::new(&mut SysRng, "films/demo").unwrap();
    assert!(hint.matches("films/demo"));
    for other in ["", "films", "films/demo ", "Films/demo", "films/demo\0"] {
        assert!(!hint.matches(other), "{other}");
    }
}

#[test]
fn two_hints_of_one_label_share_nothing() {
    let first = LabelHint::new(&mut SysRng, "a").unwrap();
    let second = LabelHint::new(&mut SysRng, "a").unwrap();
    assert_ne!(first.salt, second.salt);
    assert_ne!(first.tag, second.tag);
}

#[test]
fn a_hint_of_another_salt_does_not_match() {
    let hint = LabelHint::new(&mut SysRng, "a").unwrap();
    assert!(
        !LabelHint {
            salt: [0; 16],
            ..hint
        }
        .matches("a")
    );
}

proptest! {
    #[test]
    fn locators_round_trip(chain_id: u64, contract: [u8; 20]) {
        let locator = Locator { chain_id, contract };
        prop_assert_eq!(Locator::from_bytes(&locator.to_bytes()).unwrap(), locator);
    }

    #[test]
    fn hints_round_trip(low: [u8; 16], high: [u8; 16]) {
        let hint = LabelHint { salt: low, tag: high };
        prop_assert_eq!(LabelHint::from_bytes(&hint.to_bytes()).unwrap(), hint);
    }
}
