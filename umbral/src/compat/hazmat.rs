//! Operations without checks, for vectors and forensics. **No node or client may use them.**
//!
//! * A nonce used for two re-encryptions gives away the share.
//! * A kfrag checked without both keys may make an honest proxy look like a cheat.
//! * Unverified cfrags cannot tell which proxy to blame.

use alloc::vec::Vec;

use super::error::Result;
use super::kfrag::KeyFrag;
use crate::arithmetic::scalar::SecretScalar;
use crate::capsule::Capsule;
use crate::capsule::dem::open;
use crate::capsule::kem::SharedSecret;
use crate::cfrag::CapsuleFrag;
use crate::cfrag::reencryption::reencrypt_with;
use crate::keys::signing::VerifyingKey;
use crate::keys::{PublicKey, SecretKey};
use crate::opening::Opening;

pub use super::kfrag::KnownKeys;

/// Re-encrypts with t given (32 bytes, big-endian, in 1..n) and a kfrag nobody has verified. Using
/// one t twice reveals the share.
///
/// # Errors
/// As [`reencrypt`](crate::reencrypt), and for a t that is out of range.
pub fn reencrypt_with_nonce(
    nonce: &[u8; 32],
    capsule: &Capsule,
    kfrag: &KeyFrag,
) -> Result<CapsuleFrag> {
    let nonce = SecretScalar::decode(nonce, "re-encryption nonce")?;
    Ok(reencrypt_with(capsule, &kfrag.base, &nonce)?)
}

/// Checks what can be checked of a kfrag with the keys at hand. The signature for the receiver is
/// checked only if both are.
///
/// # Errors
/// As [`KeyFrag::verify`], and [`Error::DelegatingKeyNotProvided`](super::Error) or
/// [`Error::ReceivingKeyNotProvided`](super::Error) if a flagged key is missing.
pub fn check_key_frag(
    kfrag: &KeyFrag,
    verifying: &VerifyingKey,
    known: KnownKeys<'_>,
) -> Result<()> {
    kfrag.check(verifying, known)
}

/// Opens a capsule, as [`decapsulate_reencrypted`](crate::decapsulate_reencrypted) does, with
/// unverified cfrags.
///
/// # Errors
/// As there, but no cfrag is tied to the capsule or the keys: any mistake or fraud ends in
/// [`Error::ValidationFailed`](crate::Error).
pub fn decapsulate_unverified(
    receiving: &SecretKey,
    delegating: &PublicKey,
    capsule: &Capsule,
    frags: &[CapsuleFrag],
) -> Result<SharedSecret> {
    let opening = Opening::unverified(receiving, frags.iter())?;
    let shared = opening.shared_point();
    opening.validate(&shared, delegating, capsule)?;
    Ok(SharedSecret::from_point(&shared)?)
}

/// Decrypts, as [`decrypt_reencrypted`](crate::decrypt_reencrypted) does, with unverified cfrags.
///
/// # Errors
/// As [`decapsulate_unverified`], then as [`decrypt_original`](crate::decrypt_original).
pub fn decrypt_unverified(
    receiving: &SecretKey,
    delegating: &PublicKey,
    capsule: &Capsule,
    frags: &[CapsuleFrag],
    ciphertext: &[u8],
) -> Result<Vec<u8>> {
    let secret = decapsulate_unverified(receiving, delegating, capsule, frags)?;
    Ok(open(&secret, capsule, ciphertext)?)
}
