//! What a receiver does with fragments: interpolates at zero, in the exponent.
//!
//! Umbral paper, algorithm `DecapsulateFrags`. With the Lagrange coefficients lambda_i of
//! the secret arguments x_i: E' = sum lambda_i E1_i, V' = sum lambda_i V1_i, and d(E' + V') is the
//! point that was encapsulated. d is folded into the coefficients. Everything here is secret but
//! the fragments, hence constant time; the only branch is on repeated arguments.

use alloc::vec::Vec;

use k256::elliptic_curve::group::Group as _;
use k256::elliptic_curve::ops::LinearCombination as _;
use k256::{ProjectivePoint, Scalar};
use zeroize::Zeroizing;

use crate::capsule::Capsule;
use crate::capsule_frag::{CapsuleFrag, VerifiedCapsuleFrag};
use crate::delegation::MAX_SHARES;
use crate::ephemeral::Ephemeral;
use crate::error::{Error, Result};
use crate::keys::{PublicKey, SecretKey};
use crate::point::compress_secret;
use crate::scalar::invert_all;

type Terms = Zeroizing<Vec<(ProjectivePoint, Scalar)>>;

/// Fragments that fit together, each with its weight d * lambda_i.
pub(crate) struct Opening<'a> {
    frags: Vec<&'a CapsuleFrag>,
    weights: Zeroizing<Vec<Scalar>>,
}

impl<'a> Opening<'a> {
    /// Takes fragments verified for this capsule and these keys.
    pub(crate) fn verified(
        receiving: &SecretKey,
        delegating: &PublicKey,
        capsule: &Capsule,
        frags: &'a [VerifiedCapsuleFrag],
    ) -> Result<Self> {
        let fingerprint = capsule.fingerprint();
        for (index, verified) in frags.iter().enumerate() {
            if verified.capsule != fingerprint {
                return Err(Error::AnotherCapsule { index });
            }
            let context = &verified.context;
            if context.delegating != *delegating || context.receiving != receiving.public_key() {
                return Err(Error::AnotherContext { index });
            }
        }
        Self::unverified(
            receiving,
            frags.iter().map(|verified| &verified.frag).collect(),
        )
    }

    /// Takes fragments nobody has verified.
    pub(crate) fn unverified(receiving: &SecretKey, frags: Vec<&'a CapsuleFrag>) -> Result<Self> {
        let limit = usize::from(MAX_SHARES);
        let given = frags.len();
        if given > limit {
            return Err(Error::TooManyShares { given, limit });
        }
        let precursor = frags.first().ok_or(Error::NoCapsuleFrags)?.precursor;
        if let Some(index) = frags.iter().position(|frag| frag.precursor != precursor) {
            return Err(Error::MismatchedCapsuleFrag { index });
        }
        let dh = Zeroizing::new(precursor.projective() * receiving.expose());
        let ephemeral = Ephemeral::new(precursor, &receiving.public_key(), compress_secret(&dh));
        let arguments = frags.iter().map(|frag| ephemeral.share_argument(&frag.id));
        let arguments = Zeroizing::new(arguments.collect::<Vec<Scalar>>());
        let weights = lagrange_weights(&arguments, ephemeral.secret_scalar()?.expose())?;
        Ok(Self { frags, weights })
    }

    /// d(E' + V'): one m-term linear combination.
    pub(crate) fn shared_point(&self) -> Zeroizing<ProjectivePoint> {
        self.combine(|frag| frag.e1.projective() + frag.v1.affine())
    }

    /// Checks s*A = h*dE' + dV', that is shared + (h - 1)*dE': the fragments really open this
    /// capsule of this delegator.
    pub(crate) fn validate(
        &self,
        shared: &ProjectivePoint,
        delegating: &PublicKey,
        capsule: &Capsule,
    ) -> Result<()> {
        let e = self.combine(|frag| frag.e1.projective());
        let h = capsule.hash_scalar();
        let terms = [(*e, h - Scalar::ONE), (delegating.projective(), -capsule.s)];
        let difference = ProjectivePoint::lincomb(&terms) + shared;
        if bool::from(difference.is_identity()) {
            Ok(())
        } else {
            Err(Error::ValidationFailed)
        }
    }

    fn combine(
        &self,
        part: impl Fn(&CapsuleFrag) -> ProjectivePoint,
    ) -> Zeroizing<ProjectivePoint> {
        let points = self.frags.iter().map(|frag| part(frag));
        let terms: Terms = Zeroizing::new(points.zip(self.weights.iter().copied()).collect());
        Zeroizing::new(ProjectivePoint::lincomb(terms.as_slice()))
    }
}

/// d * lambda_i, lambda_i = prod_{j != i} x_j / (x_j - x_i), with one inversion in all:
/// lambda_i = P / (x_i * prod_{j != i} (x_j - x_i)) for P the product of all x_j.
fn lagrange_weights(arguments: &[Scalar], d: &Scalar) -> Result<Zeroizing<Vec<Scalar>>> {
    let mut weights = Zeroizing::new(Vec::with_capacity(arguments.len()));
    for (i, x_i) in arguments.iter().enumerate() {
        let mut denominator = *x_i;
        for (j, x_j) in arguments.iter().enumerate() {
            if i != j {
                denominator *= x_j - x_i;
            }
        }
        weights.push(denominator);
    }
    invert_all(&mut weights).ok_or_else(|| repeated(arguments))?;
    let numerator = arguments.iter().fold(*d, |product, x| product * x);
    weights.iter_mut().for_each(|weight| *weight *= numerator);
    Ok(weights)
}

/// The first pair of equal arguments.
fn repeated(arguments: &[Scalar]) -> Error {
    for (second, x) in arguments.iter().enumerate() {
        if let Some(first) = arguments
            .iter()
            .take(second)
            .position(|earlier| earlier == x)
        {
            return Error::RepeatedCapsuleFrag { first, second };
        }
    }
    Error::Bug("a zero denominator means two equal arguments")
}

#[cfg(test)]
mod tests;
