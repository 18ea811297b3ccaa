//! Serde helpers for byte fields: always a `0x`-prefixed lower-case hexadecimal string, never an
//! array of numbers. Use with `#[serde(with = "...")]`; used by `messages` and by other crates.

use crate::error::{Error, Result};

/// Writes `0x` and two lower-case digits per byte.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2).saturating_add(2));
    text.push_str("0x");
    // Digit by digit into the one buffer, which who writes a secret wipes.
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(nibble.into(), 16));
        }
    }
    text
}

/// Reads the bytes of a `0x`-prefixed string of any length; digits may be of both cases.
///
/// # Errors
/// [`Error::Hex`].
pub fn decode(text: &str) -> Result<Vec<u8>> {
    let digits = text.strip_prefix("0x").ok_or(Error::Hex)?;
    hex::decode(digits).map_err(|_| Error::Hex)
}

/// Reads exactly `N` bytes of a `0x`-prefixed string.
///
/// # Errors
/// [`Error::Hex`], [`Error::Length`].
pub fn decode_array<const N: usize>(text: &str) -> Result<[u8; N]> {
    let digits = text.strip_prefix("0x").ok_or(Error::Hex)?;
    if digits.len() != N.saturating_mul(2) {
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(Error::Hex);
        }
        return Err(Error::Length {
            expected: N,
            actual: digits.len().div_ceil(2),
        });
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(digits, &mut bytes).map_err(|_| Error::Hex)?;
    Ok(bytes)
}

/// Reads a value by its `FromStr`; works with formats that lend no string.
pub(crate) fn parse_str<'de, D, T>(deserializer: D) -> core::result::Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: core::str::FromStr<Err = Error>,
{
    struct TextVisitor<T>(core::marker::PhantomData<T>);

    impl<T: core::str::FromStr<Err = Error>> serde::de::Visitor<'_> for TextVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> core::result::Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(TextVisitor(core::marker::PhantomData))
}

/// Implements `Serialize` by `Display` and `Deserialize` by `FromStr`.
macro_rules! serde_by_text {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(
                &self,
                serializer: S,
            ) -> core::result::Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de, $($generics)*> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> core::result::Result<Self, D::Error> {
                $crate::hex_serde::parse_str(deserializer)
            }
        }
    };
    ($type:ty) => {
        $crate::hex_serde::serde_by_text!([] $type);
    };
}
pub(crate) use serde_by_text;

/// Serde of a `Vec<u8>` of any length as a hexadecimal string.
pub mod hex_bytes {
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the bytes as hexadecimal text.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::encode(bytes))
    }

    /// Reads bytes of any length.
    ///
    /// # Errors
    /// Text that is not `0x`-prefixed hexadecimal.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::decode(&text).map_err(serde::de::Error::custom)
    }
}

/// Serde of a `[u8; N]` as a hexadecimal string.
pub mod hex_array {
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the bytes as hexadecimal text.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<const N: usize, S: Serializer>(
        bytes: &[u8; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::encode(bytes))
    }

    /// Reads exactly `N` bytes.
    ///
    /// # Errors
    /// Text that is not `0x`-prefixed hexadecimal of `N` bytes.
    pub fn deserialize<'de, const N: usize, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<[u8; N], D::Error> {
        let text = String::deserialize(deserializer)?;
        super::decode_array(&text).map_err(serde::de::Error::custom)
    }
}

/// Serde of an Umbral key: its 33 compressed bytes, checked when read.
macro_rules! key_module {
    ($(#[$doc:meta])* $module:ident, $key:ident) => {
        $(#[$doc])*
        pub mod $module {
            use serde::{Deserializer, Serializer};
            use umbral::$key;

            /// Writes the 33 compressed bytes.
            ///
            /// # Errors
            /// Those of the serializer.
            pub fn serialize<S: Serializer>(key: &$key, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&super::encode(&key.to_bytes()))
            }

            /// Reads 33 bytes and checks the point.
            ///
            /// # Errors
            /// Text that is not hexadecimal, not of 33 bytes, or no point of the curve.
            pub fn deserialize<'de, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$key, D::Error> {
                let bytes = super::hex_array::deserialize(deserializer)?;
                $key::from_bytes(&bytes).map_err(serde::de::Error::custom)
            }
        }
    };
}

key_module! {
    /// An Umbral public key (delegating, receiving, node) as a hexadecimal string.
    umbral_key, PublicKey
}
key_module! {
    /// An author's Umbral verifying key as a hexadecimal string.
    verifying_key, VerifyingKey
}

#[cfg(test)]
mod tests;
