//! The capsule: the public part of an encapsulated key. Every constructor checks its proof.

use core::fmt;

use k256::Scalar;
use k256::elliptic_curve::group::Group as _;

use crate::arithmetic::point::{Point, fmt_hex};
use crate::arithmetic::scalar::decode_scalar;
use crate::arithmetic::vartime::{Affine, PublicScalar, Shape, Sum, Table, generator};
use crate::error::{Error, Result};
use crate::hashing::{CAPSULE_POINTS, hash_to_scalar, sha256};
use crate::wire::{Reader, concat};

pub(crate) mod dem;
pub(crate) mod kem;

/// A capsule (E, V, s) with s*G = V + h*E, h = HS(`CAPSULE_POINTS`, E, V).
///
/// Umbral paper, algorithm `CheckCapsule`: the equation proves that whoever made the capsule knows
/// the logarithms of E and V. Every constructor checks it, so re-encrypting or opening never has
/// to.
#[derive(Clone, PartialEq, Eq)]
pub struct Capsule {
    pub(crate) e: Point,
    pub(crate) v: Point,
    pub(crate) s: Scalar,
}

impl Capsule {
    /// Bytes of the encoding E33 || V33 || s32.
    pub const BYTES: usize = 98;

    /// Reads E33 || V33 || s32 and checks the capsule.
    ///
    /// # Errors
    /// [`Error::InvalidPoint`], [`Error::PointOutOfRange`], [`Error::InvalidScalar`],
    /// [`Error::ZeroScalar`], or [`Error::CapsuleInvalid`] if the equation fails.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "capsule", Self::BYTES)?;
        Self::checked(reader.take()?, reader.take()?, reader.take()?)
    }

    /// Writes E33 || V33 || s32, big-endian.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        concat(&[self.e.bytes(), self.v.bytes(), &self.s.to_bytes()])
    }

    /// Decodes the fields and checks the equation.
    pub(crate) fn checked(e: &[u8; 33], v: &[u8; 33], s: &[u8; 32]) -> Result<Self> {
        let [e, v] = Point::lanes([e, v]);
        let e = Point::judgeable(e, "capsule point E")?;
        let v = Point::judgeable(v, "capsule point V")?;
        let s = decode_scalar(s, "capsule scalar s")?;
        let proven = is_consistent(&e, &v, &s);
        // V = -E satisfies the equation with s = r(h - 1), and its shared point is the identity.
        let opens = !bool::from((e.projective() + v.affine()).is_identity());
        if proven && opens {
            Ok(Self { e, v, s })
        } else {
            Err(Error::CapsuleInvalid)
        }
    }

    /// SHA-256 of the encoding: what a verified cfrag is bound to.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        sha256(&self.to_bytes())
    }

    /// h = HS(`CAPSULE_POINTS`, E, V).
    pub(crate) fn hash_scalar(&self) -> Scalar {
        capsule_hash_scalar(&self.e, &self.v)
    }
}

/// Whether s*G - h*E - V = 0. All public.
fn is_consistent(e: &Point, v: &Point, s: &Scalar) -> bool {
    let h = PublicScalar::published(capsule_hash_scalar(e, v));
    let (generator, table) = (generator(), Table::new(&[Affine::new(e)], Shape::ONCE));
    let mut sum = Sum::with_capacity(2);
    sum.add(generator.point(0), &PublicScalar::published(*s));
    sum.add(table.point(0), &h.negated());
    sum.evaluate().add(&Affine::new(v), true).is_identity()
}

pub(crate) fn capsule_hash_scalar(e: &Point, v: &Point) -> Scalar {
    hash_to_scalar(CAPSULE_POINTS, &[e.bytes(), v.bytes()])
}

impl fmt::Debug for Capsule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Capsule(")?;
        fmt_hex(&self.to_bytes(), f)?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests;
