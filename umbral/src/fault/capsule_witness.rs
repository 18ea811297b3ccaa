//! What lets a contract check a capsule. One that is to demand an answer, or to judge one, must
//! know that the capsule is one that an honest miner answers: E and V on the curve, s*G = V + h*E,
//! V not -E.

use k256::ProjectivePoint;

use super::witness::EquationWitness;
use crate::arithmetic::point::Point;
use crate::capsule::Capsule;
use crate::error::{Error, Result};

/// Coordinates that a contract needs to check a capsule; each 32 bytes, big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapsuleWitness {
    /// y of E: that E is on the curve.
    pub e_y: [u8; 32],
    /// W1 = s*G, W2 = h*E, and y of P2 = V: that s*G = V + h*E.
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

    /// Writes y of E and y of V: that both are on the curve.
    pub const fn roots(&self) -> [[u8; 32]; 2] {
        [self.e_y, self.equation.p2_y]
    }
}
