//! The endomorphism of the curve: k = k1 + k2 * lambda mod n with |k1|, |k2| < 2^128, where
//! lambda * (x, y) = (beta * x, y). Constant time; used by secret and by public arithmetic.
//!
//! The constants are those of "Guide to Elliptic Curve Cryptography" (Hankerson, Menezes,
//! Vanstone), algorithm 3.74, with the rounded division done by a multiplication with a
//! precomputed 384-bit estimate; the bound 2^128 is proven in libsecp256k1 and in k256.

use k256::elliptic_curve::scalar::IsHigh as _;
use k256::{Scalar, U256};
use subtle::{Choice, ConditionallySelectable as _};

/// round(2^384 * b2 / n).
const G1: U256 =
    U256::from_be_hex("3086D221A7D46BCDE86C90E49284EB153DAA8A1471E8CA7FE893209A45DBB031");
/// round(2^384 * (-b1) / n).
const G2: U256 =
    U256::from_be_hex("E4437ED6010E88286F547FA90ABFE4C4221208AC9DF506C61571B4AE8AC47F71");
/// -b1, a positive number below 2^128.
const MINUS_B1: u128 = 0xE443_7ED6_010E_8828_6F54_7FA9_0ABF_E4C3;
/// b2.
const B2: u128 = 0x3086_D221_A7D4_6BCD_E86C_90E4_9284_EB15;
/// lambda, split in two.
const LAMBDA: [u128; 2] = [
    0x5363_AD4C_C05C_30E0_A526_1C02_8812_645A,
    0x122E_22EA_2081_6678_DF02_967C_1B23_BD72,
];

/// beta, a cube root of one in the base field, big-endian.
pub(crate) const BETA: [u8; 32] = [
    0x7a, 0xe9, 0x6a, 0x2b, 0x65, 0x7c, 0x07, 0x10, 0x6e, 0x64, 0x47, 0x9e, 0xac, 0x34, 0x34, 0xe9,
    0x9c, 0xf0, 0x49, 0x75, 0x12, 0xf5, 0x89, 0x95, 0xc1, 0x39, 0x6c, 0x28, 0x71, 0x95, 0x01, 0xee,
];

/// One half of a scalar: sign and magnitude.
#[derive(Clone, Copy)]
pub(crate) struct Half {
    pub(crate) negative: Choice,
    pub(crate) magnitude: u128,
}

/// k1 and k2 with k = k1 + k2 * lambda.
pub(crate) fn decompose(k: &Scalar) -> [Half; 2] {
    let wide = U256::from(k);
    let c1 = Scalar::from(rounded(&wide, &G1));
    let c2 = Scalar::from(rounded(&wide, &G2));
    let k2 = c1 * Scalar::from(MINUS_B1) - c2 * Scalar::from(B2);
    let k1 = k - &(k2 * lambda());
    [half(&k1), half(&k2)]
}

fn lambda() -> Scalar {
    let [high, low] = LAMBDA.map(Scalar::from);
    let shift = Scalar::from(1_u128 << 64);
    high * shift.square() + low
}

/// round(k * g / 2^384).
fn rounded(k: &U256, g: &U256) -> u128 {
    let (_, high) = k.widening_mul(g);
    let bytes: [u8; 32] = high.to_le_bytes().into();
    let (low, quotient) = bytes.split_at(16);
    let carry = low.last().map_or(0, |byte| byte >> 7);
    let quotient = quotient
        .first_chunk()
        .map_or(0, |q| u128::from_le_bytes(*q));
    quotient.wrapping_add(u128::from(carry))
}

fn half(k: &Scalar) -> Half {
    let negative = k.is_high();
    let bytes = Scalar::conditional_select(k, &-k, negative).to_bytes();
    let magnitude = bytes
        .last_chunk::<16>()
        .map_or(0, |low| u128::from_be_bytes(*low));
    Half {
        negative,
        magnitude,
    }
}

#[cfg(test)]
mod tests;
