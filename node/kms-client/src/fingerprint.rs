//! Short forms of keys that people compare by eye or by voice. Used by `card` and `keys`.

use zeroize::Zeroizing;

/// Bytes of the hash that a fingerprint shows: 80 bits against a second preimage.
const FINGERPRINT_BYTES: usize = 10;

/// Writes the hash of tag and bytes as five groups of four hexadecimal digits.
pub(crate) fn tagged_fingerprint(tag: &[u8], bytes: &[u8]) -> String {
    let input = Zeroizing::new([tag, bytes].concat());
    let digest = kms_protocol::keccak256(&input);
    let digits: Vec<String> = digest
        .0
        .chunks(2)
        .take(FINGERPRINT_BYTES / 2)
        .map(hex::encode)
        .collect();
    digits.join("-")
}
