//! Encryption of kfrags at rest: AES-256-GCM under a key derived by HKDF-SHA256 from the node's
//! Umbral secret; policy id and kfrag hash are associated data.

use kms_protocol::{B256, PolicyId};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use zeroize::Zeroizing;

use crate::error::NodeError;

/// Domain tags of the key derivation; a change makes stored rows unreadable.
const SALT: &[u8] = b"kms-node storage key v1";
const INFO: &[u8] = b"kfrag aes-256-gcm";

/// The key that encrypts and decrypts rows. Secret: has no `Debug`.
pub(crate) struct StorageKey {
    key: LessSafeKey,
}

/// The error of a row that was encrypted under another key, or changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SealBroken;

impl StorageKey {
    /// Derives the storage key, 32 bytes: HKDF-SHA256(salt, secret, info).
    pub(crate) fn derive(secret: &[u8; 32]) -> Result<Self, NodeError> {
        let failed = |_| NodeError::Crypto("the storage key could not be derived");
        let extracted = Salt::new(HKDF_SHA256, SALT).extract(secret);
        let okm = extracted.expand(&[INFO], &AES_256_GCM).map_err(failed)?;
        Ok(Self {
            key: LessSafeKey::new(UnboundKey::from(okm)),
        })
    }

    /// Encrypts to nonce (12 bytes, random) || ciphertext || tag (16 bytes).
    pub(crate) fn seal(
        &self,
        id: PolicyId,
        kfrag_hash: B256,
        plain: &[u8],
    ) -> Result<Vec<u8>, NodeError> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| NodeError::Crypto("no random bytes"))?;
        // Encrypts in place, so that no reallocation leaves a copy of the plaintext.
        let mut body = Vec::with_capacity(plain.len() + AES_256_GCM.tag_len());
        body.extend_from_slice(plain);
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                context(id, kfrag_hash),
                &mut body,
            )
            .map_err(|_| NodeError::Crypto("a kfrag could not be encrypted"))?;
        Ok([&nonce[..], &body].concat())
    }

    /// Decrypts what [`StorageKey::seal`] made with the same id and hash.
    pub(crate) fn open(
        &self,
        id: PolicyId,
        kfrag_hash: B256,
        row: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealBroken> {
        let (nonce, body) = row.split_at_checked(NONCE_LEN).ok_or(SealBroken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealBroken)?;
        let mut buffer = Zeroizing::new(body.to_vec());
        let length = self
            .key
            .open_in_place(nonce, context(id, kfrag_hash), &mut buffer)
            .map_err(|_| SealBroken)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

fn context(id: PolicyId, kfrag_hash: B256) -> Aad<[u8; 64]> {
    let mut bytes = [0; 64];
    let (first, second) = bytes.split_at_mut(32);
    first.copy_from_slice(&id.0.0);
    second.copy_from_slice(&kfrag_hash.0);
    Aad::from(bytes)
}

#[cfg(test)]
mod tests;
