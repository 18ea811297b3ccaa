//! Multiplication by secret scalars: fixed bases from tables, and one base by several scalars.
//!
//! No branch and no address depends on a scalar: every table row is read whole, and the points are
//! added by `k256`'s complete formulas. Tables are public.

use alloc::vec::Vec;

use k256::elliptic_curve::point::BatchNormalize as _;
use k256::{AffinePoint, ProjectivePoint, Scalar};
use subtle::{
    Choice, ConditionallyNegatable as _, ConditionallySelectable as _, ConstantTimeEq as _,
};
use zeroize::Zeroizing;

use crate::glv::decompose;

/// Bits of a digit of the fixed-base tables.
const FIXED_WINDOW: usize = 5;
/// Digits of a 256-bit scalar: 51 * 5 = 255, and the last takes the top bit and a carry.
const FIXED_DIGITS: usize = 52;
/// Multiples per digit: digits lie in -16..=16.
const FIXED_ROW: usize = 16;

/// 1..=16 times 32^i P, for each digit i.
pub(crate) struct FixedBase(Vec<[AffinePoint; FIXED_ROW]>);

impl FixedBase {
    fn new(base: ProjectivePoint) -> Self {
        let mut power = base;
        let rows = (0..FIXED_DIGITS).map(|_| {
            let row = multiples::<FIXED_ROW>(&power);
            power = (0..FIXED_WINDOW).fold(power, |power, _| power.double());
            ProjectivePoint::batch_normalize(&row)
        });
        Self(rows.collect())
    }

    /// k * P.
    pub(crate) fn mul(&self, k: &Scalar) -> ProjectivePoint {
        let digits = Zeroizing::new(signed_digits(k));
        let mut sum = ProjectivePoint::IDENTITY;
        for (row, digit) in self.0.iter().zip(digits.iter()) {
            let (magnitude, negative) = magnitude(*digit);
            let mut entry = AffinePoint::IDENTITY;
            for (index, candidate) in (1_u8..).zip(row) {
                entry.conditional_assign(candidate, index.ct_eq(&magnitude));
            }
            entry.conditional_assign(&-entry, negative);
            sum += &entry;
        }
        sum
    }
}

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
        .get_or_init(|| FixedBase::new(crate::params::point_u().projective()))
        .mul(k)
}

/// k * U.
#[cfg(not(feature = "std"))]
pub(crate) fn mul_point_u(k: &Scalar) -> ProjectivePoint {
    crate::params::point_u().projective() * k
}

/// Digits in -16..=16 with k = sum digit_i * 32^i.
fn signed_digits(k: &Scalar) -> [i8; FIXED_DIGITS] {
    let bytes = Zeroizing::new(<[u8; 32]>::from(k.to_bytes()));
    let mut digits = [0; FIXED_DIGITS];
    let (mut buffer, mut bits, mut carry) = (0_u16, 0_usize, 0_i8);
    let mut source = bytes.iter().rev();
    for digit in &mut digits {
        if bits < FIXED_WINDOW {
            // The last digit finds no byte left: one bit of the scalar remains for it.
            buffer |= source.next().map_or(0, |byte| u16::from(*byte) << bits);
            bits += 8;
        }
        let [low, _] = (buffer & 31).to_le_bytes();
        buffer >>= FIXED_WINDOW;
        bits -= FIXED_WINDOW;
        let value = low.cast_signed() + carry;
        carry = (value + 15) >> 5;
        *digit = value - (carry << 5);
    }
    digits
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
