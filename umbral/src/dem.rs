//! Encryption of short messages on top of the capsule's key: XChaCha20-Poly1305.
//!
//! ciphertext = nonce24 || encrypted || tag16, with the capsule's 98 bytes as associated data.

use alloc::vec::Vec;

use chacha20poly1305::{AeadInOut as _, KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use rand_core::TryCryptoRng;
use zeroize::Zeroize as _;

use crate::capsule::Capsule;
use crate::capsule_frag::VerifiedCapsuleFrag;
use crate::error::{Error, Result};
use crate::kem::{SharedSecret, decapsulate_original, encapsulate};
use crate::keys::{PublicKey, SecretKey};
use crate::opening::Opening;
use crate::scalar::draw;

/// Bytes a ciphertext is longer than its plaintext: the nonce and the tag.
pub const CIPHERTEXT_OVERHEAD: usize = NONCE_BYTES + TAG_BYTES;

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// Encrypts a message to the owner of `delegating`, who may later delegate it.
///
/// Draws what [`encapsulate`] draws, then a 24-byte nonce.
///
/// # Errors
/// [`Error::Rng`] or [`Error::RngDegenerate`] if the generator fails; [`Error::PlaintextTooLong`].
pub fn encrypt<R: TryCryptoRng + ?Sized>(
    rng: &mut R,
    delegating: &PublicKey,
    plaintext: &[u8],
) -> Result<(Capsule, Vec<u8>)> {
    let (capsule, secret) = encapsulate(rng, delegating)?;
    let mut nonce = [0; NONCE_BYTES];
    draw(rng, &mut nonce)?;
    let ciphertext = seal(&secret, &nonce, &capsule, plaintext)?;
    Ok((capsule, ciphertext))
}

/// Decrypts with the key the message was encrypted to.
///
/// # Errors
/// [`Error::CiphertextTooShort`], or [`Error::AuthenticationFailed`] for a wrong key, a wrong
/// capsule or an altered ciphertext.
pub fn decrypt_original(
    delegating: &SecretKey,
    capsule: &Capsule,
    ciphertext: &[u8],
) -> Result<Vec<u8>> {
    open(
        &decapsulate_original(delegating, capsule)?,
        capsule,
        ciphertext,
    )
}

/// Decrypts with the receiver's key and fragments verified for this capsule.
///
/// The fragments' signatures vouch for the keys and the cipher vouches for the shared point, so the
/// costlier check of the opening runs only on failure, to tell fragments that do not open the
/// capsule from a ciphertext that is not authentic.
///
/// # Errors
/// As [`decapsulate_reencrypted`](crate::decapsulate_reencrypted), then as [`decrypt_original`].
pub fn decrypt_reencrypted(
    receiving: &SecretKey,
    delegating: &PublicKey,
    capsule: &Capsule,
    frags: &[VerifiedCapsuleFrag],
    ciphertext: &[u8],
) -> Result<Vec<u8>> {
    let opening = Opening::verified(receiving, delegating, capsule, frags)?;
    let shared = opening.shared_point();
    open(&SharedSecret::from_point(&shared)?, capsule, ciphertext).or_else(|error| {
        opening.validate(&shared, delegating, capsule)?;
        Err(error)
    })
}

fn seal(
    secret: &SharedSecret,
    nonce: &[u8; NONCE_BYTES],
    capsule: &Capsule,
    plaintext: &[u8],
) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(plaintext.len().saturating_add(CIPHERTEXT_OVERHEAD));
    out.extend_from_slice(nonce);
    out.extend_from_slice(plaintext);
    let (_, body) = out
        .split_at_mut_checked(NONCE_BYTES)
        .ok_or(Error::Bug("the nonce is first"))?;
    let cipher = XChaCha20Poly1305::new(secret.expose().into());
    let sealed =
        cipher.encrypt_inout_detached(&XNonce::from(*nonce), &capsule.to_simple(), body.into());
    match sealed {
        Ok(tag) => {
            out.extend_from_slice(&tag);
            Ok(out)
        }
        Err(_) => {
            out.zeroize();
            Err(Error::PlaintextTooLong)
        }
    }
}

pub(crate) fn open(secret: &SharedSecret, capsule: &Capsule, ciphertext: &[u8]) -> Result<Vec<u8>> {
    let actual = ciphertext.len();
    let (nonce, rest) = ciphertext
        .split_first_chunk::<NONCE_BYTES>()
        .ok_or(Error::CiphertextTooShort { actual })?;
    let (body, tag) = rest
        .split_last_chunk::<TAG_BYTES>()
        .ok_or(Error::AuthenticationFailed)?;
    let mut plaintext = body.to_vec();
    XChaCha20Poly1305::new(secret.expose().into())
        .decrypt_inout_detached(
            &XNonce::from(*nonce),
            &capsule.to_simple(),
            plaintext.as_mut_slice().into(),
            &Tag::from(*tag),
        )
        .map_err(|_| Error::AuthenticationFailed)?;
    Ok(plaintext)
}

#[cfg(test)]
mod tests;
