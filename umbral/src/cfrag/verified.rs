//! The check of one cfrag, and what has passed it: [`VerifiedCapsuleFrag`] may open the capsule.

use super::CapsuleFrag;
use super::proof::{Claim, failures};
use crate::capsule::Capsule;
use crate::error::{Error, Result};
use crate::keys::context::Context;
use crate::policy::{Miner, Policy};

impl CapsuleFrag {
    /// Checks the delegator's signature, which must be for this policy, this miner and these keys,
    /// then the three equations of the proof.
    ///
    /// Umbral paper, section on the proof of correct re-encryption: one rk gives E1 = rk*E,
    /// V1 = rk*V and the signed U1 = rk*U. A single failing equation is enough to hold the miner
    /// at fault; all three must hold to accept.
    ///
    /// # Errors
    /// [`Error::CapsuleFragSignature`], or [`Error::Reencryption`] with the first failing equation.
    pub fn verify(
        self,
        capsule: &Capsule,
        context: &Context,
        policy: &Policy,
        miner: &Miner,
    ) -> Result<VerifiedCapsuleFrag> {
        let digest = self.digest(context, policy, miner);
        self.verify_digest(capsule, context, &digest)
    }

    /// As [`CapsuleFrag::verify`], with the digest that must be signed.
    pub(crate) fn verify_digest(
        self,
        capsule: &Capsule,
        context: &Context,
        digest: &[u8; 32],
    ) -> Result<VerifiedCapsuleFrag> {
        let verdict = context.verifying.verify_digest(digest, &self.signature);
        verdict.map_err(|_| Error::CapsuleFragSignature)?;
        if let Some((_, equation)) = failures(&[Claim::new(capsule, &self)]).first() {
            return Err(Error::Reencryption(*equation));
        }
        Ok(VerifiedCapsuleFrag {
            capsule: capsule.fingerprint(),
            context: *context,
            frag: self,
        })
    }
}

/// A cfrag that passed every check, with the capsule and the keys it was checked for.
///
/// There is no way to read one: what arrives as bytes is verified on arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCapsuleFrag {
    pub(crate) frag: CapsuleFrag,
    pub(crate) context: Context,
    /// SHA-256 of the capsule's encoding.
    pub(crate) capsule: [u8; 32],
}

impl VerifiedCapsuleFrag {
    /// Keys it was verified for.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Whether it was verified against this capsule.
    pub fn is_for(&self, capsule: &Capsule) -> bool {
        self.capsule == capsule.fingerprint()
    }

    /// Id of the kfrag it was made with, 32 bytes.
    pub const fn id(&self) -> &[u8; 32] {
        self.frag.id()
    }

    /// The cfrag alone, without what it was verified for.
    pub const fn as_unverified(&self) -> &CapsuleFrag {
        &self.frag
    }

    /// Writes the cfrag, as [`CapsuleFrag::to_bytes`] does.
    pub fn to_bytes(&self) -> [u8; CapsuleFrag::BYTES] {
        self.frag.to_bytes()
    }
}
