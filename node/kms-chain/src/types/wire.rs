//! JSON shapes of the endpoints' answers. Every field in use is required here, because ethers' own
//! structs read a missing one as zero; `parse` then checks the values.

use kms_protocol::{Address, B256, Wei};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::TxReceipt;

/// A JSON-RPC quantity: `0x` and hex without leading zeros being required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quantity(pub(crate) u64);

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let BigQuantity(value) = BigQuantity::deserialize(deserializer)?;
        u64::try_from(value)
            .map(Self)
            .map_err(|_| serde::de::Error::custom("over 64 bits"))
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{:#x}", self.0))
    }
}

/// A JSON-RPC quantity of up to 128 bits (all amounts of wei there can be).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BigQuantity(pub(crate) u128);

impl<'de> Deserialize<'de> for BigQuantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text
            .strip_prefix("0x")
            .ok_or_else(|| serde::de::Error::custom("no 0x prefix"))?;
        if digits.starts_with('+') {
            return Err(serde::de::Error::custom("not hex"));
        }
        u128::from_str_radix(digits, 16)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

impl Serialize for BigQuantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{:#x}", self.0))
    }
}

/// Bytes as `0x` and hex of any even length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HexBytes(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text
            .strip_prefix("0x")
            .ok_or_else(|| serde::de::Error::custom("no 0x prefix"))?;
        hex::decode(digits)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

impl Serialize for HexBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("0x{}", hex::encode(&self.0)))
    }
}

/// A block of which only the hash is read.
#[derive(Debug, Deserialize)]
pub(crate) struct HashOnly {
    pub(crate) hash: B256,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireLog {
    pub(crate) address: Address,
    pub(crate) topics: Vec<B256>,
    pub(crate) data: HexBytes,
    pub(crate) block_number: Quantity,
    pub(crate) block_hash: B256,
    pub(crate) transaction_hash: B256,
    pub(crate) log_index: Quantity,
    #[serde(default)]
    pub(crate) removed: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireReceipt {
    transaction_hash: B256,
    block_number: Quantity,
    block_hash: B256,
    status: Quantity,
    gas_used: Quantity,
    pub(crate) effective_gas_price: Option<BigQuantity>,
    pub(crate) contract_address: Option<Address>,
}

impl WireReceipt {
    /// Checks the fields; `None` if this is not a receipt of `tx_hash` in a mined block. Without a
    /// price the fee is zero, to be computed by the transaction's own.
    pub(crate) fn parse(&self, tx_hash: B256) -> Option<TxReceipt> {
        if self.transaction_hash != tx_hash || self.block_hash == B256([0; 32]) {
            return None;
        }
        let succeeded = match self.status.0 {
            0 => false,
            1 => true,
            _ => return None,
        };
        let price = self.effective_gas_price.map_or(0, |price| price.0);
        let fee = price.checked_mul(u128::from(self.gas_used.0))?;
        Some(TxReceipt {
            tx_hash,
            block_number: self.block_number.0,
            block_hash: self.block_hash,
            succeeded,
            gas_used: self.gas_used.0,
            fee: Wei(fee),
        })
    }
}

/// A transaction of which the price is read, which is what was paid once it is mined.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireTx {
    pub(crate) gas_price: BigQuantity,
}

/// `eth_feeHistory`; some servers leave `reward` or single entries null.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireFeeHistory {
    pub(crate) base_fee_per_gas: Vec<BigQuantity>,
    #[serde(default)]
    pub(crate) reward: Option<Vec<Option<Vec<BigQuantity>>>>,
}
