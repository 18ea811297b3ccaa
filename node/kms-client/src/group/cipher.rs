//! The group's symmetric keys and what is sealed under them. Every key is 32 bytes and used for
//! one purpose at a time by HKDF; every ciphertext is AES-256-SIV, whose associated data name its
//! place.

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use umbral::{SecretKeyFactory, SharedSecret};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Bytes that sealing adds.
pub(super) const SEAL_BYTES: usize = 16;

/// A secret key of a group: of an epoch, or of a door. Erased when dropped.
pub(crate) struct Key(Zeroizing<[u8; 32]>);

impl Key {
    pub(super) const BYTES: usize = 32;

    pub(super) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.first_chunk::<32>().filter(|_| bytes.len() == 32)?;
        Some(Self(Zeroizing::new(*bytes)))
    }

    /// The first half of a secret that was derived for this key alone.
    pub(super) fn of_secret(secret: &Zeroizing<[u8; 64]>) -> Result<Self> {
        let half = secret.first_chunk::<32>();
        let half = half.ok_or(Error::Bug("a secret has 64 bytes"))?;
        Ok(Self(Zeroizing::new(*half)))
    }

    pub(super) fn of_capsule(secret: &SharedSecret) -> Self {
        Self(Zeroizing::new(*secret.expose()))
    }

    pub(super) fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }

    fn derive(&self, purpose: &[u8]) -> Result<Zeroizing<[u8; 64]>> {
        Ok(SecretKeyFactory::from_secret_bytes(&self.0).make_secret(purpose)?)
    }

    /// Prepares the key for one purpose.
    pub(super) fn cipher(&self, purpose: &[u8]) -> Result<Cipher> {
        Ok(Cipher(self.derive(purpose)?))
    }

    /// Prepares what only a holder of both keys has: the sum of a secret of each.
    pub(super) fn cipher_with(&self, other: &Self, purpose: &[u8]) -> Result<Cipher> {
        let (mut sum, other) = (self.derive(purpose)?, other.derive(purpose)?);
        for (byte, more) in sum.iter_mut().zip(other.iter()) {
            *byte ^= more;
        }
        Ok(Cipher(sum))
    }
}

/// A key for one purpose.
pub(super) struct Cipher(Zeroizing<[u8; 64]>);

impl Cipher {
    pub(super) fn seal(&self, place: &[impl AsRef<[u8]>], plain: &[u8]) -> Result<Vec<u8>> {
        self.siv()
            .encrypt(place, plain)
            .map_err(|_| Error::Bug("what a group seals is short"))
    }

    /// `None` for what was sealed with another key or for another place.
    pub(super) fn open(
        &self,
        place: &[impl AsRef<[u8]>],
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        self.siv().decrypt(place, sealed).ok().map(Zeroizing::new)
    }

    fn siv(&self) -> Aes256Siv {
        Aes256Siv::new((&*self.0).into())
    }
}
