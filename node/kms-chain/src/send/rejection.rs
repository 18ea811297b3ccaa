//! Classifies the messages with which endpoints refuse a signed transaction.
//!
//! The code -32000 stands for nearly everything, so the table goes by message. Fixtures of geth,
//! reth, nethermind, anvil and EDR are in the tests.

/// Class of a refusal of `eth_sendRawTransaction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "a message names its variant")]
pub enum TxRejection {
    /// The nonce is used: this transaction or another one is mined.
    #[error("nonce too low")]
    NonceTooLow,
    /// An earlier nonce is missing.
    #[error("nonce too high")]
    NonceTooHigh,
    /// Fees below what replaces the pending transaction of that nonce.
    #[error("replacement underpriced")]
    ReplacementUnderpriced,
    /// Fees below what a block or the pool takes now.
    #[error("fees too low")]
    FeeTooLow,
    /// Fees above what the endpoint forwards.
    #[error("fees too high for the endpoint")]
    FeeTooHigh,
    /// The account cannot pay value and fees.
    #[error("insufficient funds")]
    InsufficientFunds,
    /// The gas limit is below the intrinsic cost or above the block's.
    #[error("gas limit out of range")]
    GasLimit,
    #[error("transaction pool full")]
    PoolFull,
    /// The endpoint simulated the transaction, and it reverts.
    #[error("it would revert")]
    WouldRevert,
    #[error("wrong chain id")]
    WrongChainId,
    /// A message that is not in the table.
    #[error("unknown reason")]
    Unknown,
}

impl TxRejection {
    /// Whether the endpoint may accept the transaction at higher fees.
    #[must_use]
    pub fn asks_for_more(self) -> bool {
        match self {
            Self::ReplacementUnderpriced | Self::FeeTooLow => true,
            Self::NonceTooLow
            | Self::NonceTooHigh
            | Self::FeeTooHigh
            | Self::InsufficientFunds
            | Self::GasLimit
            | Self::PoolFull
            | Self::WouldRevert
            | Self::WrongChainId
            | Self::Unknown => false,
        }
    }

    /// Whether the same bytes will be refused again until somebody acts.
    #[must_use]
    pub fn is_for_good(self) -> bool {
        match self {
            Self::FeeTooHigh
            | Self::InsufficientFunds
            | Self::GasLimit
            | Self::WouldRevert
            | Self::WrongChainId => true,
            Self::NonceTooLow
            | Self::NonceTooHigh
            | Self::ReplacementUnderpriced
            | Self::FeeTooLow
            | Self::PoolFull
            | Self::Unknown => false,
        }
    }
}

/// Meaning of an error answer to `eth_sendRawTransaction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The endpoint has this transaction already, which counts as accepted.
    Known,
    /// The endpoint refused the transaction.
    Rejected(TxRejection),
}

/// Parts of messages in lower case, tried in order; the first that occurs decides.
const TABLE: &[(&str, Verdict)] = &[
    ("already known", Verdict::Known),
    ("alreadyknown", Verdict::Known),
    ("already imported", Verdict::Known),
    ("known transaction", Verdict::Known),
    ("already exists in the pool", Verdict::Known),
    (
        "replacement",
        Verdict::Rejected(TxRejection::ReplacementUnderpriced),
    ),
    ("nonce too low", Verdict::Rejected(TxRejection::NonceTooLow)),
    (
        "nonce is too low",
        Verdict::Rejected(TxRejection::NonceTooLow),
    ),
    ("oldnonce", Verdict::Rejected(TxRejection::NonceTooLow)),
    (
        "nonce too high",
        Verdict::Rejected(TxRejection::NonceTooHigh),
    ),
    (
        "nonce is too high",
        Verdict::Rejected(TxRejection::NonceTooHigh),
    ),
    ("nonce gap", Verdict::Rejected(TxRejection::NonceTooHigh)),
    ("noncegap", Verdict::Rejected(TxRejection::NonceTooHigh)),
    (
        "insufficient funds",
        Verdict::Rejected(TxRejection::InsufficientFunds),
    ),
    (
        "insufficientfunds",
        Verdict::Rejected(TxRejection::InsufficientFunds),
    ),
    (
        "enough funds",
        Verdict::Rejected(TxRejection::InsufficientFunds),
    ),
    (
        "exceeds the configured cap",
        Verdict::Rejected(TxRejection::FeeTooHigh),
    ),
    ("underpriced", Verdict::Rejected(TxRejection::FeeTooLow)),
    ("feetoolow", Verdict::Rejected(TxRejection::FeeTooLow)),
    (
        "less than block base fee",
        Verdict::Rejected(TxRejection::FeeTooLow),
    ),
    (
        "too low for the next block",
        Verdict::Rejected(TxRejection::FeeTooLow),
    ),
    (
        "intrinsic gas too low",
        Verdict::Rejected(TxRejection::GasLimit),
    ),
    (
        "intrinsic gas too high",
        Verdict::Rejected(TxRejection::GasLimit),
    ),
    ("gas limit", Verdict::Rejected(TxRejection::GasLimit)),
    ("gaslimit", Verdict::Rejected(TxRejection::GasLimit)),
    ("pool is full", Verdict::Rejected(TxRejection::PoolFull)),
    ("txpool full", Verdict::Rejected(TxRejection::PoolFull)),
    ("revert", Verdict::Rejected(TxRejection::WouldRevert)),
    ("chain id", Verdict::Rejected(TxRejection::WrongChainId)),
    ("chainid", Verdict::Rejected(TxRejection::WrongChainId)),
];

/// Classifies the message of an error answer.
pub(crate) fn classify(message: &str) -> Verdict {
    let lower = message.to_lowercase();
    TABLE
        .iter()
        .find(|(fragment, _)| lower.contains(fragment))
        .map_or(Verdict::Rejected(TxRejection::Unknown), |(_, verdict)| {
            *verdict
        })
}

#[cfg(test)]
mod tests;
