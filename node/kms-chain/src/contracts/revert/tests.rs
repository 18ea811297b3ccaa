use ethers::abi::{Token, encode};
use ethers::types::{H160, U256};
use proptest::prelude::*;

use super::{ERRORS, decode_data, decode_error, selector_of};
use crate::error::ChainError;

fn check(data: &[u8], expected: &str) {
    let error = decode_data(data);
    assert!(matches!(error, ChainError::Reverted { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!("the contract refused: {expected}")
    );
}

fn data(signature: &str, tokens: &[Token]) -> Vec<u8> {
    [&selector_of(signature)[..], &encode(tokens)].concat()
}

#[test]
fn names_a_custom_error_and_its_arguments() {
    let tokens = [Token::Uint(U256::from(2)), Token::Uint(U256::from(4))];
    check(
        &data("EscrowLockTooShort(uint32,uint32)", &tokens),
        "EscrowLockTooShort(lockPeriods: 2, minimum: 4)",
    );
    check(&data("EscrowAmountZero()", &[]), "EscrowAmountZero()");
    let tokens = [
        Token::FixedBytes(vec![0xab; 32]),
        Token::Address(H160([0; 20])),
    ];
    check(
        &data("PolicyMinerUnknown(bytes32,address)", &tokens),
        &format!(
            "PolicyMinerUnknown(policyId: 0x{}, miner: 0x{})",
            "ab".repeat(32),
            "0".repeat(40)
        ),
    );
}

#[test]
fn shows_amounts_with_their_unit() {
    let half = U256::exp10(17) * 5;
    let miner = Token::Address(H160([0; 20]));
    let zero = format!("0x{}", "0".repeat(40));
    check(
        &data(
            "PolicyQuoteRateTooLow(address,uint96,uint96)",
            &[miner.clone(), Token::Uint(half), Token::Uint(half * 3)],
        ),
        &format!("PolicyQuoteRateTooLow(miner: {zero}, rate: 0.5 KMS, quotedRate: 1.5 KMS)"),
    );
    check(
        &data(
            "ERC20InsufficientBalance(address,uint256,uint256)",
            &[miner, Token::Uint(0.into()), Token::Uint(half)],
        ),
        &format!("ERC20InsufficientBalance(sender: {zero}, balance: 0 KMS, needed: 0.5 KMS)"),
    );
    // A count, and more than there can be.
    check(
        &data("PolicyMinersInvalid(uint256)", &[Token::Uint(31.into())]),
        "PolicyMinersInvalid(count: 31)",
    );
    check(
        &data(
            "PolicyPaymentMismatch(uint256,uint256)",
            &[Token::Uint(U256::MAX), Token::Uint(U256::MAX)],
        ),
        &format!("PolicyPaymentMismatch(paid: {0}, due: {0})", U256::MAX),
    );
}

#[test]
fn reads_plain_strings_and_panics_and_cleans_them() {
    check(
        &data("Error(string)", &[Token::String("no\u{7}\n!".into())]),
        "Error(message: no!)",
    );
    check(
        &data("Panic(uint256)", &[Token::Uint(U256::from(0x11))]),
        "Panic(code: 17)",
    );
}

#[test]
fn shows_the_selector_of_an_error_it_does_not_know() {
    check(&[0xde, 0xad, 0xbe, 0xef, 1, 2], "0xdeadbeef()");
}

#[test]
fn shows_the_selector_when_the_arguments_do_not_fit() {
    let mut cut = data("EscrowLockTooShort(uint32,uint32)", &[]);
    let name = format!("0x{}()", hex::encode(&cut));
    cut.push(7);
    check(&cut, &name);
}

#[test]
fn tells_a_revert_without_data_from_other_errors() {
    let rpc = |code, message: &str, data| ChainError::Rpc {
        method: "eth_call",
        code,
        message: message.to_owned(),
        data,
    };
    let is_revert = |error| matches!(decode_error(error), ChainError::Reverted { .. });
    assert!(is_revert(rpc(3, "execution reverted", None)));
    assert!(is_revert(rpc(-32_000, "VM Exception: Reverted", None)));
    assert!(is_revert(rpc(3, "execution reverted", Some(vec![1, 2]))));
    assert!(!is_revert(rpc(-32_000, "header not found", None)));
    assert!(!is_revert(rpc(-32_602, "invalid params", Some(vec![1]))));
    assert!(!is_revert(ChainError::ChainMoved));
}

#[test]
fn knows_every_error_of_the_interfaces() {
    let sources = [
        "IKMSToken",
        "IStakingEscrow",
        "IMiningRewards",
        "IPolicyManager",
        "IAdjudicator",
        "ISilenceChallenges",
        "IControl",
    ];
    let names: Vec<_> = ERRORS.values().map(|error| error.name.as_str()).collect();
    for source in sources {
        let path = format!(
            "{}/../../contracts/src/interfaces/{source}.sol",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(path).unwrap();
        let declared = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("error "));
        for name in declared.filter_map(|line| line.split('(').next()) {
            assert!(names.contains(&name), "{name} of {source}");
        }
    }
}

proptest! {
    #[test]
    fn survives_any_data(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_data(&bytes);
    }

    #[test]
    fn survives_any_arguments(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for signature in ["Error(string)", "EscrowMinerCannotServe(address,uint8,uint96,uint32)"] {
            let _ = decode_data(&[&selector_of(signature)[..], &bytes].concat());
        }
    }
}
