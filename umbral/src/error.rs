//! The one error type of the crate: a variant per decision a caller can take.
//!
//! Nothing in an error is secret: field names, lengths and indices only.

use crate::equation::Equation;

/// Shorthand used by every fallible function of this crate.
pub type Result<T> = core::result::Result<T, Error>;

/// Why an operation was refused.
///
/// `object` and `field` name what was being decoded, lengths are in bytes, and an `index` is a
/// position in the list the caller gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "a field says no more than its name and the text"
)]
pub enum Error {
    /// The input is not exactly as long as the object it should hold.
    #[error("{object}: {actual} bytes given, exactly {expected} expected")]
    Length {
        object: &'static str,
        expected: usize,
        actual: usize,
    },
    /// The first byte names a version that this crate does not know.
    #[error("{object}: of another version than 2")]
    Version { object: &'static str },
    /// Not a compressed point of the curve: tag not 02 or 03, x >= p, or x not on the curve.
    /// The identity has no such encoding and ends here too.
    #[error("{field}: not a compressed point of secp256k1")]
    InvalidPoint { field: &'static str },
    /// A curve point whose x is not below the group order n, which no chain could judge.
    #[error("{field}: x-coordinate is not below the group order")]
    PointOutOfRange { field: &'static str },
    /// A scalar that is not below the group order n.
    #[error("{field}: scalar is not below the group order")]
    InvalidScalar { field: &'static str },
    /// A scalar that is zero where zero has no meaning.
    #[error("{field}: scalar is zero")]
    ZeroScalar { field: &'static str },
    /// An ECDSA signature with r or s equal to zero or not below the group order.
    #[error("{field}: r or s out of range")]
    InvalidSignature { field: &'static str },
    /// An ECDSA signature with s above n/2: the malleable twin of an accepted one.
    #[error("{field}: s is in the upper half of the group order")]
    HighS { field: &'static str },
    /// The capsule's own proof sG = V + hE does not hold, or V = -E.
    #[error("capsule is not self-consistent")]
    CapsuleInvalid,

    /// A threshold of zero, which no cfrags at all would meet.
    #[error("threshold is zero")]
    ThresholdZero,
    /// Threshold above the number of shares.
    #[error("threshold {threshold} is above the number of shares {shares}")]
    ThresholdAboveShares { threshold: u16, shares: u16 },
    /// More shares, or more cfrags, than [`Quorum::MAX_SHARES`](crate::Quorum::MAX_SHARES).
    #[error("{given} shares, at most {limit} are supported")]
    TooManyShares { given: usize, limit: usize },
    /// The policy has another number of shares than there are miners.
    #[error("{given} miners for {expected} shares")]
    MinersMismatch { expected: usize, given: usize },

    /// Commitments not signed for this policy, or with another threshold than its.
    #[error("commitments are not those of this policy")]
    CommitmentsInvalid,
    /// Commitments to another polynomial than the one the kfrag is of, by their X.
    #[error("commitments are of another delegation than the kfrag")]
    AnotherDelegation,
    /// A share does not lie on the committed polynomial, or the polynomial is not for this key: the
    /// delegator is at fault.
    #[error("the delegator's shares are inconsistent")]
    InconsistentShares,

    /// rk * U differs from the commitment of the kfrag.
    #[error("kfrag does not match its commitment")]
    CommitmentMismatch,
    /// The delegator did not sign the kfrag for this policy, this miner and these keys.
    #[error("kfrag is not signed for this policy, this miner and these keys")]
    KeyFragSignature,
    /// A stand-alone signature does not verify.
    #[error("signature does not verify")]
    Signature,
    /// The delegator's signature inside a cfrag is not for this policy, this miner and these keys.
    #[error("cfrag is not of a kfrag signed for this policy, this miner and these keys")]
    CapsuleFragSignature,
    /// One equation of the re-encryption proof fails; enough to hold the miner at fault.
    #[error("cfrag: the equation over {0} does not hold")]
    Reencryption(Equation),

    /// An opening was asked for with an empty list of cfrags.
    #[error("no cfrags")]
    NoCapsuleFrags,
    /// A cfrag was verified against another capsule.
    #[error("cfrag {index} belongs to another capsule")]
    AnotherCapsule { index: usize },
    /// A cfrag was verified for another pair of keys.
    #[error("cfrag {index} belongs to other keys")]
    AnotherContext { index: usize },
    /// A cfrag comes from another delegation than the first one (other precursor X).
    #[error("cfrag {index} belongs to another delegation")]
    MismatchedCapsuleFrag { index: usize },
    /// Two cfrags come from the same kfrag.
    #[error("cfrags {first} and {second} come from one kfrag")]
    RepeatedCapsuleFrag { first: usize, second: usize },
    /// The cfrags together do not open the capsule: fewer than the threshold, or shares that the
    /// delegator made inconsistent.
    #[error("cfrags do not open the capsule")]
    ValidationFailed,

    /// A ciphertext shorter than the nonce it begins with.
    #[error("ciphertext of {actual} bytes is shorter than its nonce")]
    CiphertextTooShort { actual: usize },
    /// The tag does not fit: wrong key, wrong capsule, or altered ciphertext.
    #[error("ciphertext is not authentic")]
    AuthenticationFailed,
    /// A plaintext longer than the cipher can take (256 GiB).
    #[error("plaintext is too long for one ciphertext")]
    PlaintextTooLong,

    /// The random generator reported a failure.
    #[error("the random generator failed")]
    Rng,
    /// The random generator repeats itself or gives only unusable values.
    #[error("the random generator is broken")]
    RngDegenerate,

    /// A state that cannot be reached, with the invariant that excludes it.
    #[error("BUG: {0}")]
    Bug(&'static str),
}

impl Error {
    /// The stable name of the error, by what a caller can do about it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.row().0
    }

    /// The next step of whoever meets the error.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        self.row().1
    }

    /// The table of errors: code and remedy. No wildcard: a new variant has to decide on both.
    const fn row(&self) -> (&'static str, &'static str) {
        match self {
            Self::Length { .. }
            | Self::Version { .. }
            | Self::InvalidPoint { .. }
            | Self::PointOutOfRange { .. }
            | Self::InvalidScalar { .. }
            | Self::ZeroScalar { .. }
            | Self::InvalidSignature { .. }
            | Self::HighS { .. }
            | Self::CapsuleInvalid => ("encoding_invalid", "ask for the key or the file again"),
            Self::ThresholdZero
            | Self::ThresholdAboveShares { .. }
            | Self::TooManyShares { .. }
            | Self::MinersMismatch { .. } => ("quorum_invalid", "choose m of n with m up to n"),
            Self::CommitmentsInvalid
            | Self::AnotherDelegation
            | Self::InconsistentShares
            | Self::CommitmentMismatch
            | Self::KeyFragSignature
            | Self::Signature
            | Self::CapsuleFragSignature
            | Self::Reencryption(_) => ("not_authentic", "ask the author for a new grant"),
            Self::NoCapsuleFrags
            | Self::AnotherCapsule { .. }
            | Self::AnotherContext { .. }
            | Self::MismatchedCapsuleFrag { .. }
            | Self::RepeatedCapsuleFrag { .. }
            | Self::ValidationFailed => ("cfrags_unfit", "take m cfrags of one grant and capsule"),
            Self::CiphertextTooShort { .. } | Self::AuthenticationFailed => (
                "ciphertext_invalid",
                "use the key it was encrypted for, and an unchanged copy",
            ),
            Self::PlaintextTooLong => ("plaintext_too_long", "split the data over several files"),
            Self::Rng | Self::RngDegenerate => {
                ("rng_failed", "check the operating system's random source")
            }
            Self::Bug(_) => ("bug", "report this with the text of the error"),
        }
    }
}
