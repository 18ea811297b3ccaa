use super::{TxRejection, Verdict, classify};

fn check(message: &str, expected: TxRejection) {
    assert_eq!(classify(message), Verdict::Rejected(expected), "{message}");
}

#[test]
fn takes_a_transaction_the_node_has_for_accepted() {
    for message in [
        "already known",                                         // geth, reth
        "AlreadyKnown",                                          // nethermind
        "transaction already imported",                          // anvil, -32003
        "Known transaction: 0x5c8f0a3d6f1e8b1c1d0a7f6b9f0c3a2e", // EDR, -32000
        "Known transaction",                                     // besu
    ] {
        assert_eq!(classify(message), Verdict::Known, "{message}");
    }
}

#[test]
fn knows_a_used_nonce() {
    check("nonce too low", TxRejection::NonceTooLow); // anvil, -32003
    check(
        "nonce too low: next nonce 5, tx nonce 3",
        TxRejection::NonceTooLow,
    ); // geth
    check(
        "nonce too low: next nonce 5, tx nonce 3: address 0xab",
        TxRejection::NonceTooLow,
    );
    check("OldNonce", TxRejection::NonceTooLow); // nethermind
    check(
        "Transaction nonce too low. Expected nonce to be at least 7 but got 2.",
        TxRejection::NonceTooLow,
    ); // EDR, -32000
}

#[test]
fn knows_a_missing_earlier_nonce() {
    check("nonce too high", TxRejection::NonceTooHigh);
    check(
        "NonceGap, Future nonce. Expected nonce: 4",
        TxRejection::NonceTooHigh,
    );
    check(
        "Nonce too high. Expected nonce to be 1 but got 9.",
        TxRejection::NonceTooHigh,
    );
}

#[test]
fn knows_an_underpriced_replacement_from_low_fees() {
    check(
        "replacement transaction underpriced",
        TxRejection::ReplacementUnderpriced,
    );
    check("ReplacementNotAllowed", TxRejection::ReplacementUnderpriced);
    check(
        "Replacement transaction underpriced. A gasPrice/maxFeePerGas of at least 1100000000 is \
         necessary to replace the existing transaction with nonce 3.",
        TxRejection::ReplacementUnderpriced,
    );
    check(
        "transaction underpriced: gas tip cap 1, minimum needed 10",
        TxRejection::FeeTooLow,
    );
    check(
        "max fee per gas less than block base fee: address 0xab, maxFeePerGas: 1, baseFee: 7",
        TxRejection::FeeTooLow,
    );
    check("FeeTooLow, MaxFeePerGas too low", TxRejection::FeeTooLow);
    check(
        "tx fee (2.10 ether) exceeds the configured cap (1.00 ether)",
        TxRejection::FeeTooHigh,
    );
}

#[test]
fn knows_an_empty_account_a_bad_gas_limit_and_a_full_pool() {
    check(
        "insufficient funds for gas * price + value",
        TxRejection::InsufficientFunds,
    );
    check(
        "Insufficient funds for gas * price + value",
        TxRejection::InsufficientFunds,
    );
    check(
        "Sender doesn't have enough funds to send tx. The max upfront cost is: 5",
        TxRejection::InsufficientFunds,
    );
    check(
        "intrinsic gas too low: have 20000, want 21000",
        TxRejection::GasLimit,
    );
    check("exceeds block gas limit", TxRejection::GasLimit);
    check("txpool is full", TxRejection::PoolFull);
}

#[test]
fn knows_a_revert_at_send_and_a_foreign_chain_id() {
    check(
        "execution reverted: EscrowAmountZero()",
        TxRejection::WouldRevert,
    );
    check(
        "VM Exception while processing transaction: reverted with an unrecognized custom error",
        TxRejection::WouldRevert,
    );
    check(
        "invalid chain id for signer: have 1 want 31337",
        TxRejection::WrongChainId,
    );
}

#[test]
fn leaves_foreign_words_unknown() {
    check("", TxRejection::Unknown);
    check("internal error", TxRejection::Unknown);
    check("nonce", TxRejection::Unknown);
}

#[test]
fn tells_what_a_higher_price_mends_from_what_is_refused_for_good() {
    for reason in [TxRejection::ReplacementUnderpriced, TxRejection::FeeTooLow] {
        assert!(reason.asks_for_more() && !reason.is_for_good(), "{reason}");
    }
    for reason in [
        TxRejection::FeeTooHigh,
        TxRejection::InsufficientFunds,
        TxRejection::GasLimit,
        TxRejection::WouldRevert,
        TxRejection::WrongChainId,
    ] {
        assert!(!reason.asks_for_more() && reason.is_for_good(), "{reason}");
    }
    for reason in [
        TxRejection::NonceTooLow,
        TxRejection::NonceTooHigh,
        TxRejection::PoolFull,
        TxRejection::Unknown,
    ] {
        assert!(!reason.asks_for_more() && !reason.is_for_good(), "{reason}");
    }
}
