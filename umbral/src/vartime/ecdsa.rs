//! Verification of ECDSA signatures: u1 G + u2 Q has x = r mod n, without leaving Jacobian
//! coordinates.

use k256::elliptic_curve::ops::Reduce as _;
use k256::{FieldBytes, Scalar};

use super::PublicScalar;
use super::sum::Sum;
use super::table::{Rows, generator};
use crate::field::Fe;

/// n as an element of the base field.
const ORDER: [u8; 32] = crate::point::ORDER;
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
    let e = Scalar::reduce(&FieldBytes::from(*digest));
    let (r, inverse) = (parts.r.get(), parts.inverse_of_s.get());
    let u1 = PublicScalar::published(e * inverse);
    let u2 = PublicScalar::published(r * inverse);
    let generator = generator();
    let mut sum = Sum::with_capacity(2);
    sum.add(generator.point(0), &u1);
    sum.add(key, &u2);
    let sum = sum.evaluate();

    let bytes = r.to_bytes();
    let decode = |bytes: [u8; 32]| Fe::from_bytes(&FieldBytes::from(bytes)).unwrap_or(Fe::ZERO);
    let x = decode(bytes.into());
    sum.has_x(&x)
        || (bytes.as_slice() < P_MINUS_ORDER.as_slice() && {
            sum.has_x(&(x + decode(ORDER)).normalize_weak())
        })
}
