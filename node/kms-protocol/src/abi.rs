//! The part of Solidity's ABI encoding that ids, calldata and EIP-712 need: 32-byte words.
//!
//! Used by `policy.rs` (abi.encode of terms) and `eip712.rs` (encodeData). `kms-chain` encodes
//! calls.

use crate::primitives::{Address, B256};

/// Length of a word, in bytes.
pub const WORD: usize = 32;

/// A growing sequence of 32-byte words.
#[derive(Debug, Default, Clone)]
pub struct Words(Vec<u8>);

impl Words {
    /// Makes an empty sequence with room for `words` words.
    pub fn with_capacity(words: usize) -> Self {
        Self(Vec::with_capacity(words.saturating_mul(WORD)))
    }

    /// Appends a bytes32 as one word.
    #[must_use]
    pub fn bytes32(mut self, word: &B256) -> Self {
        self.0.extend_from_slice(&word.0);
        self
    }

    /// Appends an address, left-padded with zeros.
    #[must_use]
    pub fn address(mut self, address: &Address) -> Self {
        self.0.extend_from_slice(&[0; 12]);
        self.0.extend_from_slice(&address.0);
        self
    }

    /// Appends an unsigned integer of any width up to 128 bits, left-padded.
    #[must_use]
    pub fn uint(mut self, value: impl Into<u128>) -> Self {
        self.0.extend_from_slice(&[0; 16]);
        self.0.extend_from_slice(&value.into().to_be_bytes());
        self
    }

    /// Appends a length or an offset in bytes, left-padded.
    #[must_use]
    pub fn size(mut self, value: usize) -> Self {
        let bytes = value.to_be_bytes();
        self.0
            .extend(core::iter::repeat_n(0, WORD.saturating_sub(bytes.len())));
        self.0.extend_from_slice(&bytes);
        self
    }

    /// Appends words that are already encoded.
    #[must_use]
    pub fn append(mut self, words: &Self) -> Self {
        self.0.extend_from_slice(&words.0);
        self
    }

    /// The words appended so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the words without copying.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}
