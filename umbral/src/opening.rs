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

use crate::arithmetic::point::{Point, compress_secret};
use crate::arithmetic::scalar::invert_all;
use crate::capsule::Capsule;
use crate::cfrag::{CapsuleFrag, VerifiedCapsuleFrag};
use crate::delegation::MAX_SHARES;
use crate::ephemeral::Ephemeral;
use crate::error::{Error, Result};
use crate::keys::{PublicKey, SecretKey};

pub(crate) mod optimistic;

/// E1 and V1 of one fragment.
pub(crate) type Images = [Point; 2];

/// d * lambda_i for a set of fragments of one delegation: depends on X and the ids alone.
pub(crate) struct Weights {
    precursor: Point,
    ids: Vec<[u8; 32]>,
    values: Zeroizing<Vec<Scalar>>,
}

impl Weights {
    pub(crate) fn new(receiving: &SecretKey, precursor: Point, ids: Vec<[u8; 32]>) -> Result<Self> {
        let (given, limit) = (ids.len(), usize::from(MAX_SHARES));
        if given > limit {
            return Err(Error::TooManyShares { given, limit });
        }
        let dh = Zeroizing::new(precursor.projective() * receiving.expose());
        let ephemeral = Ephemeral::new(precursor, &receiving.public_key(), compress_secret(&dh));
        let arguments = ids.iter().map(|id| ephemeral.share_argument(id));
        let arguments = Zeroizing::new(arguments.collect::<Vec<Scalar>>());
        let values = lagrange_weights(&arguments, ephemeral.secret_scalar()?.expose())?;
        Ok(Self {
            precursor,
            ids,
            values,
        })
    }

    /// Whether they are the weights of these fragments, in this order.
    pub(crate) fn fit(&self, precursor: &Point, mut ids: impl Iterator<Item = [u8; 32]>) -> bool {
        self.precursor == *precursor
            && self.ids.iter().all(|id| ids.next() == Some(*id))
            && ids.next().is_none()
    }

    /// d(E' + V'): one m-term linear combination.
    pub(crate) fn shared_point(&self, parts: &[Images]) -> Zeroizing<ProjectivePoint> {
        self.combine(parts.iter().map(|[e1, v1]| e1.projective() + v1.affine()))
    }

    /// Checks s*A = h*dE' + dV', that is shared + (h - 1)*dE': the fragments really open this
    /// capsule of this delegator.
    pub(crate) fn validate(
        &self,
        parts: &[Images],
        shared: &ProjectivePoint,
        delegating: &PublicKey,
        capsule: &Capsule,
    ) -> Result<()> {
        let e = self.combine(parts.iter().map(|[e1, _]| e1.projective()));
        let h = capsule.hash_scalar();
        let terms = [(*e, h - Scalar::ONE), (delegating.projective(), -capsule.s)];
        let difference = ProjectivePoint::lincomb(&terms) + shared;
        if bool::from(difference.is_identity()) {
            Ok(())
        } else {
            Err(Error::ValidationFailed)
        }
    }

    fn combine(&self, points: impl Iterator<Item = ProjectivePoint>) -> Zeroizing<ProjectivePoint> {
        let terms = points.zip(self.values.iter().copied());
        let terms: Zeroizing<Vec<(ProjectivePoint, Scalar)>> = Zeroizing::new(terms.collect());
        Zeroizing::new(ProjectivePoint::lincomb(terms.as_slice()))
    }
}

/// Fragments that fit together, with their weights.
pub(crate) struct Opening {
    parts: Vec<Images>,
    weights: Weights,
}

impl Opening {
    /// Takes fragments verified for this capsule and these keys.
    pub(crate) fn verified(
        receiving: &SecretKey,
        delegating: &PublicKey,
        capsule: &Capsule,
        frags: &[VerifiedCapsuleFrag],
    ) -> Result<Self> {
        refuse_strangers(&receiving.public_key(), delegating, capsule, frags)?;
        Self::unverified(receiving, frags.iter().map(|verified| &verified.frag))
    }

    /// Takes fragments nobody has verified.
    pub(crate) fn unverified<'a>(
        receiving: &SecretKey,
        frags: impl Iterator<Item = &'a CapsuleFrag> + Clone,
    ) -> Result<Self> {
        let precursor = common_precursor(frags.clone())?;
        let ids = frags.clone().map(|frag| frag.id).collect();
        Ok(Self {
            weights: Weights::new(receiving, precursor, ids)?,
            parts: images(frags),
        })
    }

    /// As [`Weights::shared_point`].
    pub(crate) fn shared_point(&self) -> Zeroizing<ProjectivePoint> {
        self.weights.shared_point(&self.parts)
    }

    /// As [`Weights::validate`].
    pub(crate) fn validate(
        &self,
        shared: &ProjectivePoint,
        delegating: &PublicKey,
        capsule: &Capsule,
    ) -> Result<()> {
        self.weights
            .validate(&self.parts, shared, delegating, capsule)
    }
}

/// E1 and V1 of each fragment.
pub(crate) fn images<'a>(frags: impl Iterator<Item = &'a CapsuleFrag>) -> Vec<Images> {
    frags.map(|frag| [frag.e1, frag.v1]).collect()
}

/// Refuses fragments that were verified for another capsule or for other keys.
pub(crate) fn refuse_strangers(
    receiving: &PublicKey,
    delegating: &PublicKey,
    capsule: &Capsule,
    frags: &[VerifiedCapsuleFrag],
) -> Result<()> {
    let fingerprint = capsule.fingerprint();
    for (index, verified) in frags.iter().enumerate() {
        if verified.capsule != fingerprint {
            return Err(Error::AnotherCapsule { index });
        }
        let context = &verified.context;
        if context.delegating != *delegating || context.receiving != *receiving {
            return Err(Error::AnotherContext { index });
        }
    }
    Ok(())
}

/// X, which all fragments must share. The cap on their number is checked first.
pub(crate) fn common_precursor<'a>(
    mut frags: impl Iterator<Item = &'a CapsuleFrag> + Clone,
) -> Result<Point> {
    let (given, limit) = (frags.clone().count(), usize::from(MAX_SHARES));
    if given > limit {
        return Err(Error::TooManyShares { given, limit });
    }
    let precursor = frags.clone().next().ok_or(Error::NoCapsuleFrags)?.precursor;
    match frags.position(|frag| frag.precursor != precursor) {
        Some(index) => Err(Error::MismatchedCapsuleFrag { index }),
        None => Ok(precursor),
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
