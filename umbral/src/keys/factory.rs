//! Keys derived from one seed and a label: an owner remembers 32 bytes and has one delegating key
//! per label, so that what colluders learn stays within a label.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use rand_core::TryCryptoRng;
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

use crate::arithmetic::scalar::{SecretScalar, draw};
use crate::error::{Error, Result};
use crate::hashing::{derive_key, hash_to_scalar};
use crate::keys::SecretKey;

const KEY_DERIVATION: &[u8] = b"KEY_DERIVATION/";
const FACTORY_DERIVATION: &[u8] = b"FACTORY_DERIVATION/";
const SECRET_DERIVATION: &[u8] = b"SECRET_DERIVATION/";

/// Derives keys, secrets and further factories from a 32-byte seed.
///
/// With HKDF-SHA256 (RFC 5869, no salt) over the seed and info = prefix || label:
///
/// | method | prefix | length | result |
/// |---|---|---|---|
/// | `make_key` | `KEY_DERIVATION/` | 64 | the 64 bytes hashed into a scalar, tagged with info |
/// | `make_factory` | `FACTORY_DERIVATION/` | 32 | the seed of the factory |
/// | `make_secret` | `SECRET_DERIVATION/` | 64 | the 64 bytes |
///
/// Never cloned, compared, serialised or printed; erased when dropped.
pub struct SecretKeyFactory(Box<[u8; 32]>);

impl SecretKeyFactory {
    /// Draws a seed: 32 bytes of the generator.
    ///
    /// # Errors
    /// [`Error::Rng`] if the generator fails.
    pub fn random<R: TryCryptoRng + ?Sized>(rng: &mut R) -> Result<Self> {
        let mut factory = Self(Box::new([0; 32]));
        draw(rng, &mut factory.0)?;
        Ok(factory)
    }

    /// Takes a seed of 32 uniformly random bytes.
    pub fn from_secret_bytes(seed: &[u8; 32]) -> Self {
        Self(Box::new(*seed))
    }

    /// Writes the seed, erased when dropped. Each call is a place where the secret leaves this
    /// crate.
    pub fn to_secret_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*self.0)
    }

    /// Derives the secret key of a label (any bytes).
    ///
    /// # Errors
    /// None in practice: a state that cannot be reached becomes an error, never a panic.
    pub fn make_key(&self, label: &[u8]) -> Result<SecretKey> {
        let info = [KEY_DERIVATION, label].concat();
        let derived = derive_key::<64>(&*self.0, &info)?;
        let scalar = hash_to_scalar(&info, &[&*derived]);
        SecretKey::from_scalar(SecretScalar::new(
            scalar,
            Error::Bug("a hash is never zero"),
        )?)
    }

    /// Derives an independent factory for a label (any bytes).
    ///
    /// # Errors
    /// None in practice, as for [`SecretKeyFactory::make_key`].
    pub fn make_factory(&self, label: &[u8]) -> Result<Self> {
        let seed = self.derive::<32>(FACTORY_DERIVATION, label)?;
        Ok(Self::from_secret_bytes(&seed))
    }

    /// Derives 64 secret bytes for a label (any bytes), for uses outside this crate.
    ///
    /// # Errors
    /// None in practice, as for [`SecretKeyFactory::make_key`].
    pub fn make_secret(&self, label: &[u8]) -> Result<Zeroizing<[u8; 64]>> {
        self.derive(SECRET_DERIVATION, label)
    }

    fn derive<const N: usize>(&self, prefix: &[u8], label: &[u8]) -> Result<Zeroizing<[u8; N]>> {
        let info: Vec<u8> = [prefix, label].concat();
        derive_key(&*self.0, &info)
    }
}

impl Drop for SecretKeyFactory {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for SecretKeyFactory {}

impl fmt::Debug for SecretKeyFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKeyFactory(<redacted>)")
    }
}

#[cfg(test)]
mod tests;
