//! Re-encryption and checks of cfrags under version 1, where the delegator signed for both keys and
//! nothing else.

use alloc::vec::Vec;

use rand_core::TryCryptoRng;

use super::error::Result;
use super::kfrag::{KnownKeys, VerifiedKeyFrag, signed_digest};
use crate::capsule::Capsule;
use crate::capsule::dem::open;
use crate::capsule::kem::SharedSecret;
use crate::cfrag::CapsuleFrag;
use crate::cfrag::raw::RawFrag;
use crate::cfrag::reencryption::reencrypt_for;
use crate::cfrag::verified::VerifiedCapsuleFrag;
use crate::fault::{Fault, prove};
use crate::keys::context::Context;

/// Re-encrypts a capsule with a kfrag of version 1, as [`reencrypt`](crate::reencrypt) does.
///
/// # Errors
/// As there.
pub fn reencrypt<R: TryCryptoRng + ?Sized>(
    rng: &mut R,
    capsule: &Capsule,
    kfrag: &VerifiedKeyFrag,
) -> Result<VerifiedCapsuleFrag> {
    Ok(reencrypt_for(
        rng,
        capsule,
        &kfrag.frag.base,
        &kfrag.context,
    )?)
}

impl CapsuleFrag {
    /// Checks a cfrag of version 1, as [`CapsuleFrag::verify`] does one that was granted.
    ///
    /// # Errors
    /// As there.
    pub fn verify_v1(self, capsule: &Capsule, context: &Context) -> Result<VerifiedCapsuleFrag> {
        let (u1, x) = (self.u1.bytes(), self.precursor.bytes());
        let digest = signed_digest(&self.id, u1, x, KnownKeys::both(context));
        Ok(self.verify_digest(capsule, context, &digest)?)
    }
}

/// Finds the cheapest proof that a cfrag of version 1 is forged, as
/// [`prove_fault`](crate::fault::prove_fault) does for one that was granted.
pub fn prove_fault(
    capsule: &Capsule,
    cfrag: &[u8; CapsuleFrag::BYTES],
    context: &Context,
) -> Option<Fault> {
    let raw = RawFrag::new(cfrag).ok()?;
    let digest = signed_digest(raw.id, raw.u1, raw.precursor, KnownKeys::both(context));
    prove(capsule, &raw, context, &digest)
}

impl SharedSecret {
    /// Decrypts what [`encrypt`](crate::encrypt) made with this key.
    ///
    /// # Errors
    /// As [`decrypt_original`](crate::decrypt_original).
    pub fn decrypt(&self, capsule: &Capsule, ciphertext: &[u8]) -> Result<Vec<u8>> {
        Ok(open(self, capsule, ciphertext)?)
    }
}
