//! Scalars: public ones decoded strictly, secret ones boxed, redacted and erased when dropped.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use k256::Scalar;
use k256::elliptic_curve::ff::PrimeField as _;
use rand_core::TryCryptoRng;
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

use crate::error::{Error, Result};

/// Bytes of a scalar, big-endian.
pub(crate) const SCALAR_BYTES: usize = 32;

/// Draws of 32 bytes before a generator is called broken. A sound one fails one draw in 2^128.
const DRAWS_MAX: usize = 16;

/// Decodes a public scalar in 1..n.
pub(crate) fn decode_scalar(bytes: &[u8; SCALAR_BYTES], field: &'static str) -> Result<Scalar> {
    let scalar = Scalar::from_repr((*bytes).into())
        .into_option()
        .ok_or(Error::InvalidScalar { field })?;
    if bool::from(scalar.is_zero()) {
        return Err(Error::ZeroScalar { field });
    }
    Ok(scalar)
}

/// Fills an array from the caller's generator.
pub(crate) fn draw<R, const N: usize>(rng: &mut R, out: &mut [u8; N]) -> Result<()>
where
    R: TryCryptoRng + ?Sized,
{
    rng.try_fill_bytes(out).map_err(|_| Error::Rng)
}

/// A secret scalar in 1..n. Boxed, so that moving it leaves no copy behind.
pub(crate) struct SecretScalar(Box<Scalar>);

impl SecretScalar {
    /// Takes a scalar computed elsewhere; zero becomes the given error.
    pub(crate) fn new(scalar: Scalar, on_zero: Error) -> Result<Self> {
        if bool::from(scalar.is_zero()) {
            return Err(on_zero);
        }
        Ok(Self(Box::new(scalar)))
    }

    /// Decodes 32 bytes big-endian in 1..n.
    pub(crate) fn decode(bytes: &[u8; SCALAR_BYTES], field: &'static str) -> Result<Self> {
        decode_scalar(bytes, field).map(|scalar| Self(Box::new(scalar)))
    }

    /// Uniform in 1..n: 32 bytes big-endian, drawn again when out of range.
    pub(crate) fn random<R: TryCryptoRng + ?Sized>(rng: &mut R) -> Result<Self> {
        let mut bytes = Zeroizing::new([0; SCALAR_BYTES]);
        for _ in 0..DRAWS_MAX {
            draw(rng, &mut bytes)?;
            if let Ok(scalar) = Self::decode(&bytes, "random scalar") {
                return Ok(scalar);
            }
        }
        Err(Error::RngDegenerate)
    }

    pub(crate) fn expose(&self) -> &Scalar {
        &self.0
    }

    /// The encoding, erased when dropped.
    pub(crate) fn to_secret_bytes(&self) -> Zeroizing<[u8; SCALAR_BYTES]> {
        let mut out = Zeroizing::new([0; SCALAR_BYTES]);
        let mut repr = self.0.to_bytes();
        out.copy_from_slice(&repr);
        repr.as_mut_slice().zeroize();
        out
    }

    /// 1 / self. Constant time.
    pub(crate) fn invert(&self) -> Result<Self> {
        let inverse = self.0.invert().into_option();
        inverse
            .map(|inverse| Self(Box::new(inverse)))
            .ok_or(Error::Bug("a SecretScalar is never zero"))
    }
}

impl Drop for SecretScalar {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for SecretScalar {}

impl fmt::Debug for SecretScalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// Evaluates f(x) = coefficients[0] + coefficients[1] x + ... by Horner's rule. Constant time.
pub(crate) fn evaluate(coefficients: &[Scalar], x: &Scalar) -> Scalar {
    coefficients
        .iter()
        .rev()
        .fold(Scalar::ZERO, |sum, coefficient| sum * x + coefficient)
}

/// Inverts every element with one inversion (Montgomery's trick). `None` if one is zero.
pub(crate) fn invert_all(elements: &mut [Scalar]) -> Option<()> {
    let mut product = Zeroizing::new(Scalar::ONE);
    let mut before = Zeroizing::new(Vec::with_capacity(elements.len()));
    for element in elements.iter() {
        before.push(*product);
        *product *= element;
    }
    let mut inverse = Zeroizing::new(product.invert().into_option()?);
    for (element, before) in elements.iter_mut().zip(before.iter()).rev() {
        let inverted = *inverse * before;
        *inverse *= *element;
        *element = inverted;
    }
    Some(())
}

#[cfg(test)]
mod tests;
