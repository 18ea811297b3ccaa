//! Witness of one equation, for a contract to check.

use crate::wire::concat;

/// Coordinates that a contract needs to check one equation; each 32 bytes, big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EquationWitness {
    /// zP, x then y.
    pub w1: [u8; 64],
    /// hP1, x then y.
    pub w2: [u8; 64],
    /// y of P2.
    pub p2_y: [u8; 32],
}

impl EquationWitness {
    /// Writes W1.x W1.y W2.x W2.y P2.y.
    pub fn to_bytes(&self) -> [u8; 160] {
        concat(&[&self.w1, &self.w2, &self.p2_y])
    }
}
