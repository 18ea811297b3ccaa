//! Who a fragment is for: the three public keys every check needs.

use crate::keys::PublicKey;
use crate::keys::signing::VerifyingKey;

/// The parties of a delegation. Fragments are verified against it and remember it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The delegator's encryption key A, under which the capsule was made.
    pub delegating: PublicKey,
    /// The receiver's encryption key B.
    pub receiving: PublicKey,
    /// The key that verifies the delegator's signatures.
    pub verifying: VerifyingKey,
}
