//! The bloom filter of a block's logs: what is not in it is in no log of the block, by the header's
//! own word. What is in it may be there by chance, the more so the fuller it is.

use kms_protocol::keccak256;

/// Length of a filter, in bytes.
pub(crate) const BLOOM_LENGTH: usize = 256;
/// Set bits above which a filter says nothing: at an eighth of all, one of our events would show by
/// chance in one of ten thousand blocks, or in one of a hundred that hold another one of ours.
const INFORMATIVE_BITS: u32 = 256;

/// A filter of 2048 bits, three for each address and topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bloom([u8; BLOOM_LENGTH]);

impl Bloom {
    /// Takes the bytes of a header; `None` for another length.
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Whether an address or topic may be in a log of the block; false is certain.
    pub(crate) fn may_hold(&self, item: &[u8]) -> bool {
        places(item).all(|(index, mask)| self.0.get(index).is_some_and(|byte| byte & mask != 0))
    }

    /// Whether the filter is so empty that what it holds is hardly there by chance.
    pub(crate) fn is_informative(&self) -> bool {
        let ones: u32 = self.0.iter().map(|byte| byte.count_ones()).sum();
        ones <= INFORMATIVE_BITS
    }

    /// The filter of these addresses and topics.
    #[cfg(test)]
    pub(crate) fn of<'a>(items: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut bits = [0; BLOOM_LENGTH];
        for (index, mask) in items.into_iter().flat_map(places) {
            bits[index] |= mask;
        }
        Self(bits)
    }

    /// The bytes of the filter.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> [u8; BLOOM_LENGTH] {
        self.0
    }
}

/// The three bits of an item, each as a byte's index and a mask.
fn places(item: &[u8]) -> impl Iterator<Item = (usize, u8)> + use<> {
    let hash = keccak256(item).0;
    let pairs = [(0, 1), (2, 3), (4, 5)];
    pairs.into_iter().map(move |(high, low)| {
        let byte = |index: usize| hash.get(index).copied().unwrap_or_default();
        let bit = usize::from(u16::from_be_bytes([byte(high), byte(low)]) & 0x7ff);
        (BLOOM_LENGTH - 1 - bit / 8, 1 << (bit % 8))
    })
}

#[cfg(test)]
mod tests;
