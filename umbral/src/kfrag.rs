//! Kfrags: what a miner is given. [`KeyFrag`] is what was received, [`VerifiedKeyFrag`] what has
//! been checked and may re-encrypt. `grant` makes them.

use core::fmt;

use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::arithmetic::constant_time::mul_point_u;
use crate::arithmetic::point::{Point, fmt_hex};
use crate::arithmetic::scalar::SecretScalar;
use crate::error::{Error, Result};
use crate::keys::context::Context;
use crate::keys::signing::Signature;
use crate::policy::{Miner, Policy, Subject, VERSION};
use crate::wire::{Reader, fill};

pub(crate) mod ephemeral;
pub(crate) mod grant;
pub(crate) mod polynomial;

/// A kfrag as received: well-formed, not yet checked.
///
/// Holds a share of the re-encryption key, so it is a secret: never cloned, compared or printed;
/// erased when dropped.
///
/// | field | bytes | meaning |
/// |---|---|---|
/// | version | 1 | 2 |
/// | id | 32 | random, the argument of the share |
/// | key | 32 | rk, the share |
/// | precursor | 33 | X, the ephemeral key of the delegation |
/// | commitment | 33 | U1 = rk * U, with x < n, as it becomes part of every proof |
/// | signature | 64 | the delegator's, over the digest laid out at [`Policy`] |
pub struct KeyFrag {
    pub(crate) id: [u8; 32],
    pub(crate) key: SecretScalar,
    pub(crate) precursor: Point,
    pub(crate) commitment: Point,
    pub(crate) signature: Signature,
}

impl KeyFrag {
    /// Bytes of the fields in the table above.
    pub const BYTES: usize = 195;

    /// Reads the fields of the table above.
    ///
    /// # Errors
    /// [`Error::Version`]; else the first field that is not canonical.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Result<Self> {
        let object = "kfrag";
        let mut reader = Reader::new(bytes, object, Self::BYTES)?;
        if *reader.take()? != [VERSION] {
            return Err(Error::Version { object });
        }
        let (id, key) = (reader.take()?, reader.take()?);
        let points = [reader.take()?, reader.take()?];
        Self::decode(id, key, points, reader.take()?)
    }

    /// Decodes the fields; `points` are X and U1.
    pub(crate) fn decode(
        id: &[u8; 32],
        key: &[u8; 32],
        points: [&[u8; 33]; 2],
        signature: &[u8; 64],
    ) -> Result<Self> {
        let [precursor, commitment] = Point::lanes(points);
        let field = "kfrag precursor";
        Ok(Self {
            id: *id,
            key: SecretScalar::decode(key, "kfrag key")?,
            precursor: precursor.ok_or(Error::InvalidPoint { field })?,
            commitment: Point::judgeable(commitment, "kfrag commitment")?,
            signature: Signature::decode(signature, "kfrag signature")?,
        })
    }

    /// Writes the fields of the table above, erased when dropped. Each call is a place where the
    /// share leaves this crate.
    pub fn to_secret_bytes(&self) -> Zeroizing<[u8; Self::BYTES]> {
        let mut out = Zeroizing::new([0; Self::BYTES]);
        let (key, signature) = (self.key.to_secret_bytes(), self.signature.to_bytes());
        let (x, u1) = (self.precursor.bytes(), self.commitment.bytes());
        fill(&mut *out, &[&[VERSION], &self.id, &*key, x, u1, &signature]);
        out
    }

    /// Id of the kfrag, 32 bytes. Public.
    pub const fn id(&self) -> &[u8; 32] {
        &self.id
    }

    /// Checks the commitment and the signature; the result may re-encrypt.
    ///
    /// The counterpart of algorithm `ReKeyGen` of the Umbral paper. U is the fixed one, never the
    /// sender's: a miner that took another could be made to give cfrags that count as cheating.
    ///
    /// # Errors
    /// [`Error::CommitmentMismatch`], or [`Error::KeyFragSignature`] if the delegator did not sign
    /// this kfrag for this policy, this miner and these keys.
    pub fn verify(
        self,
        context: &Context,
        policy: &Policy,
        miner: &Miner,
    ) -> Result<VerifiedKeyFrag> {
        self.check_commitment()?;
        let subject = Subject {
            miner,
            id: &self.id,
            u1: self.commitment.bytes(),
            precursor: self.precursor.bytes(),
        };
        let digest = policy.digest(context, &subject);
        let verdict = context.verifying.verify_digest(&digest, &self.signature);
        verdict.map_err(|_| Error::KeyFragSignature)?;
        Ok(VerifiedKeyFrag {
            frag: self,
            context: *context,
        })
    }

    /// Checks that U1 = rk * U.
    pub(crate) fn check_commitment(&self) -> Result<()> {
        let u1 = mul_point_u(self.key.expose());
        if bool::from(u1.eq_affine(self.commitment.affine())) {
            Ok(())
        } else {
            Err(Error::CommitmentMismatch)
        }
    }
}

impl ZeroizeOnDrop for KeyFrag {}

impl fmt::Debug for KeyFrag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyFrag(id ")?;
        fmt_hex(&self.id, f)?;
        f.write_str(", key <redacted>)")
    }
}

/// A kfrag that passed every check, with the keys it was checked for.
///
/// There is no way to read one: a miner stores [`VerifiedKeyFrag::to_secret_bytes`] and verifies
/// again when it loads.
pub struct VerifiedKeyFrag {
    pub(crate) frag: KeyFrag,
    pub(crate) context: Context,
}

impl VerifiedKeyFrag {
    /// Keys it was verified for.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Id of the kfrag, 32 bytes. Public.
    pub const fn id(&self) -> &[u8; 32] {
        self.frag.id()
    }

    /// Writes the kfrag, as [`KeyFrag::to_secret_bytes`] does.
    pub fn to_secret_bytes(&self) -> Zeroizing<[u8; KeyFrag::BYTES]> {
        self.frag.to_secret_bytes()
    }
}

impl ZeroizeOnDrop for VerifiedKeyFrag {}

impl fmt::Debug for VerifiedKeyFrag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified{:?}", self.frag)
    }
}

#[cfg(test)]
mod tests;
