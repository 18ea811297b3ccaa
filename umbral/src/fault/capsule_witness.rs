//! Witness of a capsule, which a contract checks before it demands or judges an answer: an honest
//! miner answers only if E and V are on the curve, s*G = V + h*E, and V is not -E.

use k256::ProjectivePoint;

use super::witness::EquationWitness;
use crate::arithmetic::point::Point;
use crate::capsule::Capsule;
use crate::error::{Error, Result};

/// Coordinates that a contract needs to check a capsule; each 32 bytes, big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapsuleWitness {
    /// y of E, which proves E on the curve.
    pub e_y: [u8; 32],
    /// W1 = s*G, W2 = h*E and y of P2 = V, which prove s*G = V + h*E.
    pub equation: EquationWitness,
}

impl CapsuleWitness {
    /// Computes the witness of a capsule.
    ///
    /// # Errors
    /// [`Error::Bug`] if a capsule could exist whose s or h is zero.
    pub fn new(capsule: &Capsule) -> Result<Self> {
        let products = [
            ProjectivePoint::GENERATOR * capsule.s,
            capsule.e.projective() * capsule.hash_scalar(),
        ];
        let [w1, w2] =
            Point::normalise(&products).ok_or(Error::Bug("s and h of a capsule are not zero"))?;
        Ok(Self {
            e_y: capsule.e.y_bytes(),
            equation: EquationWitness {
                w1: w1.to_uncompressed(),
                w2: w2.to_uncompressed(),
                p2_y: capsule.v.y_bytes(),
            },
        })
    }

    /// Writes y of E and y of V, which prove both on the curve.
    pub const fn roots(&self) -> [[u8; 32]; 2] {
        [self.e_y, self.equation.p2_y]
    }
}
