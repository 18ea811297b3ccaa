//! What a receiver does with cfrags: interpolates at zero, in the exponent. Everything here is
//! secret but the cfrags, hence constant time; the only branch is on repeated arguments.
//! `verified` opens with cfrags that were checked, `optimistic` with such that were not.

use alloc::vec::Vec;

use k256::elliptic_curve::group::Group as _;
use k256::elliptic_curve::ops::LinearCombination as _;
use k256::{ProjectivePoint, Scalar};
use zeroize::Zeroizing;

use crate::arithmetic::point::{Point, compress_secret};
use crate::arithmetic::scalar::invert_all;
use crate::capsule::Capsule;
use crate::error::{Error, Result};
use crate::keys::{PublicKey, SecretKey};
use crate::kfrag::ephemeral::Ephemeral;
use crate::policy::Quorum;

pub(crate) mod optimistic;
pub(crate) mod verified;

/// What an opening takes from one cfrag.
pub(crate) struct Piece {
    pub(crate) id: [u8; 32],
    pub(crate) e1: Point,
    pub(crate) v1: Point,
}

/// Cfrags of one delegation, with their weights.
///
/// Umbral paper, algorithm `DecapsulateFrags`. With the Lagrange coefficients lambda_i of the
/// secret arguments x_i: E' = sum lambda_i E1_i, V' = sum lambda_i V1_i, and d(E' + V') is the
/// point that was encapsulated. d is folded into the coefficients.
pub(crate) struct Opening {
    pieces: Vec<Piece>,
    /// d * lambda_i.
    weights: Zeroizing<Vec<Scalar>>,
}

impl Opening {
    /// Takes the pieces of cfrags whose precursor X is this one.
    pub(crate) fn new(receiving: &SecretKey, precursor: Point, pieces: Vec<Piece>) -> Result<Self> {
        refuse_too_many(pieces.len())?;
        let dh = Zeroizing::new(precursor.projective() * receiving.expose());
        let ephemeral = Ephemeral::new(precursor, &receiving.public_key(), compress_secret(&dh));
        let arguments = pieces
            .iter()
            .map(|piece| ephemeral.share_argument(&piece.id));
        let arguments = Zeroizing::new(arguments.collect::<Vec<Scalar>>());
        let weights = lagrange_weights(&arguments, ephemeral.secret_scalar()?.expose())?;
        Ok(Self { pieces, weights })
    }

    /// d(E' + V'): one m-term linear combination.
    pub(crate) fn shared_point(&self) -> Zeroizing<ProjectivePoint> {
        self.combine(|piece| piece.e1.projective() + piece.v1.affine())
    }

    /// Checks s*A = h*dE' + dV', that is shared + (h - 1)*dE': the cfrags really open this capsule
    /// of this delegator.
    pub(crate) fn validate(
        &self,
        shared: &ProjectivePoint,
        delegating: &PublicKey,
        capsule: &Capsule,
    ) -> Result<()> {
        let e = self.combine(|piece| piece.e1.projective());
        let h = capsule.hash_scalar();
        let terms = [(*e, h - Scalar::ONE), (delegating.projective(), -capsule.s)];
        let difference = ProjectivePoint::lincomb(&terms) + shared;
        if bool::from(difference.is_identity()) {
            Ok(())
        } else {
            Err(Error::ValidationFailed)
        }
    }

    fn combine(&self, point: impl Fn(&Piece) -> ProjectivePoint) -> Zeroizing<ProjectivePoint> {
        let terms = self.pieces.iter().map(point);
        let terms = terms.zip(self.weights.iter().copied());
        let terms: Zeroizing<Vec<(ProjectivePoint, Scalar)>> = Zeroizing::new(terms.collect());
        Zeroizing::new(ProjectivePoint::lincomb(terms.as_slice()))
    }
}

/// Refuses more cfrags than a delegation can have.
pub(crate) fn refuse_too_many(given: usize) -> Result<()> {
    let limit = usize::from(Quorum::MAX_SHARES);
    if given > limit {
        return Err(Error::TooManyShares { given, limit });
    }
    Ok(())
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
