//! Amounts of money: KMS tokens and ether, both in integers of 1e-18, never in floats.
//!
//! Text for people always names the unit ("12.5 KMS"); JSON carries the decimal string of the
//! smallest unit. Every operation is checked.

use core::fmt;
use core::str::FromStr;

use crate::error::{Error, Result};

const DECIMALS: u32 = 18;
const GWEI_DECIMALS: u32 = 9;

/// An amount of KMS tokens in units of 1e-18 KMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(pub u128);

/// An amount of ether in wei.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Wei(pub u128);

macro_rules! quantity {
    ($type:ident) => {
        impl $type {
            /// The amount of 0 units.
            pub const ZERO: Self = Self(0);

            /// Whether the amount is zero.
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            /// The number of smallest units.
            pub const fn units(self) -> u128 {
                self.0
            }

            /// Adds; None beyond 128 bits.
            pub fn checked_add(self, other: Self) -> Option<Self> {
                self.0.checked_add(other.0).map(Self)
            }

            /// Subtracts; None if `other` is greater.
            pub fn checked_sub(self, other: Self) -> Option<Self> {
                self.0.checked_sub(other.0).map(Self)
            }

            /// Multiplies by a count; None beyond 128 bits.
            pub fn checked_mul(self, count: u128) -> Option<Self> {
                self.0.checked_mul(count).map(Self)
            }

            /// Subtracts; zero if `other` is greater.
            pub const fn saturating_sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                crate::hex_serde::parse_str::<D, Units>(d).map(|units| Self(units.0))
            }
        }
    };
}

quantity!(Amount);
quantity!(Wei);

impl Amount {
    /// One KMS, 1e18 units.
    pub const KMS: Self = Self(1_000_000_000_000_000_000);

    /// Converts `count` whole KMS; None on overflow.
    pub fn from_kms(count: u64) -> Option<Self> {
        Self::KMS.checked_mul(u128::from(count))
    }
}

impl Wei {
    /// One ether: 1e18 wei.
    pub const ETH: Self = Self(1_000_000_000_000_000_000);
    /// One gwei: 1e9 wei.
    pub const GWEI: Self = Self(1_000_000_000);
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} KMS", decimal(self.0, DECIMALS)))
    }
}

impl FromStr for Amount {
    type Err = Error;

    /// Reads digits, an optional fraction of at most 18 digits, and `KMS`, with or without a space.
    fn from_str(text: &str) -> Result<Self> {
        let (number, unit) = split_unit(text, "KMS")?;
        match unit {
            "KMS" => parse_decimal(number, DECIMALS, "KMS").map(Self),
            _ => Err(Error::AmountSyntax { unit: "KMS" }),
        }
    }
}

impl fmt::Display for Wei {
    /// Writes the exact amount: in ETH from 0.001 ETH on, in gwei from 1 gwei on, else in wei.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            0 | 1_000_000_000_000_000.. => format!("{} ETH", decimal(self.0, DECIMALS)),
            1_000_000_000.. => format!("{} gwei", decimal(self.0, GWEI_DECIMALS)),
            _ => format!("{} wei", self.0),
        };
        f.pad(&text)
    }
}

impl FromStr for Wei {
    type Err = Error;

    /// Reads digits, an optional fraction, and `ETH`, `gwei` or `wei`.
    fn from_str(text: &str) -> Result<Self> {
        let (number, unit) = split_unit(text, "ETH")?;
        let decimals = match unit {
            "ETH" => DECIMALS,
            "gwei" => GWEI_DECIMALS,
            "wei" => 0,
            _ => return Err(Error::AmountSyntax { unit: "ETH" }),
        };
        parse_decimal(number, decimals, "ETH").map(Self)
    }
}

/// A canonical decimal integer: digits only, no sign, no leading zero.
struct Units(u128);

impl FromStr for Units {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || (text.len() > 1 && text.starts_with('0')) {
            return Err(Error::AmountSyntax { unit: "1e-18" });
        }
        text.parse().map(Self).map_err(|_| Error::AmountOverflow)
    }
}

/// Formats a value as "12.5", without trailing zeros of the fraction.
fn decimal(value: u128, decimals: u32) -> String {
    let scale = 10_u128.pow(decimals);
    let (whole, fraction) = (value / scale, value % scale);
    if fraction == 0 {
        return whole.to_string();
    }
    let width = usize::try_from(decimals).unwrap_or_default();
    let digits = format!("{fraction:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

/// Splits "12.5 KMS" before its unit, dropping spaces between the two.
fn split_unit<'a>(text: &'a str, usual: &'static str) -> Result<(&'a str, &'a str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end).unwrap_or((text, ""));
    if number.is_empty() {
        return Err(Error::AmountSyntax { unit: usual });
    }
    match unit.trim_start_matches(' ') {
        "" => Err(Error::AmountUnit { unit: usual }),
        unit => Ok((number, unit)),
    }
}

/// Parses digits with an optional fraction into an integer of 10^-decimals.
fn parse_decimal(number: &str, decimals: u32, unit: &'static str) -> Result<u128> {
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(Error::AmountSyntax { unit }),
        None => (number, ""),
    };
    if whole.is_empty() || fraction.contains('.') {
        return Err(Error::AmountSyntax { unit });
    }
    let missing = u32::try_from(fraction.len())
        .ok()
        .and_then(|length| decimals.checked_sub(length))
        .ok_or(Error::AmountDecimals { decimals })?;
    let fraction = match fraction {
        "" => 0,
        digits => digits
            .parse::<u128>()
            .map_err(|_| Error::AmountSyntax { unit })?,
    };
    let whole = whole.parse::<u128>().map_err(|_| Error::AmountOverflow)?;
    whole
        .checked_mul(10_u128.pow(decimals))
        .zip(fraction.checked_mul(10_u128.pow(missing)))
        .and_then(|(whole, fraction)| whole.checked_add(fraction))
        .ok_or(Error::AmountOverflow)
}

#[cfg(test)]
mod tests;
