//! Conversions between database columns and types; a value out of range means a damaged file.

use kms_protocol::{B256, PolicyId};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Result, StoreError};

/// Converts a block number, period or nonce to an integer of the database.
pub(super) fn int(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| StoreError::corrupt(format!("{value} exceeds 2^63")))
}

pub(super) fn uint(value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| StoreError::corrupt(format!("{value} is negative")))
}

pub(super) fn get_u64(row: &AnyRow, column: &str) -> Result<u64> {
    uint(row.try_get(column)?)
}

pub(super) fn get_u32(row: &AnyRow, column: &str) -> Result<u32> {
    let value: i64 = row.try_get(column)?;
    u32::try_from(value).map_err(|_| StoreError::corrupt(format!("{column} {value}")))
}

pub(super) fn get_bytes<const N: usize>(row: &AnyRow, column: &str) -> Result<[u8; N]> {
    let bytes: &[u8] = row.try_get(column)?;
    array(bytes, column)
}

pub(super) fn array<const N: usize>(bytes: &[u8], column: &str) -> Result<[u8; N]> {
    let length = bytes.len();
    bytes
        .try_into()
        .map_err(|_| StoreError::corrupt(format!("{column} has {length} bytes")))
}

pub(super) fn get_hash(row: &AnyRow, column: &str) -> Result<B256> {
    get_bytes(row, column).map(B256)
}

pub(super) fn get_policy_id(row: &AnyRow) -> Result<PolicyId> {
    get_hash(row, "policy_id").map(PolicyId)
}
