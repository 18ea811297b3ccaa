//! The equations of the re-encryption proof, by name.

use core::fmt;

/// One of the three equations of the re-encryption proof, named by its base point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Equation {
    /// z*E = E2 + h*E1.
    E,
    /// z*V = V2 + h*V1.
    V,
    /// z*U = U2 + h*U1.
    U,
}

impl fmt::Display for Equation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::E => "E",
            Self::V => "V",
            Self::U => "U",
        })
    }
}
