//! Ethereum's small values: addresses, 32-byte words, fixed byte strings, and Keccak-256.
//!
//! Any bytes of the right length are valid, so the fields are public; text is `0x`-prefixed
//! hexadecimal.

use core::fmt;
use core::str::FromStr;

use sha3::{Digest, Keccak256};

use crate::error::{Error, Result};
use crate::hex_serde::{decode_array, encode, serde_by_text};

/// Computes Keccak-256 with Ethereum's padding, which is not that of SHA-3.
pub fn keccak256(bytes: &[u8]) -> B256 {
    B256(Keccak256::digest(bytes).into())
}

/// An Ethereum account, 20 bytes. Displayed with the EIP-55 checksum.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Address(pub [u8; 20]);

impl Address {
    /// The zero address, which nobody holds.
    pub const ZERO: Self = Self([0; 20]);

    /// Whether this is the zero address.
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// The 20 bytes of the address.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Computes the address of an uncompressed public key x || y: the last 20 bytes of its
    /// Keccak-256.
    pub fn of_uncompressed(key: &[u8; 64]) -> Self {
        let [_, _, _, _, _, _, _, _, _, _, _, _, address @ ..] = keccak256(key).0;
        Self(address)
    }

    /// Writes the 40 hexadecimal digits in EIP-55 mixed case.
    fn checksummed(&self) -> String {
        let lower = hex::encode(self.0);
        let hash = keccak256(lower.as_bytes());
        let nibbles = hash.0.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
        lower
            .chars()
            .zip(nibbles)
            .map(|(digit, nibble)| {
                if nibble >= 8 {
                    digit.to_ascii_uppercase()
                } else {
                    digit
                }
            })
            .collect()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("0x{}", self.checksummed()))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Address {
    type Err = Error;

    /// Reads `0x` and 40 digits. Digits in one case carry no checksum; mixed case must match it.
    fn from_str(text: &str) -> Result<Self> {
        let address = Self(decode_array(text)?);
        let digits = text.strip_prefix("0x").ok_or(Error::Hex)?;
        let mixed = digits.bytes().any(|digit| digit.is_ascii_lowercase())
            && digits.bytes().any(|digit| digit.is_ascii_uppercase());
        if mixed && digits != address.checksummed() {
            return Err(Error::AddressChecksum);
        }
        Ok(address)
    }
}

impl AsRef<[u8]> for Address {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<[u8; 20]> for Address {
    fn from(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }
}

serde_by_text!(Address);

/// Implements Display, Debug, FromStr, serde and conversions of a byte array in lower-case
/// hexadecimal.
macro_rules! byte_string {
    ([$($generics:tt)*] $type:ty, $length:expr) => {
        impl<$($generics)*> $type {
            /// The value of zero bytes only.
            pub const ZERO: Self = Self([0; $length]);

            /// The bytes in the order of the text.
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl<$($generics)*> Default for $type {
            fn default() -> Self {
                Self::ZERO
            }
        }

        impl<$($generics)*> fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&encode(&self.0))
            }
        }

        impl<$($generics)*> fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&encode(&self.0))
            }
        }

        impl<$($generics)*> FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                decode_array(text).map(Self)
            }
        }

        impl<$($generics)*> TryFrom<&[u8]> for $type {
            type Error = Error;

            fn try_from(bytes: &[u8]) -> Result<Self> {
                let length = Error::Length { expected: $length, actual: bytes.len() };
                bytes.try_into().map(Self).map_err(|_| length)
            }
        }

        impl<$($generics)*> From<[u8; $length]> for $type {
            fn from(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }
        }

        impl<$($generics)*> AsRef<[u8]> for $type {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        serde_by_text!([$($generics)*] $type);
    };
}

/// A 32-byte word: a hash, a salt, a nonce.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct B256(pub [u8; 32]);

byte_string!([] B256, 32);

impl B256 {
    /// Draws 32 bytes from the operating system: a salt or a nonce.
    ///
    /// # Errors
    /// [`Error::Randomness`].
    pub fn random() -> Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| Error::Randomness)?;
        Ok(Self(bytes))
    }
}

/// A byte field of a message, exactly `N` bytes and public.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FixedBytes<const N: usize>(pub [u8; N]);

byte_string!([const N: usize] FixedBytes<N>, N);

/// The id of a policy, computed by [`crate::policy::Terms::id`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PolicyId(pub B256);

impl PolicyId {
    /// The 32 bytes of the id.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0.0
    }
}

impl fmt::Display for PolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for PolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for PolicyId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.parse().map(Self)
    }
}

serde_by_text!(PolicyId);

#[cfg(test)]
mod tests;
