//! Capsule fragments: what a proxy answers. [`CapsuleFrag`] is what was received,
//! [`VerifiedCapsuleFrag`] what has been checked and may open the capsule.

use alloc::vec::Vec;
use core::fmt;

use k256::Scalar;

use crate::arithmetic::point::{Point, fmt_hex};
use crate::capsule::Capsule;
use crate::cfrag::proof::{Claim, failures};
use crate::error::{Error, Result};
use crate::hashing::{CFRAG_VERIFICATION, hash_to_scalar, sha256};
use crate::key_frag::{KnownKeys, signed_message};
use crate::keys::context::Context;
use crate::keys::signing::Signature;
use crate::v2::{Miner, Policy, Subject};
use crate::wire::{BIN32, BIN33, BIN64, concat};

pub(crate) mod batch;
pub(crate) mod prepared;
pub(crate) mod proof;
mod raw;
pub(crate) mod reencryption;

pub(crate) use raw::{E1, PRECURSOR, RawFrag, V1};

/// Bytes of the simple form.
pub const CAPSULE_FRAG_BYTES: usize = 359;
/// Bytes of the MessagePack form.
pub const CAPSULE_FRAG_MSGPACK_BYTES: usize = 381;

/// A capsule fragment as received: well-formed, not yet checked. Public data.
///
/// | field | offset in the simple form | meaning |
/// |---|---|---|
/// | E1, V1 | 0, 33 | rk*E, rk*V |
/// | id | 66 | of the key fragment |
/// | X | 98 | precursor |
/// | E2, V2 | 131, 164 | t*E, t*V |
/// | U1, U2 | 197, 230 | rk*U, t*U |
/// | z | 263 | t + h*rk |
/// | signature | 295 | the delegator's, over id, U1, X and both keys |
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
    /// Reads the 359-byte simple form: the fields in the order of the table above.
    ///
    /// # Errors
    /// The first field that is not canonical.
    pub fn from_simple(bytes: &[u8; CAPSULE_FRAG_BYTES]) -> Result<Self> {
        RawFrag::simple(bytes)?.decode()
    }

    /// Reads the 381-byte MessagePack form.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Framing`], or the first field that is not canonical.
    pub fn from_msgpack(bytes: &[u8]) -> Result<Self> {
        RawFrag::msgpack(bytes)?.decode()
    }

    /// The simple form.
    pub fn to_simple(&self) -> [u8; CAPSULE_FRAG_BYTES] {
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

    /// The MessagePack form.
    pub fn to_msgpack(&self) -> [u8; CAPSULE_FRAG_MSGPACK_BYTES] {
        let (z, signature) = (self.z.to_bytes(), self.signature.to_bytes());
        let outer = [
            [&[0x95], BIN33, self.e1.bytes()],
            [BIN33, self.v1.bytes(), BIN32],
            [&self.id, BIN33, self.precursor.bytes()],
        ];
        let proof = [
            [&[0x96], BIN33, self.e2.bytes()],
            [BIN33, self.v2.bytes(), BIN33],
            [self.u1.bytes(), BIN33, self.u2.bytes()],
        ];
        let tail: [&[u8]; 4] = [BIN32, &z, BIN64, &signature];
        concat(&[outer.as_flattened(), proof.as_flattened(), &tail].concat())
    }

    /// Id of the key fragment it was made with, 32 bytes.
    pub const fn id(&self) -> &[u8; 32] {
        &self.id
    }

    /// Checks the delegator's signature, then the three equations of the proof.
    ///
    /// Umbral paper, section on the proof of correct re-encryption: one rk gives E1 = rk*E,
    /// V1 = rk*V and the signed U1 = rk*U. A single failing equation is enough to hold the proxy
    /// at fault; all three must hold to accept.
    ///
    /// # Errors
    /// [`Error::KeyFragSignature`], or [`Error::Reencryption`] with the first failing equation.
    pub fn verify(self, capsule: &Capsule, context: &Context) -> Result<VerifiedCapsuleFrag> {
        let digest = sha256(&self.signed_message(context));
        let verdict = context.verifying.verify_digest(&digest, &self.signature);
        verdict.map_err(|_| Error::KeyFragSignature)?;
        self.verify_proof(capsule, context)
    }

    /// As [`CapsuleFrag::verify`], for a fragment granted under version 2: the signature must be
    /// for this policy and this miner.
    ///
    /// # Errors
    /// As there.
    pub fn verify_granted(
        self,
        capsule: &Capsule,
        context: &Context,
        policy: &Policy,
        miner: &Miner,
    ) -> Result<VerifiedCapsuleFrag> {
        let digest = self.granted_digest(context, policy, miner);
        let verdict = context.verifying.verify_digest(&digest, &self.signature);
        verdict.map_err(|_| Error::KeyFragSignature)?;
        self.verify_proof(capsule, context)
    }

    fn verify_proof(self, capsule: &Capsule, context: &Context) -> Result<VerifiedCapsuleFrag> {
        if let Some((_, equation)) = failures(&[Claim::new(capsule, &self)]).first() {
            return Err(Error::Reencryption(*equation));
        }
        Ok(VerifiedCapsuleFrag {
            capsule: capsule.fingerprint(),
            context: *context,
            frag: self,
        })
    }

    /// The digest that the delegator's signature of version 2 covers.
    pub(crate) fn granted_digest(
        &self,
        context: &Context,
        policy: &Policy,
        miner: &Miner,
    ) -> [u8; 32] {
        let subject = Subject {
            miner,
            id: &self.id,
            u1: &self.u1,
            precursor: &self.precursor,
        };
        policy.digest(context, &subject)
    }

    /// What the delegator's signature covers: id, U1, X and both keys.
    pub(crate) fn signed_message(&self, context: &Context) -> Vec<u8> {
        let keys = KnownKeys {
            delegating: Some(&context.delegating),
            receiving: Some(&context.receiving),
        };
        signed_message(&self.id, &self.u1, &self.precursor, keys)
    }

    /// h, the challenge of the proof.
    pub(crate) fn challenge(&self, capsule: &Capsule) -> Scalar {
        let images = Images {
            e1: &self.e1,
            v1: &self.v1,
            u1: &self.u1,
        };
        images.challenge(capsule, [&self.e2, &self.v2, &self.u2])
    }
}

/// The three images under rk.
pub(crate) struct Images<'a> {
    pub(crate) e1: &'a Point,
    pub(crate) v1: &'a Point,
    pub(crate) u1: &'a Point,
}

impl Images<'_> {
    /// h = HS(`CFRAG_VERIFICATION`, E, E1, E2, V, V1, V2, U, U1, U2), 33 bytes each.
    pub(crate) fn challenge(&self, capsule: &Capsule, [e2, v2, u2]: [&Point; 3]) -> Scalar {
        let parts: [&[u8]; 9] = [
            capsule.e.bytes(),
            self.e1.bytes(),
            e2.bytes(),
            capsule.v.bytes(),
            self.v1.bytes(),
            v2.bytes(),
            &crate::arithmetic::params::POINT_U,
            self.u1.bytes(),
            u2.bytes(),
        ];
        hash_to_scalar(CFRAG_VERIFICATION, &parts)
    }
}

impl fmt::Debug for CapsuleFrag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CapsuleFrag(")?;
        fmt_hex(&self.to_simple(), f)?;
        f.write_str(")")
    }
}

/// A capsule fragment that passed every check, with the capsule and the keys it was checked for.
///
/// There is no way to read one: what arrives as bytes is verified on arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCapsuleFrag {
    pub(crate) frag: CapsuleFrag,
    pub(crate) context: Context,
    /// SHA-256 of the capsule's simple form.
    pub(crate) capsule: [u8; 32],
}

impl VerifiedCapsuleFrag {
    /// The keys it was verified for.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Whether it was verified against this capsule.
    pub fn is_for(&self, capsule: &Capsule) -> bool {
        self.capsule == capsule.fingerprint()
    }

    /// Id of the key fragment it was made with, 32 bytes.
    pub const fn id(&self) -> &[u8; 32] {
        self.frag.id()
    }

    /// The fragment as it travels.
    pub const fn as_unverified(&self) -> &CapsuleFrag {
        &self.frag
    }

    /// As [`CapsuleFrag::to_simple`].
    pub fn to_simple(&self) -> [u8; CAPSULE_FRAG_BYTES] {
        self.frag.to_simple()
    }

    /// As [`CapsuleFrag::to_msgpack`].
    pub fn to_msgpack(&self) -> [u8; CAPSULE_FRAG_MSGPACK_BYTES] {
        self.frag.to_msgpack()
    }
}

#[cfg(test)]
mod tests;
