//! Kfrags of version 1, with two signatures and flags.

use alloc::vec::Vec;
use core::fmt;

use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::error::{Error, Result};
use crate::arithmetic::vartime::{Shape, ecdsa};
use crate::hashing::sha256;
use crate::keys::PublicKey;
use crate::keys::context::Context;
use crate::keys::signing::{Signature, VerifyingKey};
use crate::kfrag;
use crate::wire::{Reader, fill};

const DELEGATING_BIT: u8 = 1;
const RECEIVING_BIT: u8 = 2;

/// Public keys that the signature for the proxy covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedKeys {
    /// Whether the delegating key A is covered.
    pub delegating: bool,
    /// Whether the receiving key B is covered.
    pub receiving: bool,
}

impl SignedKeys {
    /// Covers the delegating and the receiving key.
    pub const BOTH: Self = Self {
        delegating: true,
        receiving: true,
    };
}

/// A kfrag of version 1 as received: well-formed, not yet checked.
///
/// | field | bytes | meaning |
/// |---|---|---|
/// | id | 32 | random, the argument of the share |
/// | key | 32 | rk, the share |
/// | precursor | 33 | X, the ephemeral key of the delegation |
/// | commitment | 33 | U1 = rk * U |
/// | signature for the proxy | 64 | over id, U1, X and the keys that are flagged |
/// | signature for the receiver | 64 | over id, U1, X and both keys |
/// | flags | 1 | simple form only: bit 0 delegating key signed, bit 1 receiving key signed |
pub struct KeyFrag {
    /// What both versions have; the signature is the one for the receiver.
    pub(crate) base: kfrag::KeyFrag,
    pub(crate) for_proxy: Signature,
    pub(crate) signed: SignedKeys,
}

impl KeyFrag {
    /// Bytes of the simple form.
    pub const BYTES: usize = 259;

    /// Reads the simple form: the fields in the order of the table above.
    ///
    /// # Errors
    /// The first field that is not canonical.
    pub fn from_simple(bytes: &[u8; Self::BYTES]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "kfrag", Self::BYTES)?;
        let (id, key) = (reader.take()?, reader.take()?);
        let points = [reader.take()?, reader.take()?];
        let (for_proxy, for_receiver) = (reader.take()?, reader.take()?);
        let [flags] = *reader.take()?;
        if flags & !(DELEGATING_BIT | RECEIVING_BIT) != 0 {
            return Err(Error::InvalidFlag {
                field: "signed keys",
            });
        }
        Ok(Self {
            base: kfrag::KeyFrag::decode(id, key, points, for_receiver)?,
            for_proxy: Signature::decode(for_proxy, "kfrag signature for the proxy")?,
            signed: SignedKeys {
                delegating: flags & DELEGATING_BIT != 0,
                receiving: flags & RECEIVING_BIT != 0,
            },
        })
    }

    /// Writes the simple form, erased when dropped.
    pub fn to_secret_simple(&self) -> Zeroizing<[u8; Self::BYTES]> {
        let mut out = Zeroizing::new([0; Self::BYTES]);
        let base = &self.base;
        let key = base.key.to_secret_bytes();
        let (for_proxy, for_receiver) = (self.for_proxy.to_bytes(), base.signature.to_bytes());
        let flags = u8::from(self.signed.delegating) * DELEGATING_BIT
            + u8::from(self.signed.receiving) * RECEIVING_BIT;
        let (x, u1) = (base.precursor.bytes(), base.commitment.bytes());
        fill(
            &mut *out,
            &[&base.id, &*key, x, u1, &for_proxy, &for_receiver, &[flags]],
        );
        out
    }

    /// Checks the commitment and both signatures; the result may re-encrypt.
    ///
    /// # Errors
    /// [`Error::Umbral`] with `CommitmentMismatch`, [`Error::ProxySignature`] or
    /// [`Error::ReceiverSignature`].
    pub fn verify(self, context: &Context) -> Result<VerifiedKeyFrag> {
        self.check(&context.verifying, KnownKeys::both(context))?;
        Ok(VerifiedKeyFrag {
            frag: self,
            context: *context,
        })
    }

    /// The checks that are possible with the keys at hand, in the order of the errors above.
    pub(crate) fn check(&self, verifying: &VerifyingKey, known: KnownKeys<'_>) -> Result<()> {
        self.base.check_commitment()?;
        if self.signed.delegating && known.delegating.is_none() {
            return Err(Error::DelegatingKeyNotProvided);
        }
        if self.signed.receiving && known.receiving.is_none() {
            return Err(Error::ReceivingKeyNotProvided);
        }
        let both = known.delegating.is_some() && known.receiving.is_some();
        let signatures = [self.for_proxy, self.base.signature];
        let parts = Signature::parts_of_all(&signatures);
        let checks = [
            (known.covered(self.signed), Error::ProxySignature),
            (known, Error::ReceiverSignature),
        ];
        let table = verifying.table(Shape::TWICE);
        let (u1, x) = (self.base.commitment.bytes(), self.base.precursor.bytes());
        for ((keys, error), parts) in checks.into_iter().zip(&parts).take(1 + usize::from(both)) {
            let digest = signed_digest(&self.base.id, u1, x, keys);
            if !ecdsa::verify_judgeable(table.point(0), &digest, parts) {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// The public keys a check or a message has at hand.
#[derive(Clone, Copy, Debug)]
pub struct KnownKeys<'a> {
    /// Delegating key A, if known.
    pub delegating: Option<&'a PublicKey>,
    /// Receiving key B, if known.
    pub receiving: Option<&'a PublicKey>,
}

impl<'a> KnownKeys<'a> {
    pub(super) const fn both(context: &'a Context) -> Self {
        Self {
            delegating: Some(&context.delegating),
            receiving: Some(&context.receiving),
        }
    }

    /// Keeps the keys that are signed.
    pub(super) fn covered(self, signed: SignedKeys) -> Self {
        Self {
            delegating: self.delegating.filter(|_| signed.delegating),
            receiving: self.receiving.filter(|_| signed.receiving),
        }
    }
}

/// SHA-256 of id32 || U1_33 || X33 || (01 || A33, or 00) || (01 || B33, or 00): what the delegator
/// signs under version 1.
pub(super) fn signed_digest(
    id: &[u8; 32],
    u1: &[u8; 33],
    precursor: &[u8; 33],
    keys: KnownKeys<'_>,
) -> [u8; 32] {
    let mut message = Vec::from(id);
    message.extend_from_slice(u1);
    message.extend_from_slice(precursor);
    for key in [keys.delegating, keys.receiving] {
        message.push(u8::from(key.is_some()));
        message.extend(key.iter().flat_map(|key| key.to_bytes()));
    }
    sha256(&message)
}

impl ZeroizeOnDrop for KeyFrag {}

impl fmt::Debug for KeyFrag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "compat::{:?}", self.base)
    }
}

/// A kfrag of version 1 that passed every check, with the keys it was checked for.
pub struct VerifiedKeyFrag {
    pub(crate) frag: KeyFrag,
    pub(crate) context: Context,
}

impl VerifiedKeyFrag {
    /// The keys it was verified for.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Id of the kfrag, 32 bytes. Public.
    pub const fn id(&self) -> &[u8; 32] {
        self.frag.base.id()
    }

    /// Writes the kfrag, as [`KeyFrag::to_secret_simple`] does.
    pub fn to_secret_simple(&self) -> Zeroizing<[u8; KeyFrag::BYTES]> {
        self.frag.to_secret_simple()
    }

    /// Forgets that it was verified.
    pub fn into_unverified(self) -> KeyFrag {
        self.frag
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
