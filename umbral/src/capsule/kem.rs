//! Key encapsulation: a fresh 32-byte key and the capsule that carries it.

use alloc::boxed::Box;
use core::fmt;

use k256::ProjectivePoint;
use rand_core::TryCryptoRng;
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

use crate::arithmetic::constant_time::mul_generator;
use crate::arithmetic::point::{POINT_BYTES, compress_secret, normalise_with_secret};
use crate::arithmetic::scalar::SecretScalar;
use crate::capsule::{Capsule, capsule_hash_scalar};
use crate::error::{Error, Result};
use crate::hashing::derive_key;
use crate::keys::{PublicKey, SecretKey};

/// Key that a capsule carries: 32 bytes, HKDF-SHA256 of the shared point.
///
/// Never cloned, compared, serialised or printed; erased when dropped.
pub struct SharedSecret(Box<[u8; 32]>);

impl SharedSecret {
    /// Shows the key. Each call is a place where the secret is used.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// HKDF-SHA256 without salt and info over the 33 bytes of the compressed point.
    pub(crate) fn from_point(point: &ProjectivePoint) -> Result<Self> {
        Self::from_encoding(&compress_secret(point))
    }

    fn from_encoding(point: &Zeroizing<[u8; POINT_BYTES]>) -> Result<Self> {
        let key = derive_key::<32>(&**point, &[])?;
        Ok(Self(Box::new(*key)))
    }
}

impl Drop for SharedSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for SharedSecret {}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(<redacted>)")
    }
}

/// Makes a fresh key and the capsule that carries it to the owner of `delegating`.
///
/// Umbral paper, algorithm `Encapsulate`: r, u random, E = rG, V = uG, s = u + r*h; the
/// shared point is (r + u)A. Draws r, then u, 32 bytes each.
///
/// # Errors
/// [`Error::Rng`] or [`Error::RngDegenerate`] if the generator fails.
pub fn encapsulate<R: TryCryptoRng + ?Sized>(
    rng: &mut R,
    delegating: &PublicKey,
) -> Result<(Capsule, SharedSecret)> {
    let r = SecretScalar::random(rng)?;
    let u = SecretScalar::random(rng)?;
    let sum = SecretScalar::new(r.expose() + u.expose(), Error::RngDegenerate)?;
    let e = mul_generator(r.expose());
    let v = mul_generator(u.expose());
    let shared = Zeroizing::new(delegating.projective() * sum.expose());
    let (points, shared) = normalise_with_secret([e, v], &shared);
    let [e, v] = points.ok_or(Error::Bug("r and u are not zero"))?;

    let s = u.expose() + r.expose() * &capsule_hash_scalar(&e, &v);
    if bool::from(s.is_zero()) || !e.is_judgeable() || !v.is_judgeable() {
        return Err(Error::RngDegenerate);
    }
    Ok((Capsule { e, v, s }, SharedSecret::from_encoding(&shared)?))
}

/// Opens a capsule with the key it was made for: the shared point is a(E + V).
///
/// A wrong key gives another secret, not an error: only the cipher can tell.
///
/// # Errors
/// None in practice: a [`Capsule`] that exists has E + V other than the identity.
pub fn decapsulate_original(delegating: &SecretKey, capsule: &Capsule) -> Result<SharedSecret> {
    let sum = capsule.e.projective() + capsule.v.affine();
    SharedSecret::from_point(&Zeroizing::new(sum * delegating.expose()))
}

#[cfg(test)]
mod tests;
