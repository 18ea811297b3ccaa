//! Key fragments: what a proxy is given. [`KeyFrag`] is what was received, [`VerifiedKeyFrag`] what
//! has been checked and may re-encrypt.

use alloc::vec::Vec;
use core::fmt;

use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::arithmetic::constant_time::mul_point_u;
use crate::arithmetic::params::POINT_U;
use crate::arithmetic::point::Point;
use crate::arithmetic::scalar::SecretScalar;
use crate::arithmetic::vartime::{Shape, Table, ecdsa};
use crate::cfrag::prepared::PreparedContext;
use crate::error::{Error, Result};
use crate::hashing::sha256;
use crate::keys::PublicKey;
use crate::keys::context::Context;
use crate::keys::signing::{Signature, VerifyingKey};
use crate::wire::{BIN32, BIN33, BIN64, Reader, fill, flag};

/// Bytes of the simple form.
pub const KEY_FRAG_BYTES: usize = 259;
/// Bytes of the MessagePack form.
pub const KEY_FRAG_MSGPACK_BYTES: usize = 310;

const DELEGATING_BIT: u8 = 1;
const RECEIVING_BIT: u8 = 2;

/// Which public keys the signature for the proxy covers. Both, unless compatibility asks otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedKeys {
    /// The delegating key A is covered.
    pub delegating: bool,
    /// The receiving key B is covered.
    pub receiving: bool,
}

impl SignedKeys {
    /// Both keys are covered.
    pub const BOTH: Self = Self {
        delegating: true,
        receiving: true,
    };
}

impl Default for SignedKeys {
    fn default() -> Self {
        Self::BOTH
    }
}

/// A key fragment as received: well-formed, not yet checked.
///
/// Holds a share of the re-encryption key, so it is a secret: never cloned, compared or printed;
/// erased when dropped.
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
///
/// The commitment has x < n, as it becomes part of every proof.
pub struct KeyFrag {
    pub(crate) id: [u8; 32],
    pub(crate) key: SecretScalar,
    pub(crate) precursor: Point,
    pub(crate) commitment: Point,
    pub(crate) for_proxy: Signature,
    pub(crate) for_receiver: Signature,
    pub(crate) signed: SignedKeys,
}

impl KeyFrag {
    /// Reads the 259-byte simple form: the fields in the order of the table above.
    ///
    /// # Errors
    /// The first field that is not canonical.
    pub fn from_simple(bytes: &[u8; KEY_FRAG_BYTES]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "key fragment", KEY_FRAG_BYTES)?;
        let (id, key) = (reader.take()?, reader.take()?);
        let (precursor, commitment) = (reader.take()?, reader.take()?);
        let (for_proxy, for_receiver) = (reader.take()?, reader.take()?);
        let [flags] = *reader.take()?;
        if flags & !(DELEGATING_BIT | RECEIVING_BIT) != 0 {
            return Err(Error::InvalidFlag {
                field: "signed keys",
            });
        }
        Self::decode(
            Raw {
                id,
                key,
                precursor,
                commitment,
                for_proxy,
                for_receiver,
            },
            SignedKeys {
                delegating: flags & DELEGATING_BIT != 0,
                receiving: flags & RECEIVING_BIT != 0,
            },
        )
    }

    /// Reads the 310-byte MessagePack form.
    ///
    /// # Errors
    /// [`Error::ForeignParameters`] if it names another point than U; else the first field that is
    /// not canonical.
    pub fn from_msgpack(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "key fragment", KEY_FRAG_MSGPACK_BYTES)?;
        reader.exactly(&[0x95, 0x91])?;
        let parameter = reader.bin::<33>()?;
        let (id, key, precursor) = (reader.bin()?, reader.bin()?, reader.bin()?);
        reader.exactly(&[0x95])?;
        let (commitment, for_proxy, for_receiver) = (reader.bin()?, reader.bin()?, reader.bin()?);
        let signed = SignedKeys {
            delegating: reader.flag("delegating key signed")?,
            receiving: reader.flag("receiving key signed")?,
        };
        if *parameter != POINT_U {
            return Err(Error::ForeignParameters);
        }
        Self::decode(
            Raw {
                id,
                key,
                precursor,
                commitment,
                for_proxy,
                for_receiver,
            },
            signed,
        )
    }

    fn decode(raw: Raw<'_>, signed: SignedKeys) -> Result<Self> {
        let [precursor, commitment] = Point::lanes([raw.precursor, raw.commitment]);
        let field = "key fragment precursor";
        Ok(Self {
            id: *raw.id,
            key: SecretScalar::decode(raw.key, "key fragment key")?,
            precursor: precursor.ok_or(Error::InvalidPoint { field })?,
            commitment: Point::judgeable(commitment, "key fragment commitment")?,
            for_proxy: Signature::decode(raw.for_proxy, "key fragment signature for the proxy")?,
            for_receiver: Signature::decode(
                raw.for_receiver,
                "key fragment signature for the receiver",
            )?,
            signed,
        })
    }

    /// The simple form, erased when dropped. Each call is a place where the share leaves this
    /// crate.
    pub fn to_secret_simple(&self) -> Zeroizing<[u8; KEY_FRAG_BYTES]> {
        let mut out = Zeroizing::new([0; KEY_FRAG_BYTES]);
        let key = self.key.to_secret_bytes();
        let (for_proxy, for_receiver) = (self.for_proxy.to_bytes(), self.for_receiver.to_bytes());
        let flags = u8::from(self.signed.delegating) * DELEGATING_BIT
            + u8::from(self.signed.receiving) * RECEIVING_BIT;
        let (x, u1) = (self.precursor.bytes(), self.commitment.bytes());
        fill(
            &mut *out,
            &[&self.id, &*key, x, u1, &for_proxy, &for_receiver, &[flags]],
        );
        out
    }

    /// The MessagePack form, erased when dropped. Each call is a place where the share leaves this
    /// crate.
    pub fn to_secret_msgpack(&self) -> Zeroizing<[u8; KEY_FRAG_MSGPACK_BYTES]> {
        let mut out = Zeroizing::new([0; KEY_FRAG_MSGPACK_BYTES]);
        let key = self.key.to_secret_bytes();
        let (for_proxy, for_receiver) = (self.for_proxy.to_bytes(), self.for_receiver.to_bytes());
        let flags = [flag(self.signed.delegating), flag(self.signed.receiving)];
        let parts: [&[u8]; 17] = [
            &[0x95, 0x91],
            BIN33,
            &POINT_U,
            BIN32,
            &self.id,
            BIN32,
            &*key,
            BIN33,
            self.precursor.bytes(),
            &[0x95],
            BIN33,
            self.commitment.bytes(),
            BIN64,
            &for_proxy,
            BIN64,
            &for_receiver,
            &flags,
        ];
        fill(&mut *out, &parts);
        out
    }

    /// The fragment's id, 32 bytes. Public.
    pub const fn id(&self) -> &[u8; 32] {
        &self.id
    }

    /// Checks the commitment and both signatures; the result may re-encrypt.
    ///
    /// The counterpart of algorithm `ReKeyGen` of the Umbral paper. U is the fixed one, never the
    /// sender's, and the receiver's signature is checked as well: a proxy that skipped either could
    /// be made to issue fragments that count as cheating.
    ///
    /// # Errors
    /// [`Error::CommitmentMismatch`], [`Error::ProxySignature`] or [`Error::ReceiverSignature`].
    pub fn verify(self, context: &Context) -> Result<VerifiedKeyFrag> {
        let known = KnownKeys {
            delegating: Some(&context.delegating),
            receiving: Some(&context.receiving),
        };
        self.check(&context.verifying, known)?;
        Ok(VerifiedKeyFrag {
            frag: self,
            context: *context,
        })
    }

    /// As [`KeyFrag::verify`], with the tables of a prepared context: for one who gets many
    /// fragments of one delegator.
    ///
    /// # Errors
    /// As there.
    pub fn verify_prepared(self, prepared: &PreparedContext) -> Result<VerifiedKeyFrag> {
        let context = *prepared.context();
        let known = KnownKeys {
            delegating: Some(&context.delegating),
            receiving: Some(&context.receiving),
        };
        self.check_with(prepared.key(), known)?;
        Ok(VerifiedKeyFrag {
            frag: self,
            context,
        })
    }

    /// The checks that are possible with the keys at hand, in the order of the errors above.
    pub(crate) fn check(&self, verifying: &VerifyingKey, known: KnownKeys<'_>) -> Result<()> {
        self.check_with(&verifying.table(Shape::TWICE), known)
    }

    fn check_with(&self, verifying: &Table, known: KnownKeys<'_>) -> Result<()> {
        let u1 = mul_point_u(self.key.expose());
        if !bool::from(u1.eq_affine(self.commitment.affine())) {
            return Err(Error::CommitmentMismatch);
        }
        if self.signed.delegating && known.delegating.is_none() {
            return Err(Error::DelegatingKeyNotProvided);
        }
        if self.signed.receiving && known.receiving.is_none() {
            return Err(Error::ReceivingKeyNotProvided);
        }
        let proxy_keys = KnownKeys {
            delegating: known.delegating.filter(|_| self.signed.delegating),
            receiving: known.receiving.filter(|_| self.signed.receiving),
        };
        let both = known.delegating.is_some() && known.receiving.is_some();
        let signatures = [self.for_proxy, self.for_receiver];
        let parts = Signature::parts_of_all(&signatures);
        let checks = [
            (proxy_keys, Error::ProxySignature),
            (known, Error::ReceiverSignature),
        ];
        for ((keys, error), parts) in checks.into_iter().zip(&parts).take(1 + usize::from(both)) {
            let digest = sha256(&self.message(keys));
            if !ecdsa::verify_judgeable(verifying.point(0), &digest, parts) {
                return Err(error);
            }
        }
        Ok(())
    }

    fn message(&self, keys: KnownKeys<'_>) -> Vec<u8> {
        signed_message(&self.id, &self.commitment, &self.precursor, keys)
    }
}

struct Raw<'a> {
    id: &'a [u8; 32],
    key: &'a [u8; 32],
    precursor: &'a [u8; 33],
    commitment: &'a [u8; 33],
    for_proxy: &'a [u8; 64],
    for_receiver: &'a [u8; 64],
}

/// The public keys a check or a message has at hand.
#[cfg_attr(
    not(feature = "hazmat"),
    allow(unreachable_pub, reason = "exported by hazmat only")
)]
#[derive(Clone, Copy, Debug)]
pub struct KnownKeys<'a> {
    /// The delegating key A, if known.
    pub delegating: Option<&'a PublicKey>,
    /// The receiving key B, if known.
    pub receiving: Option<&'a PublicKey>,
}

/// id32 || U1_33 || X33 || (01 || A33, or 00) || (01 || B33, or 00): what the delegator signs.
pub(crate) fn signed_message(
    id: &[u8; 32],
    commitment: &Point,
    precursor: &Point,
    keys: KnownKeys<'_>,
) -> Vec<u8> {
    signed_message_bytes([id, commitment.bytes(), precursor.bytes()], keys)
}

/// As [`signed_message`], from the encodings of id, U1 and X.
pub(crate) fn signed_message_bytes(parts: [&[u8]; 3], keys: KnownKeys<'_>) -> Vec<u8> {
    let mut message = parts.concat();
    for key in [keys.delegating, keys.receiving] {
        message.push(u8::from(key.is_some()));
        message.extend(key.iter().flat_map(|key| key.to_bytes()));
    }
    message
}

impl ZeroizeOnDrop for KeyFrag {}

impl fmt::Debug for KeyFrag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyFrag(id ")?;
        crate::arithmetic::point::fmt_hex(&self.id, f)?;
        f.write_str(", key <redacted>)")
    }
}

/// A key fragment that passed every check, with the keys it was checked for.
///
/// There is no way to read one: a proxy stores [`VerifiedKeyFrag::to_secret_simple`] and verifies
/// again when it loads.
pub struct VerifiedKeyFrag {
    pub(crate) frag: KeyFrag,
    pub(crate) context: Context,
}

impl VerifiedKeyFrag {
    /// The keys it was verified for.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// The fragment's id, 32 bytes. Public.
    pub const fn id(&self) -> &[u8; 32] {
        self.frag.id()
    }

    /// As [`KeyFrag::to_secret_simple`].
    pub fn to_secret_simple(&self) -> Zeroizing<[u8; KEY_FRAG_BYTES]> {
        self.frag.to_secret_simple()
    }

    /// As [`KeyFrag::to_secret_msgpack`].
    pub fn to_secret_msgpack(&self) -> Zeroizing<[u8; KEY_FRAG_MSGPACK_BYTES]> {
        self.frag.to_secret_msgpack()
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
