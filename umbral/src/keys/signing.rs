//! The delegator's ECDSA signatures, over SHA-256 of the message, low s only.
//!
//! The nonce is RFC 6979 with 32 further random bytes, so a broken generator degrades to the
//! deterministic scheme instead of exposing the key.

use alloc::vec::Vec;
use core::fmt;

use k256::elliptic_curve::Curve as _;
use k256::elliptic_curve::ops::Reduce as _;
use k256::elliptic_curve::scalar::IsHigh as _;
use k256::{FieldBytes, ProjectivePoint, Scalar, Secp256k1, U256};
use rand_core::TryCryptoRng;
use rfc6979::KGenerator;
use sha2::Sha256;
use subtle::ConditionallySelectable as _;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::arithmetic::constant_time::mul_generator;
use crate::arithmetic::point::Point;
use crate::arithmetic::scalar::{SecretScalar, decode_scalar, draw, invert_all};
use crate::arithmetic::vartime::ecdsa::{self, Parts};
use crate::arithmetic::vartime::{Affine, PublicScalar, Shape, Table};
use crate::error::{Error, Result};
use crate::hashing::sha256;

/// Signing key of a delegator.
///
/// Never cloned, compared, serialised or printed; erased when dropped.
pub struct Signer {
    key: SecretScalar,
    verifying: VerifyingKey,
}

impl Signer {
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
        Self::from_scalar(SecretScalar::decode(bytes, "signing key")?)
    }

    fn from_scalar(key: SecretScalar) -> Result<Self> {
        let point = mul_generator(key.expose());
        let [point] = Point::normalise(&[point]).ok_or(Error::Bug("a signing key is not zero"))?;
        let verifying = VerifyingKey { point };
        Ok(Self { key, verifying })
    }

    /// Writes the key's 32 bytes, big-endian, erased when dropped.
    pub fn to_secret_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.key.to_secret_bytes()
    }

    /// Key that verifies this signer's signatures. Costs nothing.
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
        self.sign_digest(&extra, sha256(message))
    }

    pub(crate) fn sign_digest(&self, extra: &[u8; 32], digest: [u8; 32]) -> Result<Signature> {
        let signatures = self.sign_all(&[Request { extra, digest }])?;
        let signature = signatures.first().copied();
        signature.ok_or(Error::Bug("one digest, one signature"))
    }

    /// Signs several digests: s = (e + rx) / k with r the x of kG. All kG are normalised and all
    /// k inverted together. Constant time.
    pub(crate) fn sign_all(&self, requests: &[Request<'_>]) -> Result<Vec<Signature>> {
        let mut nonces = Zeroizing::new(Vec::with_capacity(requests.len()));
        for request in requests {
            nonces.push(*self.nonce(request)?.expose());
        }
        let points: Vec<ProjectivePoint> = nonces.iter().map(mul_generator).collect();
        let points = Point::normalise_all(&points).ok_or(Error::RngDegenerate)?;
        invert_all(&mut nonces).ok_or(Error::RngDegenerate)?;
        let finished = points.iter().zip(nonces.iter()).zip(requests);
        finished
            .map(|((point, inverse), request)| {
                let [_, x @ ..] = point.bytes();
                let reduce = |bytes: &[u8; 32]| Scalar::reduce(&FieldBytes::from(*bytes));
                let (r, e) = (reduce(x), reduce(&request.digest));
                let s = (e + r * self.key.expose()) * inverse;
                let s = Scalar::conditional_select(&s, &-s, s.is_high());
                Signature::new(r, s)
            })
            .collect()
    }

    /// k of RFC 6979 with additional data (section 3.6).
    fn nonce(&self, request: &Request<'_>) -> Result<SecretScalar> {
        let key = self.key.to_secret_bytes();
        let mut bytes = Zeroizing::new([0; 32]);
        let Request { extra, digest } = request;
        KGenerator::<Sha256, U256>::new(&*key, digest, *extra, &Secp256k1::ORDER)
            .fill_next_k(&mut *bytes);
        SecretScalar::decode(&bytes, "signature nonce")
    }
}

/// A digest to be signed, and the random bytes that go into its nonce.
pub(crate) struct Request<'a> {
    pub(crate) extra: &'a [u8; 32],
    pub(crate) digest: [u8; 32],
}

impl ZeroizeOnDrop for Signer {}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer(<redacted>, {:?})", self.verifying)
    }
}

/// Key that verifies a delegator's signatures. A type of its own: it cannot be passed where an
/// encryption key is meant.
#[derive(Clone, Copy)]
pub struct VerifyingKey {
    point: Point,
}

impl VerifyingKey {
    /// Reads a key: 33 bytes, tag 02 or 03, then x big-endian.
    ///
    /// # Errors
    /// [`Error::InvalidPoint`] for every other tag, x >= p, or x that is not on the curve.
    pub fn from_bytes(bytes: &[u8; 33]) -> Result<Self> {
        let point = Point::decode(bytes, "verifying key")?;
        Ok(Self { point })
    }

    /// Writes the compressed key, 33 bytes.
    pub const fn to_bytes(&self) -> [u8; 33] {
        *self.point.bytes()
    }

    /// Writes x || y, 64 bytes big-endian: what an Ethereum address is the hash of.
    pub fn to_uncompressed(&self) -> [u8; 64] {
        self.point.to_uncompressed()
    }

    /// Checks a signature over SHA-256(message).
    ///
    /// # Errors
    /// [`Error::Signature`].
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<()> {
        let table = self.table(Shape::ONCE);
        if ecdsa::verify(table.point(0), &sha256(message), &signature.parts()) {
            Ok(())
        } else {
            Err(Error::Signature)
        }
    }

    /// Checks a signature over a digest: one that a contract can check as well.
    pub(crate) fn verify_digest(&self, digest: &[u8; 32], signature: &Signature) -> Result<()> {
        let table = self.table(Shape::ONCE);
        if ecdsa::verify_judgeable(table.point(0), digest, &signature.parts()) {
            Ok(())
        } else {
            Err(Error::Signature)
        }
    }

    /// The key's multiples, for checking signatures.
    pub(crate) fn table(&self, shape: Shape) -> Table {
        Table::new(&[Affine::new(&self.point)], shape)
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
pub struct Signature {
    r: Scalar,
    s: Scalar,
}

impl Signature {
    /// Reads r || s, 32 bytes each, big-endian.
    ///
    /// # Errors
    /// [`Error::InvalidSignature`] if r or s is not in 1..n; [`Error::HighS`] if s > n/2.
    pub fn from_bytes(bytes: &[u8; 64]) -> Result<Self> {
        Self::decode(bytes, "signature")
    }

    pub(crate) fn decode(bytes: &[u8; 64], field: &'static str) -> Result<Self> {
        let (r, s) = bytes.split_at(32);
        let decode = |half: &[u8]| {
            let half = half
                .first_chunk()
                .ok_or(Error::Bug("64 bytes hold twice 32"))?;
            decode_scalar(half, field).map_err(|_| Error::InvalidSignature { field })
        };
        let (r, s) = (decode(r)?, decode(s)?);
        if bool::from(s.is_high()) {
            Err(Error::HighS { field })
        } else {
            Ok(Self { r, s })
        }
    }

    fn new(r: Scalar, s: Scalar) -> Result<Self> {
        if bool::from(r.is_zero() | s.is_zero()) {
            return Err(Error::RngDegenerate);
        }
        Ok(Self { r, s })
    }

    /// Writes r || s.
    pub fn to_bytes(&self) -> [u8; 64] {
        let mut out = [0; 64];
        let (r, s) = out.split_at_mut(32);
        r.copy_from_slice(&self.r.to_bytes());
        s.copy_from_slice(&self.s.to_bytes());
        out
    }

    /// r and 1 / s.
    pub(crate) fn parts(&self) -> Parts {
        Parts {
            r: PublicScalar::published(self.r),
            inverse_of_s: PublicScalar::published(self.s.invert_vartime().unwrap_or(Scalar::ZERO)),
        }
    }

    /// As [`Signature::parts`], with one inversion for all.
    pub(crate) fn parts_of_all(signatures: &[Self]) -> Vec<Parts> {
        let s = signatures
            .iter()
            .map(|signature| PublicScalar::published(signature.s));
        let parts = signatures.iter().zip(PublicScalar::invert_all(s.collect()));
        parts
            .map(|(signature, inverse_of_s)| Parts {
                r: PublicScalar::published(signature.r),
                inverse_of_s,
            })
            .collect()
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(")?;
        crate::arithmetic::point::fmt_hex(&self.to_bytes(), f)?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests;
