//! secp256k1 keys and signatures in Ethereum's form: r || s || v, recoverable, low s, RFC 6979.
//!
//! Signs EIP-712 digests only (`eip712.rs`). Verification is by recovery and is strict: ecrecover
//! on chain and this code accept the same 65 bytes.

use core::fmt;
use core::str::FromStr;

use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::hex_serde::{decode_array, encode, serde_by_text};
use crate::primitives::{Address, B256};

/// Random candidates tried before the random source counts as broken; one fails with odds of
/// 2^-128.
const KEY_ATTEMPTS: usize = 8;

/// Difference of a signature's last byte to the recovery id.
const V_OFFSET: u8 = 27;

/// Computes the account of a reader's receiving key, which signs requests.
pub fn address_of(key: &umbral::PublicKey) -> Address {
    Address::of_uncompressed(&key.to_uncompressed())
}

/// Computes the account of an author's verifying key (`Terms.verifier`), which signs grants.
pub fn address_of_verifying(key: &umbral::VerifyingKey) -> Address {
    Address::of_uncompressed(&key.to_uncompressed())
}

/// A secp256k1 secret key that signs as an Ethereum account. Wiped when dropped.
pub struct EthSecret {
    key: SigningKey,
    address: Address,
}

impl EthSecret {
    /// Draws a new key from the operating system's randomness.
    ///
    /// # Errors
    /// [`Error::Randomness`].
    pub fn random() -> Result<Self> {
        for _ in 0..KEY_ATTEMPTS {
            let mut bytes = Zeroizing::new([0; 32]);
            getrandom::fill(bytes.as_mut()).map_err(|_| Error::Randomness)?;
            if let Ok(secret) = Self::from_bytes(&bytes) {
                return Ok(secret);
            }
        }
        Err(Error::Randomness)
    }

    /// Reads a key from 32 big-endian bytes.
    ///
    /// # Errors
    /// [`Error::SecretKey`] for zero and for numbers not below the group order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self> {
        let key = SigningKey::from_slice(bytes).map_err(|_| Error::SecretKey)?;
        let address = account(key.verifying_key())?;
        Ok(Self { key, address })
    }

    /// Takes the receiving key of a reader, which signs requests.
    ///
    /// # Errors
    /// [`Error::SecretKey`], which no Umbral key causes.
    pub fn from_umbral(secret: &umbral::SecretKey) -> Result<Self> {
        Self::from_bytes(&secret.to_secret_bytes())
    }

    /// Takes the signing key of an author, which signs grants.
    ///
    /// # Errors
    /// [`Error::SecretKey`], which no Umbral key causes.
    pub fn from_signer(signer: &umbral::Signer) -> Result<Self> {
        Self::from_bytes(&signer.to_secret_bytes())
    }

    /// The 32 secret bytes, for a key store.
    pub fn expose_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.key.to_bytes().into())
    }

    /// The account whose transactions and messages this key signs.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Signs a 32-byte digest: deterministic (RFC 6979, SHA-256), low s, v 27 or 28.
    pub fn sign_digest(&self, digest: &B256) -> EthSignature {
        let (signature, recovery) = self.key.sign_prehash_recoverable(&digest.0);
        let mut bytes = [0; 65];
        if let Some((scalars, v)) = bytes.split_first_chunk_mut::<64>() {
            *scalars = signature.to_bytes().into();
            v.fill(V_OFFSET + u8::from(recovery.is_y_odd()));
        }
        EthSignature(bytes)
    }
}

impl fmt::Debug for EthSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EthSecret(<redacted>, {})", self.address)
    }
}

/// Compares in constant time.
impl ConstantTimeEq for EthSecret {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.expose_bytes()
            .as_ref()
            .ct_eq(other.expose_bytes().as_ref())
    }
}

/// 65 bytes r || s || v as received, unchecked until [`EthSignature::recover`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EthSignature(pub [u8; 65]);

impl EthSignature {
    /// The signature of a message that is not signed yet; no account can be recovered from it.
    pub const UNSIGNED: Self = Self([0; 65]);

    /// The 65 bytes, in the order r, s, v.
    pub const fn as_bytes(&self) -> &[u8; 65] {
        &self.0
    }

    /// Makes the compact form of ERC-2098, r and s with the parity of v in its first bit, which
    /// says what the 65 bytes of a valid signature say.
    pub fn compact(&self) -> (B256, B256) {
        let [r, s] = [0, 32].map(|from| {
            let mut half = [0; 32];
            half.copy_from_slice(self.0.get(from..from + 32).unwrap_or(&[0; 32]));
            half
        });
        let mut vs = s;
        let is_odd = self.0.last() == Some(&(V_OFFSET + 1));
        if let (Some(first), true) = (vs.first_mut(), is_odd) {
            *first |= 0x80;
        }
        (B256(r), B256(vs))
    }

    /// Recovers the account whose key signed `digest`.
    ///
    /// # Errors
    /// [`Error::SignatureRecovery`], [`Error::SignatureHighS`], [`Error::SignatureMalformed`].
    pub fn recover(&self, digest: &B256) -> Result<Address> {
        let [scalars @ .., v] = &self.0;
        let y_is_odd = match v.checked_sub(V_OFFSET) {
            Some(0) => false,
            Some(1) => true,
            _ => return Err(Error::SignatureRecovery { v: *v }),
        };
        let signature = Signature::from_slice(scalars).map_err(|_| Error::SignatureMalformed)?;
        if signature.normalize_s() != signature {
            return Err(Error::SignatureHighS);
        }
        let recovery = RecoveryId::new(y_is_odd, false);
        let key = VerifyingKey::recover_from_prehash(&digest.0, &signature, recovery)
            .map_err(|_| Error::SignatureMalformed)?;
        account(&key)
    }

    /// Checks that `expected` signed `digest`.
    ///
    /// # Errors
    /// Those of [`EthSignature::recover`], and [`Error::Signer`].
    pub fn verify(&self, digest: &B256, expected: &Address) -> Result<()> {
        let recovered = self.recover(digest)?;
        if recovered == *expected {
            Ok(())
        } else {
            Err(Error::Signer {
                expected: *expected,
                recovered,
            })
        }
    }
}

fn account(key: &VerifyingKey) -> Result<Address> {
    let point = key.to_sec1_point(false);
    let coordinates = point
        .as_bytes()
        .split_first()
        .map(|(_tag, coordinates)| coordinates);
    let coordinates = coordinates.and_then(|bytes| bytes.try_into().ok());
    coordinates
        .map(Address::of_uncompressed)
        .ok_or(Error::SecretKey)
}

impl fmt::Display for EthSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&encode(&self.0))
    }
}

impl fmt::Debug for EthSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(&self.0))
    }
}

impl FromStr for EthSignature {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        decode_array(text).map(Self)
    }
}

impl TryFrom<&[u8]> for EthSignature {
    type Error = Error;

    fn try_from(bytes: &[u8]) -> Result<Self> {
        let length = Error::Length {
            expected: 65,
            actual: bytes.len(),
        };
        bytes.try_into().map(Self).map_err(|_| length)
    }
}

serde_by_text!(EthSignature);

#[cfg(test)]
mod tests;
