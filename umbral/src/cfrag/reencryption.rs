//! What a miner does: turns a capsule under A into a cfrag for B, with a proof.

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::CapsuleFrag;
use super::proof::Points;
use super::verified::VerifiedCapsuleFrag;
use crate::arithmetic::constant_time::{SharedBase, mul_point_u};
use crate::arithmetic::point::Point;
use crate::arithmetic::scalar::{SecretScalar, draw};
use crate::capsule::Capsule;
use crate::error::{Error, Result};
use crate::hashing::{REENCRYPTION_NONCE, hash_to_scalar};
use crate::keys::context::Context;
use crate::kfrag::{KeyFrag, VerifiedKeyFrag};

/// Nonces tried before giving up. Each fails with probability 2^-126.
const NONCES_MAX: usize = 4;

/// Re-encrypts a capsule and proves it.
///
/// Umbral paper, algorithm `ReEncapsulate`: E1 = rk*E, V1 = rk*V, and the proof E2 = t*E,
/// V2 = t*V, U2 = t*U, z = t + h*rk. The nonce is hedged, t = HS(rk, id, capsule, 32 random bytes):
/// neither a broken generator nor a replayed request gives two proofs with one t. A t whose points
/// a contract could not judge (x >= n) is drawn again.
///
/// # Errors
/// [`Error::Rng`] if the generator fails; [`Error::PointOutOfRange`] if E1 or V1 cannot be judged,
/// which nobody knows how to bring about.
pub fn reencrypt<R: TryCryptoRng + ?Sized>(
    rng: &mut R,
    capsule: &Capsule,
    kfrag: &VerifiedKeyFrag,
) -> Result<VerifiedCapsuleFrag> {
    reencrypt_for(rng, capsule, &kfrag.frag, &kfrag.context)
}

/// As [`reencrypt`], with a kfrag that was verified for these keys.
pub(crate) fn reencrypt_for<R: TryCryptoRng + ?Sized>(
    rng: &mut R,
    capsule: &Capsule,
    kfrag: &KeyFrag,
    context: &Context,
) -> Result<VerifiedCapsuleFrag> {
    let key = kfrag.key.to_secret_bytes();
    let mut result = Err(Error::RngDegenerate);
    for _ in 0..NONCES_MAX {
        let mut random = Zeroizing::new([0; 32]);
        draw(rng, &mut random)?;
        let parts: [&[u8]; 4] = [&*key, &kfrag.id, &capsule.to_bytes(), &*random];
        let nonce = hash_to_scalar(REENCRYPTION_NONCE, &parts);
        let nonce = SecretScalar::new(nonce, Error::Bug("a hash to a scalar is never zero"))?;
        result = reencrypt_with(capsule, kfrag, &nonce);
        if result.is_ok() {
            break;
        }
    }
    result.map(|frag| VerifiedCapsuleFrag {
        frag,
        context: *context,
        capsule: capsule.fingerprint(),
    })
}

/// Re-encrypts with a given t, which must never serve twice.
pub(crate) fn reencrypt_with(
    capsule: &Capsule,
    kfrag: &KeyFrag,
    nonce: &SecretScalar,
) -> Result<CapsuleFrag> {
    let (rk, t) = (kfrag.key.expose(), nonce.expose());
    let e = SharedBase::new(&capsule.e.projective());
    let v = SharedBase::new(&capsule.v.projective());
    let points = [e.mul(rk), v.mul(rk), e.mul(t), v.mul(t), mul_point_u(t)];
    let points = Point::normalise(&points);
    let [e1, v1, e2, v2, u2] = points.ok_or(Error::Bug("nonzero multiples of nonzero points"))?;
    let u1 = kfrag.commitment;
    if ![e1, v1, e2, v2, u1, u2].iter().all(Point::is_judgeable) {
        return Err(Error::PointOutOfRange { field: "cfrag" });
    }

    let points = Points {
        e1: &e1,
        v1: &v1,
        u1: &u1,
        e2: &e2,
        v2: &v2,
        u2: &u2,
    };
    let z = t + points.challenge(capsule) * rk;
    if bool::from(z.is_zero()) {
        return Err(Error::RngDegenerate);
    }
    Ok(CapsuleFrag {
        e1,
        v1,
        id: kfrag.id,
        precursor: kfrag.precursor,
        e2,
        v2,
        u1,
        u2,
        z,
        signature: kfrag.signature,
    })
}

#[cfg(test)]
mod tests;
