//! Encodes calldata by Solidity's ABI for any function signature, for calls that are not in
//! `kms_chain::Call`.

use kms_protocol::abi::WORD;
use kms_protocol::{Address, B256, Terms, keccak256};

/// A value of Solidity's ABI.
#[derive(Debug, Clone)]
pub(crate) enum Abi {
    /// A static value of one word.
    Word([u8; WORD]),
    /// A value of type `bytes` or `string`.
    Bytes(Vec<u8>),
    /// A struct, static or dynamic as its fields are.
    Tuple(Vec<Abi>),
    /// A dynamic array.
    List(Vec<Abi>),
}

/// Encodes the call of a function by its signature, such as `claim(address)`.
pub(crate) fn call(signature: &str, arguments: &[Abi]) -> Vec<u8> {
    let selector = keccak256(signature.as_bytes());
    selector
        .0
        .into_iter()
        .take(4)
        .chain(sequence(arguments))
        .collect()
}

/// Encodes an unsigned integer of any width.
pub(crate) fn uint(value: impl Into<u128>) -> Abi {
    let mut word = [0; WORD];
    if let Some(low) = word.last_chunk_mut() {
        *low = value.into().to_be_bytes();
    }
    Abi::Word(word)
}

pub(crate) fn address(value: Address) -> Abi {
    let mut word = [0; WORD];
    if let Some(low) = word.last_chunk_mut() {
        *low = value.0;
    }
    Abi::Word(word)
}

pub(crate) fn bytes32(value: B256) -> Abi {
    Abi::Word(value.0)
}

/// Encodes the struct `IPolicyManager.Terms`.
pub(crate) fn terms(terms: &Terms) -> Abi {
    Abi::Tuple(vec![
        address(terms.author),
        address(terms.sponsor),
        address(terms.verifier),
        bytes32(terms.keys_hash),
        uint(terms.rate.0),
        uint(terms.first_period.0),
        uint(terms.last_period.0),
        uint(terms.threshold),
        bytes32(terms.salt),
        Abi::List(terms.miners.iter().copied().map(address).collect()),
    ])
}

/// The type of `IPolicyManager.Terms` in function signatures.
pub(crate) const TERMS: &str =
    "(address,address,address,bytes32,uint96,uint32,uint32,uint8,bytes32,address[])";

impl Abi {
    fn is_dynamic(&self) -> bool {
        match self {
            Self::Word(_) => false,
            Self::Bytes(_) | Self::List(_) => true,
            Self::Tuple(items) => items.iter().any(Self::is_dynamic),
        }
    }

    fn encoded(&self) -> Vec<u8> {
        match self {
            Self::Word(word) => word.to_vec(),
            Self::Bytes(bytes) => {
                let padded = bytes.len().next_multiple_of(WORD);
                let zeros = padded.saturating_sub(bytes.len());
                let tail = std::iter::repeat_n(0, zeros);
                length(bytes.len())
                    .chain(bytes.iter().copied())
                    .chain(tail)
                    .collect()
            }
            Self::Tuple(items) => sequence(items),
            Self::List(items) => length(items.len()).chain(sequence(items)).collect(),
        }
    }
}

/// Encodes heads, then tails; a dynamic item's head is the offset of its tail.
fn sequence(items: &[Abi]) -> Vec<u8> {
    let encoded: Vec<(bool, Vec<u8>)> = items
        .iter()
        .map(|item| (item.is_dynamic(), item.encoded()))
        .collect();
    let heads = encoded
        .iter()
        .map(|(dynamic, bytes)| if *dynamic { WORD } else { bytes.len() })
        .sum();
    let (mut head, mut tail, mut offset): (Vec<u8>, Vec<u8>, usize) = (vec![], vec![], heads);
    for (dynamic, bytes) in encoded {
        if dynamic {
            head.extend(length(offset));
            offset = offset.saturating_add(bytes.len());
            tail.extend(bytes);
        } else {
            head.extend(bytes);
        }
    }
    head.extend(tail);
    head
}

fn length(value: usize) -> impl Iterator<Item = u8> {
    let bytes = value.to_be_bytes();
    std::iter::repeat_n(0, WORD - bytes.len()).chain(bytes)
}

#[cfg(test)]
mod tests;
