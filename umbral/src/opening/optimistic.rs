//! Opening with cfrags nobody has checked yet: the caller's cipher tells whether they were right.
//!
//! Not weaker than checking first: what opens is authentic under the key the capsule carries,
//! whoever answered. Not for evidence: what is to be held against a miner, or paid for, is to be
//! verified.

use alloc::vec::Vec;

use super::{Opening, Piece};
use crate::arithmetic::point::Point;
use crate::capsule::kem::SharedSecret;
use crate::cfrag::CapsuleFrag;
use crate::cfrag::raw::{E1, PRECURSOR, RawFrag, V1};
use crate::error::{Error, Result};
use crate::keys::SecretKey;

/// Opens a capsule with cfrags as received, at least the threshold, before any of them is checked.
///
/// `accept` must authenticate something under the key; what it makes of the key is returned.
/// `None` if the cfrags do not open the capsule, for whatever reason: then
/// [`BatchVerifier`](crate::BatchVerifier) tells which of them are forged.
pub fn decapsulate_optimistic<T>(
    receiving: &SecretKey,
    answers: &[[u8; CapsuleFrag::BYTES]],
    accept: impl FnOnce(&SharedSecret) -> Option<T>,
) -> Option<T> {
    combine(receiving, answers)
        .ok()
        .and_then(|secret| accept(&secret))
}

/// Looks at X, the ids, E1 and V1 alone.
fn combine(receiving: &SecretKey, answers: &[[u8; CapsuleFrag::BYTES]]) -> Result<SharedSecret> {
    let raw: Vec<RawFrag<'_>> = answers.iter().map(RawFrag::new).collect::<Result<_>>()?;
    let bytes = raw.first().ok_or(Error::NoCapsuleFrags)?.precursor;
    if let Some(index) = raw.iter().position(|raw| raw.precursor != bytes) {
        return Err(Error::MismatchedCapsuleFrag { index });
    }
    let precursor = Point::decode(bytes, PRECURSOR)?;
    let pieces = raw.iter().map(|raw| {
        let [e1, v1] = Point::lanes([raw.e1, raw.v1]);
        Ok(Piece {
            id: *raw.id,
            e1: Point::judgeable(e1, E1)?,
            v1: Point::judgeable(v1, V1)?,
        })
    });
    let opening = Opening::new(receiving, precursor, pieces.collect::<Result<_>>()?)?;
    SharedSecret::from_point(&opening.shared_point())
}

#[cfg(test)]
mod tests;
