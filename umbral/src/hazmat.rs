//! Sharp tools, for vectors, tests and forensics. **No node or client may use them.**
//!
//! * A nonce used for two re-encryptions gives away the key share.
//! * A key fragment checked without both keys may make an honest proxy look like a cheat.
//! * Unverified capsule fragments cannot tell which proxy to blame.

use alloc::vec::Vec;

use crate::arithmetic::scalar::SecretScalar;
use crate::capsule::Capsule;
use crate::capsule::dem::open;
use crate::capsule::kem::SharedSecret;
use crate::cfrag::CapsuleFrag;
use crate::error::Result;
use crate::key_frag::KeyFrag;
use crate::keys::signing::VerifyingKey;
use crate::keys::{PublicKey, SecretKey};
use crate::opening::Opening;

pub use crate::key_frag::KnownKeys;

/// Re-encrypts with t given (32 bytes, big-endian, in 1..n) and a key fragment nobody has verified.
/// Using one t twice reveals the share.
///
/// # Errors
/// As [`reencrypt`](crate::reencrypt), and for a t that is out of range.
pub fn reencrypt_with_nonce(
    nonce: &[u8; 32],
    capsule: &Capsule,
    kfrag: &KeyFrag,
) -> Result<CapsuleFrag> {
    let nonce = SecretScalar::decode(nonce, "re-encryption nonce")?;
    crate::cfrag::reencryption::reencrypt_with(capsule, kfrag, &nonce)
}

/// Checks what can be checked of a key fragment with the keys at hand. The signature for the
/// receiver is checked only if both are.
///
/// # Errors
/// As [`KeyFrag::verify`], and [`Error::DelegatingKeyNotProvided`](crate::Error) or
/// [`Error::ReceivingKeyNotProvided`](crate::Error) if a flagged key is missing.
pub fn check_key_frag(
    kfrag: &KeyFrag,
    verifying: &VerifyingKey,
    known: KnownKeys<'_>,
) -> Result<()> {
    kfrag.check(verifying, known)
}

/// As [`decapsulate_reencrypted`](crate::decapsulate_reencrypted), with unverified fragments.
///
/// # Errors
/// As there, but no fragment is tied to the capsule or the keys: any mistake or fraud ends in
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
    SharedSecret::from_point(&shared)
}

/// As [`decrypt_reencrypted`](crate::decrypt_reencrypted), with unverified fragments.
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
    open(
        &decapsulate_unverified(receiving, delegating, capsule, frags)?,
        capsule,
        ciphertext,
    )
}
