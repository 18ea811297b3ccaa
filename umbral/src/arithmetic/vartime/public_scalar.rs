//! Scalars that are public.

use alloc::vec::Vec;

use k256::Scalar;

/// A scalar that everybody may know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PublicScalar(Scalar);

impl PublicScalar {
    /// Takes a scalar that is part of a message, a signature or a proof, or computed from such.
    pub(crate) const fn published(scalar: Scalar) -> Self {
        Self(scalar)
    }

    pub(crate) fn negated(&self) -> Self {
        Self(-self.0)
    }

    /// Inverts all with one inversion (Montgomery's trick). A zero makes all of them zero.
    pub(crate) fn invert_all(mut scalars: Vec<Self>) -> Vec<Self> {
        let mut product = Scalar::ONE;
        let mut before = Vec::with_capacity(scalars.len());
        for Self(scalar) in &scalars {
            before.push(product);
            product *= scalar;
        }
        let mut inverse = product.invert_vartime().unwrap_or(Scalar::ZERO);
        for (Self(scalar), before) in scalars.iter_mut().zip(before).rev() {
            let inverted = inverse * before;
            inverse *= *scalar;
            *scalar = inverted;
        }
        scalars
    }

    pub(crate) const fn get(&self) -> &Scalar {
        &self.0
    }
}
