//! The one error type of the crate: a variant per decision a caller can take.
//!
//! Nothing in an error is secret. [`Error::refusal`] says what a node answers to a peer that caused
//! it; the match there is exhaustive, so a new variant forces that decision.

use crate::primitives::Address;
use crate::refusal::Refusal;

/// Shorthand used by every fallible function of this crate.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Why an input was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Text that is not `0x` followed by hexadecimal digits.
    #[error("not a 0x-prefixed hexadecimal string")]
    Hex,
    /// The wrong number of bytes.
    #[error("{actual} bytes given, exactly {expected} expected")]
    Length {
        /// The only accepted length, in bytes.
        expected: usize,
        /// The length given, in bytes.
        actual: usize,
    },
    /// A mixed-case address whose EIP-55 checksum is wrong: probably a typing error.
    #[error("address checksum does not match (EIP-55): a digit may be mistyped")]
    AddressChecksum,
    /// An amount that is not digits, an optional fraction, and a unit.
    #[error("not an amount: write it like \"12.5 {unit}\"")]
    AmountSyntax {
        /// The usual unit.
        unit: &'static str,
    },
    /// A number without a unit.
    #[error("the unit is missing: write it like \"12.5 {unit}\"")]
    AmountUnit {
        /// The usual unit.
        unit: &'static str,
    },
    /// More decimals than the unit has.
    #[error("more than {decimals} decimals")]
    AmountDecimals {
        /// Decimals of the unit.
        decimals: u32,
    },
    /// An amount beyond the range of its type.
    #[error("amount out of range")]
    AmountOverflow,
    /// A period clock whose periods have no length.
    #[error("the length of a period is zero")]
    PeriodLengthZero,
    /// Bytes that are no secp256k1 secret key: zero, or not below the group order.
    #[error("not a secret key")]
    SecretKey,
    /// The operating system gave no random bytes.
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
    SignatureRecovery {
        /// The byte given.
        v: u8,
    },
    /// A well-formed signature of somebody else, or over something else.
    #[error("signed by {recovered}, expected {expected}")]
    Signer {
        /// Who should have signed.
        expected: Address,
        /// Whom the signature yields.
        recovered: Address,
    },
    /// Terms that no policy can have.
    #[error("policy terms: {0}")]
    Terms(TermsFault),
    /// A message that speaks of another policy, miner, key or number of fragments than it must.
    #[error("message does not fit: {0}")]
    Mismatch(Mismatch),
    /// A list in a message that is empty or too long.
    #[error("{actual} entries given, 1 to {maximum} expected")]
    Count {
        /// Greatest accepted number.
        maximum: usize,
        /// The number given.
        actual: usize,
    },
    /// Commitments of no possible length.
    #[error("{actual} bytes of commitments given, 164 and 33 for each of 1 to 32 expected")]
    CommitmentsLength {
        /// The length given, in bytes.
        actual: usize,
    },
    /// Text in a message that is too long or holds control characters.
    #[error("text longer than {maximum} bytes, or with control characters")]
    Text {
        /// Greatest accepted length, in bytes.
        maximum: usize,
    },
    /// A refusal code that is not on the closed list.
    #[error("unknown refusal code")]
    RefusalCode,
    /// Fewer candidates with stake than asked for.
    #[error("{wanted} miners wanted, {available} with stake available")]
    TooFewCandidates {
        /// How many were asked for.
        wanted: usize,
        /// How many candidates hold stake.
        available: usize,
    },
    /// A candidate listed twice.
    #[error("candidate {miner} is listed twice")]
    DuplicateCandidate {
        /// The address.
        miner: Address,
    },
    /// Inputs outside the range the reward formula is proved for.
    #[error("reward formula: {0}")]
    Reward(RewardFault),
}

/// What is wrong with the terms of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TermsFault {
    /// The author is the zero address.
    #[error("the author is the zero address")]
    AuthorZero,
    /// The sponsor is the zero address.
    #[error("the sponsor is the zero address")]
    SponsorZero,
    /// The verifier is the zero address.
    #[error("the verifier is the zero address")]
    VerifierZero,
    /// The rate is zero.
    #[error("the rate is zero")]
    RateZero,
    /// The rate does not fit the contract's 96 bits.
    #[error("the rate exceeds 96 bits")]
    RateTooLarge,
    /// First period zero, or after the last.
    #[error("the periods are not an interval that starts at 1 or later")]
    Periods,
    /// No miner, or more than 32.
    #[error("{count} miners, 1 to 32 expected")]
    MinerCount {
        /// Miners listed.
        count: usize,
    },
    /// The miners are not strictly ascending from above the zero address.
    #[error("the miners are not strictly ascending at index {index}")]
    MinersUnsorted {
        /// First index that is not above its predecessor (or zero).
        index: usize,
    },
    /// Threshold zero, or above the number of miners.
    #[error("threshold {threshold} of {miners} miners")]
    Threshold {
        /// m.
        threshold: u8,
        /// n.
        miners: usize,
    },
}

/// Which part of a message does not belong to what it answers or is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// Another policy.
    #[error("another policy")]
    Policy,
    /// Another miner.
    #[error("another miner")]
    Miner,
    /// Keys whose hash is not in the terms.
    #[error("the keys are not those of the terms")]
    Keys,
    /// A verifying key whose address is not in the terms.
    #[error("the verifying key is not that of the terms")]
    VerifyingKey,
    /// Another sealed key fragment.
    #[error("another sealed key fragment")]
    SealedKfrag,
    /// Not one fragment per capsule.
    #[error("not one fragment for each capsule")]
    FragmentCount,
}

/// Which precondition of the reward formula does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
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
    /// A period that is not after the last one booked.
    #[error("periods must be stepped in ascending order")]
    PeriodOrder,
    /// A miner listed twice in one period.
    #[error("a miner is listed twice in a period")]
    DuplicateMiner,
}

impl Error {
    /// What a node answers to the peer whose input caused this error.
    pub const fn refusal(&self) -> Refusal {
        match self {
            Self::Hex
            | Self::Length { .. }
            | Self::AddressChecksum
            | Self::AmountSyntax { .. }
            | Self::AmountUnit { .. }
            | Self::AmountDecimals { .. }
            | Self::AmountOverflow
            | Self::Terms(_)
            | Self::Count { .. }
            | Self::CommitmentsLength { .. }
            | Self::Text { .. }
            | Self::RefusalCode
            | Self::TooFewCandidates { .. }
            | Self::DuplicateCandidate { .. } => Refusal::BadRequest,
            Self::SignatureMalformed
            | Self::SignatureHighS
            | Self::SignatureRecovery { .. }
            | Self::Signer { .. } => Refusal::BadSignature,
            Self::Mismatch(mismatch) => mismatch.refusal(),
            Self::PeriodLengthZero | Self::SecretKey | Self::Randomness | Self::Reward(_) => {
                Refusal::Internal
            }
        }
    }
}

impl Mismatch {
    const fn refusal(self) -> Refusal {
        match self {
            Self::Policy | Self::FragmentCount => Refusal::BadRequest,
            Self::Miner => Refusal::NotThisMiner,
            Self::Keys | Self::VerifyingKey | Self::SealedKfrag => Refusal::KfragInvalid,
        }
    }
}

#[cfg(test)]
mod tests;
