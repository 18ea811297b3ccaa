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
fn a_sealed_name_has_one_of_five_lengths() {
    for length in 0..=300 {
        let sealed = SealedName::from_bytes(&vec![7; length]);
        let expected = [48, 80, 112, 144, 176].contains(&length);
        assert_eq!(sealed.is_ok(), expected, "{length}");
        if let Err(error) = sealed {
            assert_eq!(error.code(), "header_malformed");
        }
    }
}

proptest! {
    #[test]
    fn locators_round_trip(chain_id: u64, contract: [u8; 20]) {
        let locator = Locator { chain_id, contract };
        prop_assert_eq!(Locator::from_bytes(&locator.to_bytes()).unwrap(), locator);
    }

    #[test]
    fn sealed_names_round_trip(blocks in 1_usize..=5, byte: u8) {
        let bytes = vec![byte; 16 + 32 * blocks];
        let sealed = SealedName::from_bytes(&bytes).unwrap();
        prop_assert_eq!(sealed.as_bytes(), &*bytes);
    }
}
