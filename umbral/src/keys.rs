//! Encryption keys: [`SecretKey`], [`PublicKey`]. Signing keys are in `signing`, derivation from a
//! seed in `factory`.

use core::fmt;

use k256::{ProjectivePoint, Scalar};
use rand_core::TryCryptoRng;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::arithmetic::constant_time::mul_generator;
use crate::arithmetic::point::{POINT_BYTES, Point, compress_secret};
use crate::arithmetic::scalar::SecretScalar;
use crate::error::{Error, Result};

pub(crate) mod context;
pub(crate) mod factory;
pub(crate) mod signing;

/// Secret key: a scalar in 1..n, with its public key kept beside it.
///
/// Never cloned, compared, serialised or printed; erased when dropped.
pub struct SecretKey {
    scalar: SecretScalar,
    public: PublicKey,
}

impl SecretKey {
    /// Draws a key. Consumes 32 bytes of the generator (more with probability 2^-128).
    ///
    /// # Errors
    /// [`Error::Rng`] or [`Error::RngDegenerate`] if the generator fails.
    pub fn random<R: TryCryptoRng + ?Sized>(rng: &mut R) -> Result<Self> {
        Self::from_scalar(SecretScalar::random(rng)?)
    }

    /// Reads a key: 32 bytes, big-endian, in 1..n.
    ///
    /// # Errors
    /// [`Error::ZeroScalar`] or [`Error::InvalidScalar`].
    pub fn from_secret_bytes(bytes: &[u8; 32]) -> Result<Self> {
        Self::from_scalar(SecretScalar::decode(bytes, "secret key")?)
    }

    pub(crate) fn from_scalar(scalar: SecretScalar) -> Result<Self> {
        let point = mul_generator(scalar.expose());
        let [point] = Point::normalise(&[point]).ok_or(Error::Bug("a secret key is not zero"))?;
        Ok(Self {
            scalar,
            public: PublicKey(point),
        })
    }

    /// Writes the key's 32 bytes, big-endian, erased when dropped. Each call is a place where the
    /// secret leaves this crate.
    pub fn to_secret_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.scalar.to_secret_bytes()
    }

    /// Public key aG. Costs nothing.
    pub const fn public_key(&self) -> PublicKey {
        self.public
    }

    /// Computes the Diffie-Hellman point aP with another's key, compressed (33 bytes), erased when
    /// dropped: what the owners of both keys share. Constant time in the secret.
    ///
    /// Feed it to a key derivation with both public keys in its info, never to a cipher as it is.
    pub fn diffie_hellman(&self, other: &PublicKey) -> Zeroizing<[u8; POINT_BYTES]> {
        compress_secret(&Zeroizing::new(other.projective() * self.expose()))
    }

    pub(crate) fn expose(&self) -> &Scalar {
        self.scalar.expose()
    }
}

impl ZeroizeOnDrop for SecretKey {}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(<redacted>, public {:?})", self.public.0)
    }
}

/// Public key: a point of the curve that is not the identity.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(pub(crate) Point);

impl PublicKey {
    /// Reads a key: 33 bytes, tag 02 or 03, then x big-endian.
    ///
    /// # Errors
    /// [`Error::InvalidPoint`] for every other tag, x >= p, or x that is not on the curve.
    pub fn from_bytes(bytes: &[u8; 33]) -> Result<Self> {
        Point::decode(bytes, "public key").map(Self)
    }

    /// Writes the compressed key, 33 bytes.
    pub const fn to_bytes(&self) -> [u8; 33] {
        *self.0.bytes()
    }

    /// Writes x || y, 64 bytes big-endian: what an Ethereum address is the hash of.
    pub fn to_uncompressed(&self) -> [u8; 64] {
        self.0.to_uncompressed()
    }

    pub(crate) fn projective(&self) -> ProjectivePoint {
        self.0.projective()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?})", self.0)
    }
}

#[cfg(test)]
mod tests;
