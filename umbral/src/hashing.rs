//! Hashing into scalars and keys, with the domain tags of the scheme. Those of the kfrag's digest
//! and of the commitments are beside what they tag.

use k256::Scalar;
use k256::elliptic_curve::ff::PrimeField as _;
use k256::elliptic_curve::ops::Reduce as _;
use sha2::{Digest as _, Sha256};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::{Zeroize as _, Zeroizing};

use crate::error::{Error, Result};

pub(crate) const CAPSULE_POINTS: &[u8] = b"CAPSULE_POINTS";
pub(crate) const SHARED_SECRET: &[u8] = b"SHARED_SECRET";
pub(crate) const POLYNOMIAL_ARG: &[u8] = b"POLYNOMIAL_ARG";
pub(crate) const CFRAG_VERIFICATION: &[u8] = b"CFRAG_VERIFICATION";
pub(crate) const REENCRYPTION_NONCE: &[u8] = b"REENCRYPTION_NONCE";

/// HS(tag, parts): SHA-256(u32_be(len(tag)) || tag || parts) as an integer w, then
/// (w mod (n - 1)) + 1, which is never zero. Constant time in the value.
///
/// | tag | bytes hashed after it | result |
/// |---|---|---|
/// | `CAPSULE_POINTS` | E33 V33 | h of the capsule |
/// | `SHARED_SECRET` | X33 B33 DH33 | d |
/// | `POLYNOMIAL_ARG` | X33 B33 DH33 id32 | x_i |
/// | `CFRAG_VERIFICATION` | E33 E1 E2 V33 V1 V2 U33 U1 U2 | h of the proof |
/// | `REENCRYPTION_NONCE` | rk32 id32 capsule98 random32 | t |
/// | `UMBRAL_POLICY_ORIGIN_V2` | origin244 (d C_0)33 R1 33 R2 33 | c of the commitments |
/// | `UMBRAL_POLICY_ORIGIN_NONCE_V2` | a32 DH33 origin244 random32 | t of the commitments |
///
/// origin244 is policy112 X33 A33 B33 and the signer's verifying key 33; policy112 is chain id 8,
/// contract 20, policy id 32, threshold 2, shares 2, not-before 8, expiry 8, conditions 32.
pub(crate) fn hash_to_scalar(tag: &[u8], parts: &[&[u8]]) -> Scalar {
    let mut hasher = tagged(tag);
    for part in parts {
        hasher.update(part);
    }
    let mut digest = hasher.finalize();
    let scalar = shift_into_nonzero((&digest).into());
    digest.as_mut_slice().zeroize();
    scalar
}

/// SHA-256 begun with the length of a tag and the tag.
pub(crate) fn tagged(tag: &[u8]) -> Sha256 {
    // Tags of 4 GiB cannot occur; were one given, it is still hashed whole.
    let len = u32::try_from(tag.len()).unwrap_or(u32::MAX);
    Sha256::new_with_prefix(len.to_be_bytes()).chain_update(tag)
}

/// (w mod (n - 1)) + 1 for a 256-bit w. As w < 2(n - 1) one subtraction is enough:
/// w + 1 below n - 1, else w - n + 2, which is (w mod n) + 1 and (w mod n) + 2.
fn shift_into_nonzero(digest: &[u8; 32]) -> Scalar {
    let repr = (*digest).into();
    let reduced = Scalar::reduce(&repr);
    let wraps = !Scalar::from_repr(repr).is_some() | reduced.ct_eq(&-Scalar::ONE);
    let extra = Scalar::conditional_select(&Scalar::ZERO, &Scalar::ONE, wraps);
    reduced + Scalar::ONE + extra
}

/// HKDF-SHA256 (RFC 5869) without salt, erased when dropped.
pub(crate) fn derive_key<const N: usize>(secret: &[u8], info: &[u8]) -> Result<Zeroizing<[u8; N]>> {
    let mut key = Zeroizing::new([0; N]);
    hkdf::Hkdf::<Sha256>::new(None, secret)
        .expand(info, &mut *key)
        .map_err(|_| Error::Bug("an output of HKDF is at most 255 blocks"))?;
    Ok(key)
}

/// SHA-256 of one byte string.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests;
