//! Encryption of short messages on top of the capsule's key: XChaCha20-Poly1305.
//!
//! ciphertext = nonce24 || encrypted || tag16, with the capsule's 98 bytes as associated data.

use alloc::vec::Vec;

use chacha20::XChaCha20;
use chacha20::cipher::{KeyIvInit as _, StreamCipher as _};
use chacha20poly1305::{AeadInOut as _, KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use poly1305::Poly1305;
use poly1305::universal_hash::UniversalHash as _;
use rand_core::TryCryptoRng;
use zeroize::{Zeroize as _, Zeroizing};

use crate::arithmetic::scalar::draw;
use crate::capsule::Capsule;
use crate::capsule::kem::{SharedSecret, decapsulate_original, encapsulate};
use crate::error::{Error, Result};
use crate::keys::{PublicKey, SecretKey};
use crate::wire::concat;

/// Bytes by which a ciphertext is longer than its plaintext: the nonce and the tag.
pub const CIPHERTEXT_OVERHEAD: usize = NONCE_BYTES + TAG_BYTES;

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
/// Bytes copied, encrypted and authenticated at a time, so that each is read from memory once. A
/// multiple of 16: only the last chunk is padded for the authenticator.
const SEAL_CHUNK: usize = 16 * 1024;
/// Bytes a 32-bit block counter reaches, without block 0.
const PLAINTEXT_MAX: u64 = 64 * 0xffff_ffff;

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

/// XChaCha20-Poly1305 in one pass over the message. `open` uses another implementation.
fn seal(
    secret: &SharedSecret,
    nonce: &[u8; NONCE_BYTES],
    capsule: &Capsule,
    plaintext: &[u8],
) -> Result<Vec<u8>> {
    let len = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if len(plaintext) > PLAINTEXT_MAX {
        return Err(Error::PlaintextTooLong);
    }
    let mut cipher = XChaCha20::new(secret.expose().into(), nonce.into());
    // RFC 8439: block 0 of the key stream is the one-time key, the message starts at block 1.
    let mut block = Zeroizing::new([0; 64]);
    cipher.apply_keystream(&mut *block);
    let one_time = block
        .first_chunk::<32>()
        .ok_or(Error::Bug("64 bytes hold 32"))?;
    let mut mac = Poly1305::new(one_time.into());
    let associated = capsule.to_bytes();
    mac.update_padded(&associated);

    let mut out = Vec::with_capacity(plaintext.len().saturating_add(CIPHERTEXT_OVERHEAD));
    out.extend_from_slice(nonce);
    for chunk in plaintext.chunks(SEAL_CHUNK) {
        let start = out.len();
        out.extend_from_slice(chunk);
        let (_, chunk) = out
            .split_at_mut_checked(start)
            .ok_or(Error::Bug("the buffer has grown"))?;
        if cipher.try_apply_keystream(chunk).is_err() {
            out.zeroize();
            return Err(Error::PlaintextTooLong);
        }
        mac.update_padded(chunk);
    }
    let lengths: [u8; 16] = concat(&[
        &len(&associated).to_le_bytes(),
        &len(plaintext).to_le_bytes(),
    ]);
    mac.update_padded(&lengths);
    out.extend_from_slice(&mac.finalize());
    Ok(out)
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
            &capsule.to_bytes(),
            plaintext.as_mut_slice().into(),
            &Tag::from(*tag),
        )
        .map_err(|_| Error::AuthenticationFailed)?;
    Ok(plaintext)
}

#[cfg(test)]
mod tests;
