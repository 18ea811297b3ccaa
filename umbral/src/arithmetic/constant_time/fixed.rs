//! Multiples of points that never change, from a table kept by the process.

use alloc::vec::Vec;

use k256::elliptic_curve::point::BatchNormalize as _;
use k256::{AffinePoint, ProjectivePoint, Scalar};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

use super::{magnitude, multiples};

/// Bits of a digit of the fixed-base tables.
const FIXED_WINDOW: usize = 5;
/// Digits of a 256-bit scalar: 51 * 5 = 255, and the last takes the top bit and a carry.
const FIXED_DIGITS: usize = 52;
/// Multiples per digit: digits lie in -16..=16.
const FIXED_ROW: usize = 16;

/// 1..=16 times 32^i P, for each digit i.
pub(super) struct FixedBase(Vec<[AffinePoint; FIXED_ROW]>);

impl FixedBase {
    pub(super) fn new(base: ProjectivePoint) -> Self {
        let mut power = base;
        let rows = (0..FIXED_DIGITS).map(|_| {
            let row = multiples::<FIXED_ROW>(&power);
            power = (0..FIXED_WINDOW).fold(power, |power, _| power.double());
            ProjectivePoint::batch_normalize(&row)
        });
        Self(rows.collect())
    }

    /// k * P.
    pub(super) fn mul(&self, k: &Scalar) -> ProjectivePoint {
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

/// Digits in -16..=16 with k = sum digit_i * 32^i.
pub(super) fn signed_digits(k: &Scalar) -> [i8; FIXED_DIGITS] {
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
