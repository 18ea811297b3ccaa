//! Who a kfrag is for: the three public keys that every check needs.

use crate::keys::PublicKey;
use crate::keys::signing::VerifyingKey;

/// Parties of a delegation. What was verified remembers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Encryption key A of the delegator, under which the capsule was made.
    pub delegating: PublicKey,
    /// Encryption key B of the receiver.
    pub receiving: PublicKey,
    /// Key that verifies the delegator's signatures.
    pub verifying: VerifyingKey,
}
