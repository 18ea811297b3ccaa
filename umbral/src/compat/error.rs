//! Errors of version 1 and of MessagePack, beside those of the crate.

/// Shorthand used by every fallible function of `compat`.
pub type Result<T> = core::result::Result<T, Error>;

/// Why an operation of version 1 was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "a field says no more than its name and the text"
)]
pub enum Error {
    /// An error that does not depend on the version.
    #[error(transparent)]
    Umbral(#[from] crate::Error),
    /// The right length, but not the one accepted MessagePack framing.
    #[error("{object}: not the canonical MessagePack framing")]
    Framing { object: &'static str },
    /// A flag that is neither true nor false, or a flag bit that means nothing.
    #[error("{field}: not a flag")]
    InvalidFlag { field: &'static str },
    /// A kfrag that names another second generator than U.
    #[error("kfrag uses another parameter point than U")]
    ForeignParameters,
    /// The kfrag's signature covers the delegating key, which was not given.
    #[error("delegating key is needed to check this kfrag")]
    DelegatingKeyNotProvided,
    /// The kfrag's signature covers the receiving key, which was not given.
    #[error("receiving key is needed to check this kfrag")]
    ReceivingKeyNotProvided,
    /// The signature made for the proxy does not verify.
    #[error("kfrag: signature for the proxy does not verify")]
    ProxySignature,
    /// The signature made for the receiver does not verify: every cfrag re-encrypted with this
    /// kfrag would be refused.
    #[error("kfrag: signature for the receiver does not verify")]
    ReceiverSignature,
}
