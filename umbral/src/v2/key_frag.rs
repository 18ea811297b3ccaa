//! Key fragments of version 2.

use core::fmt;

use rand_core::TryCryptoRng;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{Miner, Policy, Subject, VERSION};
use crate::arithmetic::constant_time::mul_point_u;
use crate::arithmetic::point::Point;
use crate::arithmetic::scalar::SecretScalar;
use crate::capsule::Capsule;
use crate::cfrag::VerifiedCapsuleFrag;
use crate::error::{Error, Result};
use crate::key_frag::{KeyFrag as Inner, SignedKeys, VerifiedKeyFrag as InnerVerified};
use crate::keys::context::Context;
use crate::keys::signing::Signature;
use crate::wire::{Reader, fill};

/// Bytes of a key fragment of version 2.
pub const KEY_FRAG_BYTES: usize = 195;

/// A key fragment as received: well-formed, not yet checked.
///
/// | field | bytes | meaning |
/// |---|---|---|
/// | version | 1 | 2 |
/// | id | 32 | random, the argument of the share |
/// | key | 32 | rk, the share |
/// | precursor | 33 | X, the ephemeral key of the delegation |
/// | commitment | 33 | U1 = rk * U, with x < n |
/// | signature | 64 | over the digest laid out at [`v2`](crate::v2) |
pub struct KeyFrag(Inner);

impl KeyFrag {
    /// Takes the parts of a fragment that the delegator has just made.
    pub(super) const fn new(inner: Inner) -> Self {
        Self(inner)
    }

    /// Reads the fields of the table above.
    ///
    /// # Errors
    /// [`Error::Framing`] for another version; else the first field that is not canonical.
    pub fn from_bytes(bytes: &[u8; KEY_FRAG_BYTES]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "key fragment", KEY_FRAG_BYTES)?;
        reader.exactly(&[VERSION])?;
        let (id, key) = (*reader.take()?, reader.take()?);
        let [precursor, commitment] = Point::lanes([reader.take()?, reader.take()?]);
        let field = "key fragment precursor";
        let key = SecretScalar::decode(key, "key fragment key")?;
        let precursor = precursor.ok_or(Error::InvalidPoint { field })?;
        let commitment = Point::judgeable(commitment, "key fragment commitment")?;
        let signature = Signature::decode(reader.take()?, "key fragment signature")?;
        Ok(Self(Inner {
            id,
            key,
            precursor,
            commitment,
            for_proxy: signature,
            for_receiver: signature,
            signed: SignedKeys::BOTH,
        }))
    }

    /// The fields of the table above, erased when dropped. Each call is a place where the share
    /// leaves this crate.
    pub fn to_secret_bytes(&self) -> Zeroizing<[u8; KEY_FRAG_BYTES]> {
        let mut out = Zeroizing::new([0; KEY_FRAG_BYTES]);
        let (key, signature) = (self.0.key.to_secret_bytes(), self.0.for_receiver.to_bytes());
        let (x, u1) = (self.0.precursor.bytes(), self.0.commitment.bytes());
        fill(
            &mut *out,
            &[&[VERSION], &self.0.id, &*key, x, u1, &signature],
        );
        out
    }

    /// The fragment's id, 32 bytes. Public.
    pub const fn id(&self) -> &[u8; 32] {
        self.0.id()
    }

    /// Checks the commitment and the signature; the result may re-encrypt.
    ///
    /// # Errors
    /// [`Error::CommitmentMismatch`], or [`Error::ProxySignature`] if the delegator did not sign
    /// this fragment for this policy, this miner and these keys.
    pub fn verify(
        self,
        context: &Context,
        policy: &Policy,
        miner: &Miner,
    ) -> Result<VerifiedKeyFrag> {
        let u1 = mul_point_u(self.0.key.expose());
        if !bool::from(u1.eq_affine(self.0.commitment.affine())) {
            return Err(Error::CommitmentMismatch);
        }
        let digest = policy.digest(context, &self.subject(miner));
        let signature = &self.0.for_receiver;
        let verdict = context.verifying.verify_digest(&digest, signature);
        verdict.map_err(|_| Error::ProxySignature)?;
        Ok(VerifiedKeyFrag::new(self, *context))
    }

    pub(super) const fn subject<'a>(&'a self, miner: &'a Miner) -> Subject<'a> {
        Subject {
            miner,
            id: &self.0.id,
            u1: &self.0.commitment,
            precursor: &self.0.precursor,
        }
    }
}

impl ZeroizeOnDrop for KeyFrag {}

impl fmt::Debug for KeyFrag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v2::{:?}", self.0)
    }
}

/// A key fragment of version 2 that passed every check.
pub struct VerifiedKeyFrag(InnerVerified);

impl VerifiedKeyFrag {
    pub(super) fn new(frag: KeyFrag, context: Context) -> Self {
        Self(InnerVerified {
            frag: frag.0,
            context,
        })
    }

    /// The keys it was verified for.
    pub const fn context(&self) -> &Context {
        self.0.context()
    }

    /// The fragment's id, 32 bytes. Public.
    pub const fn id(&self) -> &[u8; 32] {
        self.0.id()
    }

    pub(super) const fn commitment(&self) -> &Point {
        &self.0.frag.commitment
    }

    pub(super) const fn precursor(&self) -> &Point {
        &self.0.frag.precursor
    }

    /// As [`KeyFrag::to_secret_bytes`].
    pub fn to_secret_bytes(&self) -> Zeroizing<[u8; KEY_FRAG_BYTES]> {
        let mut out = Zeroizing::new([0; KEY_FRAG_BYTES]);
        let inner = &self.0.frag;
        let (key, signature) = (inner.key.to_secret_bytes(), inner.for_receiver.to_bytes());
        let (x, u1) = (inner.precursor.bytes(), inner.commitment.bytes());
        fill(
            &mut *out,
            &[&[VERSION], &inner.id, &*key, x, u1, &signature],
        );
        out
    }
}

impl ZeroizeOnDrop for VerifiedKeyFrag {}

impl fmt::Debug for VerifiedKeyFrag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v2::{:?}", self.0)
    }
}

/// Re-encrypts a capsule and proves it; as [`reencrypt`](crate::reencrypt).
///
/// # Errors
/// As there.
pub fn reencrypt<R: TryCryptoRng + ?Sized>(
    rng: &mut R,
    capsule: &Capsule,
    kfrag: &VerifiedKeyFrag,
) -> Result<VerifiedCapsuleFrag> {
    crate::cfrag::reencryption::reencrypt(rng, capsule, &kfrag.0)
}
