//! Cfrags: what a miner answers. [`CapsuleFrag`] is what was received; `verified` checks it,
//! `reencryption` makes it.

use core::fmt;

use k256::Scalar;

use crate::arithmetic::point::{Point, fmt_hex};
use crate::error::Result;
use crate::keys::context::Context;
use crate::keys::signing::Signature;
use crate::policy::{Miner, Policy, Subject};
use crate::wire::concat;

pub(crate) mod batch;
pub(crate) mod prepared;
pub(crate) mod proof;
pub(crate) mod raw;
pub(crate) mod reencryption;
pub(crate) mod verified;

use raw::RawFrag;

/// A cfrag as received: well-formed, not yet checked. Public data.
///
/// | field | offset | meaning |
/// |---|---|---|
/// | E1, V1 | 0, 33 | rk*E, rk*V |
/// | id | 66 | of the kfrag |
/// | X | 98 | precursor |
/// | E2, V2 | 131, 164 | t*E, t*V |
/// | U1, U2 | 197, 230 | rk*U, t*U |
/// | z | 263 | t + h*rk |
/// | signature | 295 | the delegator's, of the kfrag |
///
/// E1, V1, E2, V2, U1 and U2 have x < n, so that a contract can judge them.
#[derive(Clone, PartialEq, Eq)]
pub struct CapsuleFrag {
    pub(crate) e1: Point,
    pub(crate) v1: Point,
    pub(crate) id: [u8; 32],
    pub(crate) precursor: Point,
    pub(crate) e2: Point,
    pub(crate) v2: Point,
    pub(crate) u1: Point,
    pub(crate) u2: Point,
    pub(crate) z: Scalar,
    pub(crate) signature: Signature,
}

impl CapsuleFrag {
    /// Bytes of the fields in the table above.
    pub const BYTES: usize = 359;

    /// Reads the fields in the order of the table above.
    ///
    /// # Errors
    /// The first field that is not canonical.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Result<Self> {
        RawFrag::new(bytes)?.decode()
    }

    /// Writes the fields in the order of the table above.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        concat(&[
            self.e1.bytes(),
            self.v1.bytes(),
            &self.id,
            self.precursor.bytes(),
            self.e2.bytes(),
            self.v2.bytes(),
            self.u1.bytes(),
            self.u2.bytes(),
            &self.z.to_bytes(),
            &self.signature.to_bytes(),
        ])
    }

    /// Id of the kfrag it was made with, 32 bytes.
    pub const fn id(&self) -> &[u8; 32] {
        &self.id
    }

    /// The digest that the delegator's signature covers.
    pub(crate) fn digest(&self, context: &Context, policy: &Policy, miner: &Miner) -> [u8; 32] {
        let subject = Subject {
            miner,
            id: &self.id,
            u1: self.u1.bytes(),
            precursor: self.precursor.bytes(),
        };
        policy.digest(context, &subject)
    }
}

impl fmt::Debug for CapsuleFrag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CapsuleFrag(")?;
        fmt_hex(&self.to_bytes(), f)?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests;
