//! Short forms of keys that people compare by eye or by voice. Used by `card` and `keys`.

use bip39::Language;
use zeroize::Zeroizing;

/// Bytes of the hash that a fingerprint shows: 80 bits against a second preimage.
const FINGERPRINT_BYTES: usize = 10;

/// Words of a key: 88 bits against a second preimage.
const WORDS: usize = 8;
/// Bits that a word of the list (BIP-39, English) stands for.
const WORD_BITS: usize = 11;

/// Writes the first 88 bits of the hash of tag and bytes as eight words of the BIP-39 list.
pub fn tagged_words(tag: &[u8], bytes: &[u8]) -> String {
    let digest = kms_protocol::keccak256(&[tag, bytes].concat());
    let mut list = Vec::with_capacity(WORDS);
    let (mut held, mut bits) = (0_usize, 0);
    for byte in digest.0 {
        held = held << 8 | usize::from(byte);
        bits += 8;
        if bits >= WORD_BITS && list.len() < WORDS {
            bits -= WORD_BITS;
            let index = held >> bits;
            held &= (1 << bits) - 1;
            list.extend(Language::English.word_list().get(index).copied());
        }
    }
    list.join(" ")
}

/// Writes the hash of tag and bytes as five groups of four hexadecimal digits.
pub fn tagged_fingerprint(tag: &[u8], bytes: &[u8]) -> String {
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
