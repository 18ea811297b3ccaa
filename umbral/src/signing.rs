//! The delegator's ECDSA signatures, over SHA-256 of the message, low s only.
//!
//! The nonce is RFC 6979 with 32 further random bytes, so a broken generator degrades to the
//! deterministic scheme instead of exposing the key.

use core::convert::Infallible;
use core::fmt;

use k256::ecdsa::signature::hazmat::{PrehashVerifier as _, RandomizedPrehashSigner as _};
use k256::elliptic_curve::ff::PrimeField as _;
use k256::elliptic_curve::scalar::IsHigh as _;
use k256::{NonZeroScalar, Scalar, ecdsa};
use rand_core::{TryCryptoRng, TryRng};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::error::{Error, Result};
use crate::hashing::sha256;
use crate::point::Point;
use crate::scalar::{SecretScalar, draw};

/// A signing key of a delegator.
///
/// Never cloned, compared, serialised or printed; erased when dropped.
pub struct Signer {
    key: ecdsa::SigningKey,
    verifying: VerifyingKey,
}

impl Signer {
    /// Draws a key. Consumes 32 bytes of the generator (more with probability 2^-128).
    ///
    /// # Errors
    /// [`Error::Rng`] or [`Error::RngDegenerate`] if the generator fails.
    pub fn random<R: TryCryptoRng + ?Sized>(rng: &mut R) -> Result<Self> {
        Self::from_scalar(&SecretScalar::random(rng)?)
    }

    /// Reads a key: 32 bytes, big-endian, in 1..n.
    ///
    /// # Errors
    /// [`Error::ZeroScalar`] or [`Error::InvalidScalar`].
    pub fn from_secret_bytes(bytes: &[u8; 32]) -> Result<Self> {
        Self::from_scalar(&SecretScalar::decode(bytes, "signing key")?)
    }

    fn from_scalar(scalar: &SecretScalar) -> Result<Self> {
        let scalar = Option::from(NonZeroScalar::new(*scalar.expose()));
        let scalar: Zeroizing<NonZeroScalar> =
            Zeroizing::new(scalar.ok_or(Error::Bug("a SecretScalar is never zero"))?);
        let key = ecdsa::SigningKey::from(*scalar);
        let point = (*key.verifying_key().as_affine()).into();
        let [point] = Point::normalise(&[point]).ok_or(Error::Bug("a signing key is not zero"))?;
        Ok(Self {
            verifying: VerifyingKey::new(point)?,
            key,
        })
    }

    /// The key's 32 bytes, big-endian, erased when dropped.
    pub fn to_secret_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.key.to_bytes().into())
    }

    /// The key that verifies this signer's signatures. Costs nothing.
    pub const fn verifying_key(&self) -> VerifyingKey {
        self.verifying
    }

    /// Signs SHA-256(message). Consumes 32 bytes of the generator; two signatures of one message
    /// differ.
    ///
    /// # Errors
    /// [`Error::Rng`] if the generator fails.
    pub fn sign<R: TryCryptoRng + ?Sized>(&self, rng: &mut R, message: &[u8]) -> Result<Signature> {
        let mut extra = Zeroizing::new([0; 32]);
        draw(rng, &mut extra)?;
        self.sign_with(&extra, message)
    }

    /// Signs with the 32 extra bytes already drawn.
    pub(crate) fn sign_with(&self, extra: &[u8; 32], message: &[u8]) -> Result<Signature> {
        let signature = self
            .key
            .sign_prehash_with_rng(&mut Prepared(extra), &sha256(message))
            .map_err(|_| Error::Bug("signing a 32-byte digest does not fail"))?;
        Ok(Signature(signature))
    }
}

impl ZeroizeOnDrop for Signer {}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer(<redacted>, {:?})", self.verifying)
    }
}

/// Hands the bytes drawn beforehand to the one draw that signing makes.
struct Prepared<'a>(&'a [u8; 32]);

impl TryRng for Prepared<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> core::result::Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> core::result::Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> core::result::Result<(), Infallible> {
        out.iter_mut()
            .zip(self.0)
            .for_each(|(slot, byte)| *slot = *byte);
        Ok(())
    }
}

impl TryCryptoRng for Prepared<'_> {}

/// The key that verifies a delegator's signatures. A type of its own: it cannot be passed where an
/// encryption key is meant.
#[derive(Clone, Copy)]
pub struct VerifyingKey {
    point: Point,
    key: ecdsa::VerifyingKey,
}

impl VerifyingKey {
    fn new(point: Point) -> Result<Self> {
        let key = ecdsa::VerifyingKey::from_affine(*point.affine())
            .map_err(|_| Error::Bug("a Point is on the curve and not the identity"))?;
        Ok(Self { point, key })
    }

    /// Reads a key: 33 bytes, tag 02 or 03, then x big-endian.
    ///
    /// # Errors
    /// [`Error::InvalidPoint`] for every other tag, x >= p, or x that is not on the curve.
    pub fn from_bytes(bytes: &[u8; 33]) -> Result<Self> {
        Self::new(Point::decode(bytes, "verifying key")?)
    }

    /// The compressed key, 33 bytes.
    pub const fn to_bytes(&self) -> [u8; 33] {
        *self.point.bytes()
    }

    /// x || y, 64 bytes big-endian: what an Ethereum address is the hash of.
    pub fn to_uncompressed(&self) -> [u8; 64] {
        self.point.to_uncompressed()
    }

    /// Checks a signature over SHA-256(message).
    ///
    /// # Errors
    /// [`Error::Signature`].
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<()> {
        let verdict = self.key.verify_prehash(&sha256(message), &signature.0);
        verdict.map_err(|_| Error::Signature)
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.point == other.point
    }
}

impl Eq for VerifyingKey {}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({:?})", self.point)
    }
}

/// An ECDSA signature, r || s (64 bytes), with s in the lower half of the group order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(ecdsa::Signature);

impl Signature {
    /// Reads r || s, 32 bytes each, big-endian.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`] if r or s is not in 1..n; [`Error::HighS`] if s > n/2.
    pub fn from_bytes(bytes: &[u8; 64]) -> Result<Self> {
        Self::decode(bytes, "signature")
    }

    pub(crate) fn decode(bytes: &[u8; 64], field: &'static str) -> Result<Self> {
        let signature =
            ecdsa::Signature::from_slice(bytes).map_err(|_| Error::InvalidSignature { field })?;
        let s: Scalar = *signature.s();
        if bool::from(s.is_high()) {
            Err(Error::HighS { field })
        } else {
            Ok(Self(signature))
        }
    }

    /// r || s.
    pub fn to_bytes(&self) -> [u8; 64] {
        let mut out = [0; 64];
        let (r, s) = out.split_at_mut(32);
        r.copy_from_slice(&self.0.r().to_repr());
        s.copy_from_slice(&self.0.s().to_repr());
        out
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(")?;
        crate::point::fmt_hex(&self.to_bytes(), f)?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests;
