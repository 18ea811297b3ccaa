//! Opening with verified cfrags.

use alloc::vec::Vec;

use super::{Opening, Piece, refuse_too_many};
use crate::arithmetic::point::Point;
use crate::capsule::Capsule;
use crate::capsule::dem::open;
use crate::capsule::kem::SharedSecret;
use crate::cfrag::CapsuleFrag;
use crate::cfrag::verified::VerifiedCapsuleFrag;
use crate::error::{Error, Result};
use crate::keys::{PublicKey, SecretKey};

/// Opens a capsule with the receiver's key and cfrags verified for it, at least the threshold.
///
/// # Errors
/// [`Error::NoCapsuleFrags`], [`Error::TooManyShares`]; the cfrag at fault is named by
/// [`Error::AnotherCapsule`], [`Error::AnotherContext`], [`Error::MismatchedCapsuleFrag`] and
/// [`Error::RepeatedCapsuleFrag`]; [`Error::ValidationFailed`] if there are fewer than the
/// threshold or the delegator made inconsistent shares.
pub fn decapsulate_reencrypted(
    receiving: &SecretKey,
    delegating: &PublicKey,
    capsule: &Capsule,
    frags: &[VerifiedCapsuleFrag],
) -> Result<SharedSecret> {
    let opening = Opening::verified(receiving, delegating, capsule, frags)?;
    let shared = opening.shared_point();
    opening.validate(&shared, delegating, capsule)?;
    SharedSecret::from_point(&shared)
}

/// Decrypts with the receiver's key and cfrags verified for this capsule.
///
/// The cfrags' signatures vouch for the keys and the cipher vouches for the shared point, so the
/// costlier check of the opening runs only on failure, to tell cfrags that do not open the capsule
/// from a ciphertext that is not authentic.
///
/// # Errors
/// As [`decapsulate_reencrypted`], then as [`decrypt_original`](crate::decrypt_original).
pub fn decrypt_reencrypted(
    receiving: &SecretKey,
    delegating: &PublicKey,
    capsule: &Capsule,
    frags: &[VerifiedCapsuleFrag],
    ciphertext: &[u8],
) -> Result<Vec<u8>> {
    let opening = Opening::verified(receiving, delegating, capsule, frags)?;
    let shared = opening.shared_point();
    open(&SharedSecret::from_point(&shared)?, capsule, ciphertext).or_else(|error| {
        opening.validate(&shared, delegating, capsule)?;
        Err(error)
    })
}

impl Opening {
    /// Takes cfrags verified for this capsule and these keys.
    fn verified(
        receiving: &SecretKey,
        delegating: &PublicKey,
        capsule: &Capsule,
        frags: &[VerifiedCapsuleFrag],
    ) -> Result<Self> {
        let (fingerprint, public) = (capsule.fingerprint(), receiving.public_key());
        for (index, verified) in frags.iter().enumerate() {
            if verified.capsule != fingerprint {
                return Err(Error::AnotherCapsule { index });
            }
            let context = &verified.context;
            if context.delegating != *delegating || context.receiving != public {
                return Err(Error::AnotherContext { index });
            }
        }
        Self::unverified(receiving, frags.iter().map(|verified| &verified.frag))
    }

    /// Takes cfrags nobody has verified.
    pub(crate) fn unverified<'a>(
        receiving: &SecretKey,
        frags: impl Iterator<Item = &'a CapsuleFrag> + Clone,
    ) -> Result<Self> {
        let precursor = common_precursor(frags.clone())?;
        let pieces = frags.map(|frag| Piece {
            id: frag.id,
            e1: frag.e1,
            v1: frag.v1,
        });
        Self::new(receiving, precursor, pieces.collect())
    }
}

/// X, which all cfrags must share. The cap on their number is checked first.
fn common_precursor<'a>(mut frags: impl Iterator<Item = &'a CapsuleFrag> + Clone) -> Result<Point> {
    refuse_too_many(frags.clone().count())?;
    let precursor = frags.clone().next().ok_or(Error::NoCapsuleFrags)?.precursor;
    match frags.position(|frag| frag.precursor != precursor) {
        Some(index) => Err(Error::MismatchedCapsuleFrag { index }),
        None => Ok(precursor),
    }
}

#[cfg(test)]
mod tests;
