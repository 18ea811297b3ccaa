//! Multiplication by secret scalars: fixed bases from tables, and one base by several scalars.
//!
//! No branch and no address depends on a scalar: every table row is read whole, and the points are
//! added by `k256`'s complete formulas. Tables are public.

use k256::{ProjectivePoint, Scalar};
use subtle::{
    Choice, ConditionallyNegatable as _, ConditionallySelectable as _, ConstantTimeEq as _,
};
use zeroize::Zeroizing;

use crate::arithmetic::glv::decompose;

#[cfg(feature = "std")]
mod fixed;

#[cfg(feature = "std")]
use fixed::FixedBase;

/// k * G.
#[cfg(feature = "std")]
pub(crate) fn mul_generator(k: &Scalar) -> ProjectivePoint {
    static TABLE: std::sync::OnceLock<FixedBase> = std::sync::OnceLock::new();
    TABLE
        .get_or_init(|| FixedBase::new(ProjectivePoint::GENERATOR))
        .mul(k)
}

/// k * G.
#[cfg(not(feature = "std"))]
pub(crate) fn mul_generator(k: &Scalar) -> ProjectivePoint {
    ProjectivePoint::GENERATOR * k
}

/// k * U.
#[cfg(feature = "std")]
pub(crate) fn mul_point_u(k: &Scalar) -> ProjectivePoint {
    static TABLE: std::sync::OnceLock<FixedBase> = std::sync::OnceLock::new();
    TABLE
        .get_or_init(|| FixedBase::new(crate::arithmetic::params::point_u().projective()))
        .mul(k)
}

/// k * U.
#[cfg(not(feature = "std"))]
pub(crate) fn mul_point_u(k: &Scalar) -> ProjectivePoint {
    crate::arithmetic::params::point_u().projective() * k
}

/// |digit| and whether it is negative.
fn magnitude(digit: i8) -> (u8, Choice) {
    let sign = digit >> 7;
    let magnitude = (digit ^ sign).wrapping_sub(sign);
    (
        magnitude.cast_unsigned(),
        Choice::from((sign & 1).cast_unsigned()),
    )
}

/// P, 2P, ..., NP.
fn multiples<const N: usize>(point: &ProjectivePoint) -> [ProjectivePoint; N] {
    let mut multiple = ProjectivePoint::IDENTITY;
    [(); N].map(|()| {
        multiple += point;
        multiple
    })
}

/// Pieces the halves of a scalar are cut into.
const PIECES: usize = 4;
/// Digits of four bits in a piece of 32 bits.
const PIECE_DIGITS: usize = 8;
/// Digits of a half: the last takes the carry out of the 128 bits.
const HALF_DIGITS: usize = PIECES * PIECE_DIGITS + 1;
/// Multiples per table: digits lie in -8..=8.
const ROW: usize = 8;

/// A base prepared for a few secret scalars: 1..=8 times 2^(32 i) P, for i in 0..4.
///
/// The 96 doublings that make the table are shared, and each multiplication needs 36 instead
/// of 128. Two scalars over one base already pay for it.
pub(crate) struct SharedBase([[ProjectivePoint; ROW]; PIECES]);

impl SharedBase {
    pub(crate) fn new(base: &ProjectivePoint) -> Self {
        let mut power = *base;
        Self([(); PIECES].map(|()| {
            let row = multiples::<ROW>(&power);
            power = (0..32).fold(power, |power, _| power.double());
            row
        }))
    }

    /// k * P.
    pub(crate) fn mul(&self, k: &Scalar) -> ProjectivePoint {
        let halves =
            decompose(k).map(|half| (Zeroizing::new(half_digits(half.magnitude)), half.negative));
        let mut sum = ProjectivePoint::IDENTITY;
        for position in (0..=PIECE_DIGITS).rev() {
            for _ in 0..4 {
                sum.double_in_place();
            }
            for (piece, row) in self.0.iter().enumerate() {
                // Only the last piece has a ninth digit, the carry.
                if position == PIECE_DIGITS && piece + 1 != PIECES {
                    continue;
                }
                for (half, (digits, negative)) in halves.iter().enumerate() {
                    let index = piece * PIECE_DIGITS + position;
                    let digit = digits.get(index).copied().unwrap_or(0);
                    let mut point = select(row, digit, *negative);
                    if half == 1 {
                        point = point.endomorphism();
                    }
                    sum += &point;
                }
            }
        }
        sum
    }
}

/// Digits in -8..=8 with k = sum digit_i * 16^i.
fn half_digits(k: u128) -> [i8; HALF_DIGITS] {
    let mut digits = [0; HALF_DIGITS];
    let mut carry = 0_i8;
    let mut rest = k;
    for digit in &mut digits {
        let [low, ..] = (rest & 15).to_le_bytes();
        rest >>= 4;
        let value = low.cast_signed() + carry;
        carry = (value + 7) >> 4;
        *digit = value - (carry << 4);
    }
    digits
}

/// digit * row, negated on request; reads the whole row.
fn select(row: &[ProjectivePoint; ROW], digit: i8, negate: Choice) -> ProjectivePoint {
    let (magnitude, negative) = magnitude(digit);
    let mut point = ProjectivePoint::IDENTITY;
    for (index, candidate) in (1_u8..).zip(row) {
        point.conditional_assign(candidate, index.ct_eq(&magnitude));
    }
    point.conditional_negate(negative ^ negate);
    point
}

#[cfg(test)]
mod tests;
