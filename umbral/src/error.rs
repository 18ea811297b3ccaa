//! The one error type of the crate: a variant per decision a caller can take.
//!
//! Nothing in an error is secret: field names, lengths and indices only.

use crate::equation::Equation;

/// Shorthand used by every fallible function of this crate.
pub type Result<T> = core::result::Result<T, Error>;

/// Why an operation was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input is not exactly as long as the object it should hold.
    #[error("{object}: {actual} bytes given, exactly {expected} expected")]
    Length {
        /// What was being decoded.
        object: &'static str,
        /// The only accepted length, in bytes.
        expected: usize,
        /// The length given, in bytes.
        actual: usize,
    },
    /// The right length, but not the one accepted MessagePack framing.
    #[error("{object}: not the canonical MessagePack framing")]
    Framing {
        /// What was being decoded.
        object: &'static str,
    },
    /// A flag that is neither true nor false, or a flag bit that means nothing.
    #[error("{field}: not a flag")]
    InvalidFlag {
        /// The field that holds it.
        field: &'static str,
    },
    /// Not a compressed point of the curve: tag not 02 or 03, x >= p, or x not on the curve.
    /// The identity has no such encoding and ends here too.
    #[error("{field}: not a compressed point of secp256k1")]
    InvalidPoint {
        /// The field that holds it.
        field: &'static str,
    },
    /// A curve point whose x is not below the group order n, which no chain could judge.
    #[error("{field}: x-coordinate is not below the group order")]
    PointOutOfRange {
        /// The field that holds it.
        field: &'static str,
    },
    /// A scalar that is not below the group order n.
    #[error("{field}: scalar is not below the group order")]
    InvalidScalar {
        /// The field that holds it.
        field: &'static str,
    },
    /// A scalar that is zero where zero has no meaning.
    #[error("{field}: scalar is zero")]
    ZeroScalar {
        /// The field that holds it.
        field: &'static str,
    },
    /// An ECDSA signature with r or s equal to zero or not below the group order.
    #[error("{field}: r or s out of range")]
    InvalidSignature {
        /// The field that holds it.
        field: &'static str,
    },
    /// An ECDSA signature with s above n/2: the malleable twin of an accepted one.
    #[error("{field}: s is in the upper half of the group order")]
    HighS {
        /// The field that holds it.
        field: &'static str,
    },
    /// A key fragment that names another second generator than U.
    #[error("key fragment uses another parameter point than U")]
    ForeignParameters,
    /// The capsule's own proof sG = V + hE does not hold, or V = -E.
    #[error("capsule is not self-consistent")]
    CapsuleInvalid,

    /// Threshold zero.
    #[error("threshold is zero")]
    ThresholdZero,
    /// Threshold above the number of shares.
    #[error("threshold {threshold} is above the number of shares {shares}")]
    ThresholdAboveShares {
        /// Fragments needed.
        threshold: u16,
        /// Fragments made.
        shares: u16,
    },
    /// More shares than [`MAX_SHARES`](crate::MAX_SHARES).
    #[error("{given} shares, at most {limit} are supported")]
    TooManyShares {
        /// Shares asked for or given.
        given: usize,
        /// The limit.
        limit: usize,
    },

    /// The policy has another number of shares than there are miners.
    #[error("{given} miners for {expected} shares")]
    MinersMismatch {
        /// Shares of the policy.
        expected: usize,
        /// Miners given.
        given: usize,
    },
    /// Commitments not signed for this policy, or with another threshold than its.
    #[error("commitments are not those of this policy")]
    CommitmentsInvalid,
    /// A share does not lie on the committed polynomial, or the polynomial is not for this key: the
    /// delegator is at fault.
    #[error("the delegator's shares are inconsistent")]
    InconsistentShares,

    /// rk * U differs from the commitment of the key fragment.
    #[error("key fragment does not match its commitment")]
    CommitmentMismatch,
    /// The fragment's signature covers the delegating key, which was not given.
    #[error("delegating key is needed to check this key fragment")]
    DelegatingKeyNotProvided,
    /// The fragment's signature covers the receiving key, which was not given.
    #[error("receiving key is needed to check this key fragment")]
    ReceivingKeyNotProvided,
    /// The signature made for the proxy does not verify.
    #[error("key fragment: signature for the proxy does not verify")]
    ProxySignature,
    /// The signature made for the receiver does not verify: every fragment re-encrypted
    /// with this key fragment would be refused.
    #[error("key fragment: signature for the receiver does not verify")]
    ReceiverSignature,

    /// A stand-alone signature does not verify.
    #[error("signature does not verify")]
    Signature,
    /// The delegator's signature inside a capsule fragment does not verify.
    #[error("capsule fragment: the delegator's signature does not verify")]
    KeyFragSignature,
    /// One equation of the re-encryption proof fails; enough to hold the proxy at fault.
    #[error("capsule fragment: the equation over {0} does not hold")]
    Reencryption(Equation),

    /// No capsule fragments were given.
    #[error("no capsule fragments")]
    NoCapsuleFrags,
    /// A fragment was verified against another capsule.
    #[error("capsule fragment {index} belongs to another capsule")]
    AnotherCapsule {
        /// Position in the list given.
        index: usize,
    },
    /// A fragment was verified for another pair of keys.
    #[error("capsule fragment {index} belongs to other keys")]
    AnotherContext {
        /// Position in the list given.
        index: usize,
    },
    /// A fragment comes from another delegation than the first one (other precursor X).
    #[error("capsule fragment {index} belongs to another delegation")]
    MismatchedCapsuleFrag {
        /// Position in the list given.
        index: usize,
    },
    /// Two fragments come from the same key fragment.
    #[error("capsule fragments {first} and {second} come from one key fragment")]
    RepeatedCapsuleFrag {
        /// Position of the earlier one.
        first: usize,
        /// Position of the later one.
        second: usize,
    },
    /// The fragments are not those of the proxies an opening key was made for.
    #[error("capsule fragments of other proxies than the opening key's")]
    OtherProxies,
    /// The fragments together do not open the capsule: fewer than the threshold, wrong keys,
    /// or shares that the delegator made inconsistent.
    #[error("capsule fragments do not open the capsule")]
    ValidationFailed,

    /// Shorter than the nonce.
    #[error("ciphertext of {actual} bytes is shorter than its nonce")]
    CiphertextTooShort {
        /// The length given, in bytes.
        actual: usize,
    },
    /// Wrong key, wrong capsule, or altered ciphertext.
    #[error("ciphertext is not authentic")]
    AuthenticationFailed,
    /// Longer than the cipher can take (256 GiB).
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
    /// Position, in the list the caller passed, of the fragment that is to blame, if one is.
    ///
    /// The match has no wildcard: a new variant forces a decision about blame.
    pub const fn culprit(&self) -> Option<usize> {
        match *self {
            Self::AnotherCapsule { index }
            | Self::AnotherContext { index }
            | Self::MismatchedCapsuleFrag { index }
            | Self::RepeatedCapsuleFrag { second: index, .. } => Some(index),
            Self::Length { .. }
            | Self::Framing { .. }
            | Self::InvalidFlag { .. }
            | Self::InvalidPoint { .. }
            | Self::PointOutOfRange { .. }
            | Self::InvalidScalar { .. }
            | Self::ZeroScalar { .. }
            | Self::InvalidSignature { .. }
            | Self::HighS { .. }
            | Self::ForeignParameters
            | Self::CapsuleInvalid
            | Self::ThresholdZero
            | Self::ThresholdAboveShares { .. }
            | Self::TooManyShares { .. }
            | Self::MinersMismatch { .. }
            | Self::CommitmentsInvalid
            | Self::InconsistentShares
            | Self::CommitmentMismatch
            | Self::DelegatingKeyNotProvided
            | Self::ReceivingKeyNotProvided
            | Self::ProxySignature
            | Self::ReceiverSignature
            | Self::Signature
            | Self::KeyFragSignature
            | Self::Reencryption(_)
            | Self::NoCapsuleFrags
            | Self::OtherProxies
            | Self::ValidationFailed
            | Self::CiphertextTooShort { .. }
            | Self::AuthenticationFailed
            | Self::PlaintextTooLong
            | Self::Rng
            | Self::RngDegenerate
            | Self::Bug(_) => None,
        }
    }
}
