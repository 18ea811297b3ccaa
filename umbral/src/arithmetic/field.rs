//! The base field of the curve, and decompression of several points at a time.
//!
//! `k256` reduces lazily: every element has a magnitude, products want factors of magnitude at most
//! 8 and have magnitude 1, sums add magnitudes. The comments here and in `vartime` give the
//! magnitudes; a debug build of `k256` checks them at run time.

use k256::Secp256k1;
use k256::elliptic_curve::hazmat::FieldArithmetic;
use k256::elliptic_curve::point::AffineCoordinates as _;
use k256::{AffinePoint, FieldBytes};

/// An element of the base field.
pub(crate) type Fe = <Secp256k1 as FieldArithmetic>::FieldElement;

/// y^2 = x^3 + 7.
const CURVE_B: u64 = 7;

/// The points with these x and these parities of y; `None` where there is none. Public data.
///
/// y = (x^3 + 7)^((p + 1) / 4). The lanes are independent, so that the processor works on N square
/// roots at a time: two take little longer than one.
pub(crate) fn decompress<const N: usize>(
    inputs: [(&[u8; 32], bool); N],
) -> [Option<AffinePoint>; N] {
    let xs = inputs.map(|(x, _)| Fe::from_bytes(&FieldBytes::from(*x)).into_option());
    let squares = xs.map(|x| {
        let x = x.unwrap_or(Fe::ZERO);
        x.square().mul(&x) + Fe::from_u64(CURVE_B)
    });
    let roots = square_roots(squares);
    let mut out = [None; N];
    let lanes = xs.iter().zip(&squares).zip(&roots).zip(inputs);
    for (slot, (((x, square), root), (x_bytes, odd))) in out.iter_mut().zip(lanes) {
        // Not a square: the power is a root of the negated value.
        let is_root = bool::from((root.square().negate(1) + square).normalizes_to_zero());
        if x.is_none() || !is_root {
            continue;
        }
        let root = root.normalize();
        let y = if bool::from(root.is_odd()) == odd {
            root
        } else {
            root.negate(1)
        };
        *slot =
            AffinePoint::from_coordinates(&FieldBytes::from(*x_bytes), &y.to_bytes()).into_option();
    }
    out
}

/// w with w^2 = -(x^3 + 7): the proof that no point has this x. `None` if one has, or if x >= p.
pub(crate) fn proof_of_absence(x: &[u8; 32]) -> Option<[u8; 32]> {
    let x = Fe::from_bytes(&FieldBytes::from(*x)).into_option()?;
    let square = x.square().mul(&x) + Fe::from_u64(CURVE_B);
    let [root] = square_roots([square]);
    let absent = bool::from((root.square() + square).normalizes_to_zero());
    absent.then(|| root.to_bytes().into())
}

/// a^((p + 1) / 4) in each lane: 253 squarings and 13 products, by the addition chain for the
/// blocks of 2, 22 and 223 ones in the exponent.
fn square_roots<const N: usize>(a: [Fe; N]) -> [Fe; N] {
    let x2 = product(&squared(a, 1), &a);
    let x3 = product(&squared(x2, 1), &a);
    let x6 = product(&squared(x3, 3), &x3);
    let x9 = product(&squared(x6, 3), &x3);
    let x11 = product(&squared(x9, 2), &x2);
    let x22 = product(&squared(x11, 11), &x11);
    let x44 = product(&squared(x22, 22), &x22);
    let x88 = product(&squared(x44, 44), &x44);
    let x176 = product(&squared(x88, 88), &x88);
    let x220 = product(&squared(x176, 44), &x44);
    let x223 = product(&squared(x220, 3), &x3);
    let high = product(&squared(x223, 23), &x22);
    squared(product(&squared(high, 6), &x2), 2)
}

/// The lanes raised to the power 2^k.
fn squared<const N: usize>(mut lanes: [Fe; N], k: usize) -> [Fe; N] {
    for _ in 0..k {
        lanes.iter_mut().for_each(|lane| *lane = lane.square());
    }
    lanes
}

fn product<const N: usize>(lanes: &[Fe; N], others: &[Fe; N]) -> [Fe; N] {
    let mut out = *lanes;
    out.iter_mut()
        .zip(others)
        .for_each(|(lane, other)| *lane = lane.mul(other));
    out
}

#[cfg(test)]
mod tests;
