//! A block's header as JSON-RPC shows it, and the proof that its hash is of its fields: keccak256
//! of their RLP, in the order of the forks that added them.
//!
//! A fork to come appends fields that this program does not know. What an endpoint shows beyond the
//! known ones is tried as such: if it makes the hash right, the header is proven all the same. If
//! nothing does, unknown fields make it doubtful, and none make it false.

use std::collections::BTreeMap;

use ethers::utils::rlp::RlpStream;
use kms_protocol::{Address, B256, Wei, keccak256};
use serde::Deserialize;
use serde_json::Value;

use super::BlockHeader;
use super::bloom::Bloom;
use super::wire::{BigQuantity, HexBytes, Quantity};

/// Members of a block's JSON that are not of its header.
const NO_FIELDS: [&str; 6] = [
    "author",
    "size",
    "totalDifficulty",
    "transactions",
    "uncles",
    "withdrawals",
];
/// Unknown fields that are tried as those of a fork; more are not.
const MOST_UNKNOWN: usize = 4;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireHeader {
    number: Quantity,
    hash: B256,
    parent_hash: B256,
    sha3_uncles: B256,
    miner: Address,
    state_root: B256,
    transactions_root: B256,
    receipts_root: B256,
    logs_bloom: HexBytes,
    difficulty: BigQuantity,
    gas_limit: Quantity,
    gas_used: Quantity,
    timestamp: Quantity,
    extra_data: HexBytes,
    mix_hash: B256,
    nonce: HexBytes,
    base_fee_per_gas: Option<BigQuantity>,
    withdrawals_root: Option<B256>,
    blob_gas_used: Option<Quantity>,
    excess_blob_gas: Option<Quantity>,
    parent_beacon_block_root: Option<B256>,
    requests_hash: Option<B256>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

impl WireHeader {
    /// Checks the fields and the hash, or tells why they cannot be true. Comes with the filter of
    /// the block's logs if the hash is of the fields; without, if unknown ones may be part of it.
    /// Only block 0 may lack parent and time.
    pub(crate) fn parse(&self) -> Result<(BlockHeader, Option<Bloom>), &'static str> {
        let zero = B256([0; 32]);
        let number = self.number.0;
        if self.hash == zero {
            return Err("a block without a hash");
        }
        if number > 0 && (self.parent_hash == zero || self.timestamp.0 == 0) {
            return Err("a block without a parent or a time");
        }
        let header = BlockHeader {
            number,
            hash: self.hash,
            parent: self.parent_hash,
            timestamp: self.timestamp.0,
            base_fee: Wei(self.base_fee_per_gas.map_or(0, |fee| fee.0)),
        };
        Ok((header, self.proven_bloom()?))
    }

    fn proven_bloom(&self) -> Result<Option<Bloom>, &'static str> {
        let bloom = Bloom::new(&self.logs_bloom.0).ok_or("a bloom of another length")?;
        let known = self.known_fields();
        let is_right = |more: &[&Vec<u8>]| self.hash == hash_of(&known, more);
        if is_right(&[]) {
            return Ok(Some(bloom));
        }
        let unknown = self.unknown_fields();
        if unknown.is_empty() {
            return Err("the hash of a block is not that of its header");
        }
        let values: Vec<Vec<u8>> = unknown.into_iter().flatten().take(MOST_UNKNOWN).collect();
        let is_proven = is_right_in_some_order(&values, &mut Vec::new(), &is_right);
        Ok(is_proven.then_some(bloom))
    }

    /// The hash of the known fields, and of some of a fork to come.
    #[cfg(test)]
    pub(crate) fn hash_with(&self, more: &[&Vec<u8>]) -> B256 {
        hash_of(&self.known_fields(), more)
    }

    /// The strings that RLP holds, in order.
    fn known_fields(&self) -> Vec<Vec<u8>> {
        let quantity = |value: Quantity| minimal(&value.0.to_be_bytes());
        let mut fields = vec![
            self.parent_hash.0.to_vec(),
            self.sha3_uncles.0.to_vec(),
            self.miner.0.to_vec(),
            self.state_root.0.to_vec(),
            self.transactions_root.0.to_vec(),
            self.receipts_root.0.to_vec(),
            self.logs_bloom.0.clone(),
            minimal(&self.difficulty.0.to_be_bytes()),
            quantity(self.number),
            quantity(self.gas_limit),
            quantity(self.gas_used),
            quantity(self.timestamp),
            self.extra_data.0.clone(),
            self.mix_hash.0.to_vec(),
            self.nonce.0.clone(),
        ];
        let hash = |value: Option<B256>| value.map(|hash| hash.0.to_vec());
        let later = [
            self.base_fee_per_gas
                .map(|fee| minimal(&fee.0.to_be_bytes())),
            hash(self.withdrawals_root),
            self.blob_gas_used.map(quantity),
            self.excess_blob_gas.map(quantity),
            hash(self.parent_beacon_block_root),
            hash(self.requests_hash),
        ];
        fields.extend(later.into_iter().flatten());
        fields
    }

    /// The members that this program does not know, each as RLP would hold it: 32 bytes are a hash,
    /// fewer a number. `None` for what is neither.
    fn unknown_fields(&self) -> Vec<Option<Vec<u8>>> {
        let unknown = self.rest.iter();
        let unknown =
            unknown.filter(|(name, value)| !NO_FIELDS.contains(&name.as_str()) && !value.is_null());
        unknown.map(|(_, value)| rlp_string(value)).collect()
    }
}

fn rlp_string(value: &Value) -> Option<Vec<u8>> {
    let digits = value.as_str()?.strip_prefix("0x")?;
    if digits.len() > 64 {
        return None;
    }
    let even = format!("{}{digits}", "0".repeat(digits.len() % 2));
    let bytes = hex::decode(even).ok()?;
    Some(match bytes.len() {
        32 => bytes,
        _ => minimal(&bytes),
    })
}

/// A number without leading zeros.
fn minimal(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.iter().skip(zeros).copied().collect()
}

fn hash_of(known: &[Vec<u8>], more: &[&Vec<u8>]) -> B256 {
    let mut list = RlpStream::new_list(known.len().saturating_add(more.len()));
    for field in known.iter().chain(more.iter().copied()) {
        list.append(field);
    }
    keccak256(&list.out())
}

/// Whether some of the values, in some order, make the hash right.
fn is_right_in_some_order<'a>(
    values: &'a [Vec<u8>],
    chosen: &mut Vec<&'a Vec<u8>>,
    is_right: &impl Fn(&[&Vec<u8>]) -> bool,
) -> bool {
    for value in values {
        if chosen.iter().any(|one| std::ptr::eq(*one, value)) {
            continue;
        }
        chosen.push(value);
        if is_right(chosen) || is_right_in_some_order(values, chosen, is_right) {
            return true;
        }
        chosen.pop();
    }
    false
}

#[cfg(test)]
mod tests;
