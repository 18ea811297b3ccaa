//! Verification of ECDSA signatures: u1 G + u2 Q has x = r mod n, without leaving Jacobian
//! coordinates.

use k256::elliptic_curve::ops::Reduce as _;
use k256::{FieldBytes, Scalar};

use super::jacobian::Jacobian;
use super::public_scalar::PublicScalar;
use super::sum::Sum;
use super::table::{Rows, generator};
use crate::arithmetic::field::Fe;

/// n as an element of the base field.
const ORDER: [u8; 32] = crate::arithmetic::point::ORDER;
/// p - n, big-endian: r below it may stand for x = r or for x = r + n.
const P_MINUS_ORDER: [u8; 32] = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x45, 0x51, 0x23, 0x19, 0x50, 0xb7, 0x5f, 0xc4,
    0x40, 0x2d, 0xa1, 0x72, 0x2f, 0xc9, 0xba, 0xee,
];

/// A signature ready to be checked: r, and 1 / s.
pub(crate) struct Parts {
    pub(crate) r: PublicScalar,
    pub(crate) inverse_of_s: PublicScalar,
}

/// Whether the signature is valid for the digest under the key of these table rows.
pub(crate) fn verify(key: Rows<'_>, digest: &[u8; 32], parts: &Parts) -> bool {
    let point = recover(key, digest, parts);
    let bytes = parts.r.get().to_bytes();
    let x = decode(bytes.into());
    let wraps = bytes.as_slice() < P_MINUS_ORDER.as_slice();
    point.has_x(&x) || (wraps && point.has_x(&(x + decode(ORDER)).normalize_weak()))
}

/// As [`verify`], and the point's x is below n, so that `ecrecover` finds the key. A delegator can
/// choose a key for which one signature has an x above n; a miner that took it would be framed.
pub(crate) fn verify_judgeable(key: Rows<'_>, digest: &[u8; 32], parts: &Parts) -> bool {
    let x = decode(parts.r.get().to_bytes().into());
    recover(key, digest, parts).has_x(&x)
}

/// u1 G + u2 Q.
fn recover(key: Rows<'_>, digest: &[u8; 32], parts: &Parts) -> Jacobian {
    let e = Scalar::reduce(&FieldBytes::from(*digest));
    let (r, inverse) = (parts.r.get(), parts.inverse_of_s.get());
    let u1 = PublicScalar::published(e * inverse);
    let u2 = PublicScalar::published(r * inverse);
    let generator = generator();
    let mut sum = Sum::with_capacity(2);
    sum.add(generator.point(0), &u1);
    sum.add(key, &u2);
    sum.evaluate()
}

fn decode(bytes: [u8; 32]) -> Fe {
    Fe::from_bytes(&FieldBytes::from(bytes)).unwrap_or(Fe::ZERO)
}

#[cfg(test)]
mod tests;
