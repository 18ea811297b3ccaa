//! The polynomial of a delegation and its shares, before they are signed.

use alloc::vec::Vec;

use k256::{ProjectivePoint, Scalar};
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::ephemeral::Ephemeral;
use crate::arithmetic::constant_time::{mul_generator, mul_point_u};
use crate::arithmetic::point::{Point, normalise_with_secret};
use crate::arithmetic::scalar::{SecretScalar, draw, evaluate};
use crate::error::{Error, Result};
use crate::keys::{PublicKey, SecretKey};

/// f, with f(0) = a / d, and the ephemeral key of the delegation.
pub(crate) struct Polynomial {
    pub(crate) ephemeral: Ephemeral,
    pub(crate) coefficients: Zeroizing<Vec<Scalar>>,
}

impl Polynomial {
    /// Draws x, then the `threshold` - 1 further coefficients.
    pub(crate) fn draw<R: TryCryptoRng + ?Sized>(
        rng: &mut R,
        delegating: &SecretKey,
        receiving: &PublicKey,
        threshold: u16,
    ) -> Result<Self> {
        let secret = SecretScalar::random(rng)?;
        let precursor = mul_generator(secret.expose());
        let dh = Zeroizing::new(receiving.projective() * secret.expose());
        let (precursor, dh) = normalise_with_secret([precursor], &dh);
        let [precursor] = precursor.ok_or(Error::RngDegenerate)?;
        let ephemeral = Ephemeral::new(precursor, receiving, dh);

        let inverse = ephemeral.secret_scalar()?.invert()?;
        let degree = threshold.saturating_sub(1);
        let mut coefficients = Zeroizing::new(Vec::with_capacity(threshold.into()));
        coefficients.push(delegating.expose() * inverse.expose());
        for _ in 0..degree {
            coefficients.push(*SecretScalar::random(rng)?.expose());
        }
        Ok(Self {
            ephemeral,
            coefficients,
        })
    }

    pub(crate) fn shares<R: TryCryptoRng + ?Sized>(
        &self,
        rng: &mut R,
        count: u16,
    ) -> Result<Vec<Share>> {
        let mut shares = Vec::with_capacity(count.into());
        for _ in 0..count {
            shares.push(self.share(rng)?);
        }
        Ok(shares)
    }

    fn share<R: TryCryptoRng + ?Sized>(&self, rng: &mut R) -> Result<Share> {
        let mut id = [0; 32];
        let mut extra = Zeroizing::new([[0; 32]; 2]);
        draw(rng, &mut id)?;
        for half in extra.iter_mut() {
            draw(rng, half)?;
        }
        let x = Zeroizing::new(self.ephemeral.share_argument(&id));
        let key = SecretScalar::new(evaluate(&self.coefficients, &x), Error::RngDegenerate)?;
        Ok(Share { id, key, extra })
    }
}

/// One share before its commitment and signature, with all it drew.
pub(crate) struct Share {
    pub(crate) id: [u8; 32],
    pub(crate) key: SecretScalar,
    /// Random bytes for the signature; the second half is for the second one of version 1.
    pub(crate) extra: Zeroizing<[[u8; 32]; 2]>,
}

/// U1 of every share, in a form a contract can judge.
pub(crate) fn commit(shares: &[Share]) -> Result<Vec<Point>> {
    refuse_repeated_ids(shares)?;
    let commitments = shares.iter().map(|share| mul_point_u(share.key.expose()));
    let commitments: Vec<ProjectivePoint> = commitments.collect();
    let commitments = Point::normalise_all(&commitments).ok_or(Error::RngDegenerate)?;
    if commitments.iter().all(Point::is_judgeable) {
        Ok(commitments)
    } else {
        Err(Error::RngDegenerate)
    }
}

/// Two kfrags with one id would be one share given twice: only a broken generator does that.
fn refuse_repeated_ids(shares: &[Share]) -> Result<()> {
    let mut ids: Vec<&[u8; 32]> = shares.iter().map(|share| &share.id).collect();
    ids.sort_unstable();
    let repeated = ids
        .iter()
        .zip(ids.iter().skip(1))
        .any(|(one, next)| one == next);
    if repeated {
        Err(Error::RngDegenerate)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
