//! The one error type of the crate: a variant per decision a caller can take. Nothing in an error
//! is secret. `error/table.rs` gives each variant its code, refusal and remedy.

mod table;
#[cfg(test)]
mod tests;

use crate::primitives::Address;

/// Shorthand used by every fallible function of this crate.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Why an input was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "a message names its fields")]
pub enum Error {
    /// Text that is not `0x` followed by hexadecimal digits.
    #[error("not a 0x-prefixed hexadecimal string")]
    Hex,
    #[error("{actual} bytes given, exactly {expected} expected")]
    Length { expected: usize, actual: usize },
    /// A mixed-case address whose EIP-55 checksum is wrong: probably a typing error.
    #[error("address checksum does not match (EIP-55): a digit may be mistyped")]
    AddressChecksum,
    /// An amount that is not digits, an optional fraction, and a unit.
    #[error("not an amount: write it like \"12.5 {unit}\"")]
    AmountSyntax { unit: &'static str },
    #[error("the unit is missing: write it like \"12.5 {unit}\"")]
    AmountUnit { unit: &'static str },
    #[error("more than {decimals} decimals")]
    AmountDecimals { decimals: u32 },
    #[error("amount out of range")]
    AmountOverflow,
    /// A text that is not the line of a worker's consent.
    #[error("not a worker's consent: it is the line kmsworker1:... of `kms node init`")]
    ConsentSyntax,
    /// A period clock whose periods have no length.
    #[error("the length of a period is zero")]
    PeriodLengthZero,
    /// Bytes that are no secp256k1 secret key: zero, or not below the group order.
    #[error("not a secret key")]
    SecretKey,
    /// A derivation that takes any key and gives few bytes cannot fail.
    #[error("a key was not derived")]
    Derivation,
    #[error("no randomness from the operating system")]
    Randomness,
    /// r or s is zero or not below the group order, or no key fits the signature.
    #[error("malformed signature")]
    SignatureMalformed,
    /// s is in the upper half of the group order: the malleated twin of a signature.
    #[error("signature with a high s")]
    SignatureHighS,
    /// A recovery byte other than 27 and 28.
    #[error("signature with recovery byte {v}, 27 or 28 expected")]
    SignatureRecovery { v: u8 },
    /// A well-formed signature of somebody else, or over something else.
    #[error("signed by {recovered}, expected {expected}")]
    Signer {
        expected: Address,
        recovered: Address,
    },
    /// Terms that no policy can have.
    #[error("policy terms: {0}")]
    Terms(TermsFault),
    /// A message about another policy, miner, key or number of cfrags than expected.
    #[error("message does not fit: {0}")]
    Mismatch(Mismatch),
    /// A list in a message that is empty or too long.
    #[error("{actual} entries given, 1 to {maximum} expected")]
    Count { maximum: usize, actual: usize },
    #[error("{actual} bytes of commitments given, 164 and 33 for each of 1 to 32 expected")]
    CommitmentsLength { actual: usize },
    /// Text in a message that is too long or holds control characters.
    #[error("text longer than {maximum} bytes, or with control characters")]
    Text { maximum: usize },
    #[error("unknown refusal code")]
    RefusalCode,
    /// A sealed message or reply that is damaged, sealed to another key, or meant for another
    /// chain or miner.
    #[error("the sealed message does not open")]
    Envelope,
    /// What was sealed is no message of this protocol.
    #[error("the content of the sealed message is not of this protocol")]
    MessageFormat,
    #[error("the transport key is for periods {first} to {last}, the present one is {now}")]
    CertificatePeriods { first: u32, last: u32, now: u32 },
    /// Fewer candidates with stake than asked for.
    #[error("{wanted} miners wanted, {available} with stake available")]
    TooFewCandidates { wanted: usize, available: usize },
    #[error("candidate {miner} is listed twice")]
    DuplicateCandidate { miner: Address },
    /// Inputs outside the range the reward formula is proved for.
    #[error("reward formula: {0}")]
    Reward(RewardFault),
}

/// What is wrong with the terms of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "a message names its fields")]
pub enum TermsFault {
    #[error("the author is the zero address")]
    AuthorZero,
    #[error("the sponsor is the zero address")]
    SponsorZero,
    #[error("the verifier is the zero address")]
    VerifierZero,
    #[error("the rate is zero")]
    RateZero,
    #[error("the rate exceeds 96 bits")]
    RateTooLarge,
    /// First period zero, or after the last.
    #[error("the periods are not an interval that starts at 1 or later")]
    Periods,
    #[error("{count} miners, 1 to 32 expected")]
    MinerCount { count: usize },
    /// The miners are not strictly ascending from above the zero address.
    #[error("the miners are not strictly ascending at index {index}")]
    MinersUnsorted { index: usize },
    #[error("threshold {threshold} of {miners} miners")]
    Threshold { threshold: u8, miners: usize },
}

/// The part of a message that does not belong to what it answers or is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "a message names its fields")]
pub enum Mismatch {
    #[error("another policy")]
    Policy,
    #[error("another miner")]
    Miner,
    #[error("another worker")]
    Worker,
    #[error("another chain or policy manager")]
    Chain,
    /// Keys whose hash is not in the terms.
    #[error("the keys are not those of the terms")]
    Keys,
    /// A verifying key whose address is not in the terms.
    #[error("the verifying key is not that of the terms")]
    VerifyingKey,
    #[error("another kfrag")]
    Kfrag,
    #[error("not one cfrag for each capsule")]
    CfragCount,
    /// A word about the period 0, which the contract takes for none.
    #[error("a delivery in no period")]
    Delivery,
    /// A receipt of a time to come: no judge would hear it yet.
    #[error("a time to come")]
    Time,
}

/// The precondition of the reward formula that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "a message names its fields")]
pub enum RewardFault {
    /// The half-life is zero, or shorter than the contract accepts for the period length.
    #[error("the half-life does not fit the period length")]
    HalfLife,
    /// A weight above the locked tokens it was computed from.
    #[error("a weight exceeds the locked tokens")]
    WeightAboveLocked,
    /// A sum or product beyond the width the contract computes in.
    #[error("a value exceeds the contract's integers")]
    Overflow,
    #[error("periods must be stepped in ascending order")]
    PeriodOrder,
    #[error("a miner is listed twice in a period")]
    DuplicateMiner,
}
