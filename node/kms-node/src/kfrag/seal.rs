//! Encryption of kfrags at rest: AES-256-GCM, each row under a key of its own, derived by
//! HKDF-SHA256 from the storage root and the row's salt; policy id and kfrag hash are associated
//! data. The root derives from no other key. Without its salt, which goes with the row, a copied
//! ciphertext opens to nobody, not even to whoever has the root.

use kms_protocol::{B256, PolicyId};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use zeroize::Zeroizing;

use crate::error::NodeError;

/// Domain tag of the key derivation; a change makes stored rows unreadable.
const INFO: &[u8] = b"kms-node v1 kfrag aes-256-gcm";

/// Bytes of a row's salt and of the root.
pub(crate) const SALT_BYTES: usize = 32;

/// The key that all rows' keys derive from. Secret: has no `Debug`, wiped when dropped.
pub(crate) struct StorageRoot(Zeroizing<[u8; 32]>);

/// A kfrag as it lies in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SealedRow {
    /// Random, of this row alone.
    pub(crate) salt: [u8; SALT_BYTES],
    /// Ciphertext, then the tag (16 bytes).
    pub(crate) sealed: Vec<u8>,
}

/// The error of a row that was encrypted under another key, or changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SealBroken;

impl StorageRoot {
    /// Draws a root, once in a node's life.
    pub(crate) fn random() -> Result<Self, NodeError> {
        let mut root = Zeroizing::new([0; 32]);
        getrandom::fill(root.as_mut()).map_err(|_| NodeError::Crypto("no random bytes"))?;
        Ok(Self(root))
    }

    /// Takes the root out of its keystore.
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// The 32 secret bytes, for the keystore.
    pub(crate) fn expose_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Encrypts under a fresh salt.
    pub(crate) fn seal(
        &self,
        id: PolicyId,
        kfrag_hash: B256,
        plain: &[u8],
    ) -> Result<SealedRow, NodeError> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|_| NodeError::Crypto("no random bytes"))?;
        let failed = |_| NodeError::Crypto("a kfrag could not be encrypted");
        let key = self.row_key(&salt).map_err(failed)?;
        // Encrypts in place, so that no reallocation leaves a copy of the plaintext.
        let mut sealed = Vec::with_capacity(plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(plain);
        key.seal_in_place_append_tag(nonce(), context(id, kfrag_hash), &mut sealed)
            .map_err(|_| NodeError::Crypto("a kfrag could not be encrypted"))?;
        Ok(SealedRow { salt, sealed })
    }

    /// Decrypts what [`StorageRoot::seal`] made with the same id and hash.
    pub(crate) fn open(
        &self,
        id: PolicyId,
        kfrag_hash: B256,
        row: &SealedRow,
    ) -> Result<Zeroizing<Vec<u8>>, SealBroken> {
        let key = self.row_key(&row.salt)?;
        let mut buffer = Zeroizing::new(row.sealed.clone());
        let length = key
            .open_in_place(nonce(), context(id, kfrag_hash), &mut buffer)
            .map_err(|_| SealBroken)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }

    /// The key of one row: HKDF-SHA256(salt, root, info).
    fn row_key(&self, salt: &[u8; SALT_BYTES]) -> Result<LessSafeKey, SealBroken> {
        let extracted = Salt::new(HKDF_SHA256, salt).extract(self.0.as_ref());
        let okm = extracted.expand(&[INFO], &AES_256_GCM);
        okm.map(|okm| LessSafeKey::new(UnboundKey::from(okm)))
            .map_err(|_| SealBroken)
    }
}

/// The nonce of the one encryption under a row's key.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
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
