//! The seed of a person, and its only text form: 24 English words with a checksum (BIP-39, 256 bits
//! of entropy; the words encode the seed itself, the standard's passphrase and stretching are not
//! used). Neighbour: `keys` derives from it.

#[cfg(test)]
mod tests;

use bip39::{Language, Mnemonic};
use zeroize::{Zeroize as _, Zeroizing};

use crate::error::{Error, Result, SeedFault};
use crate::fingerprint::tagged_fingerprint;

/// Number of words that 256 bits and their checksum of 8 bits make, 11 bits each.
const WORDS: usize = 24;
/// Longest word of the list, in letters.
const WORD_LETTERS_MAX: usize = 8;
/// Tag of the hash that a seed's fingerprint is taken from.
const FINGERPRINT_TAG: &[u8] = b"KMS seed fingerprint v1";

/// The 32 secret bytes everything of a person is derived from. Never printed; erased when dropped.
pub struct Seed(Zeroizing<[u8; 32]>);

impl Seed {
    /// Draws a seed from the operating system.
    ///
    /// # Errors
    /// [`Error::Random`] if the system has no randomness to give.
    pub fn random() -> Result<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| Error::Random)?;
        Ok(Self(bytes))
    }

    /// Takes 32 bytes that are already uniformly random.
    ///
    /// # Errors
    /// [`Error::SeedInvalid`] for all zeros.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self> {
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(invalid(SeedFault::Zero));
        }
        Ok(Self(Zeroizing::new(*bytes)))
    }

    /// Reads the 24 words, whole and in order. White space between them may be of any kind and
    /// length, and letters may be capitals, as people write on paper: neither carries any of the
    /// 256 bits, and the checksum is held against the words all the same.
    ///
    /// # Errors
    /// [`Error::SeedInvalid`].
    pub fn from_words(text: &str) -> Result<Self> {
        let found = text.split_whitespace().count();
        if found != WORDS {
            return Err(invalid(SeedFault::WordCount { found }));
        }
        let lower = Zeroizing::new(text.to_ascii_lowercase());
        let mnemonic = Mnemonic::parse_in_normalized(Language::English, &lower)
            .map_err(|error| invalid(fault(error)))?;
        let (mut copied, _) = mnemonic.to_entropy_array();
        let entropy = Zeroizing::new(copied);
        copied.zeroize();
        let bytes = entropy.first_chunk::<32>();
        Self::from_bytes(bytes.ok_or(Error::Bug("24 words hold 32 bytes"))?)
    }

    /// The seed as 24 words, for its backup. Each call copies the secret.
    ///
    /// # Errors
    /// None in practice.
    pub fn expose_words(&self) -> Result<Zeroizing<String>> {
        let mnemonic = Mnemonic::from_entropy_in(Language::English, self.0.as_slice())
            .map_err(|_| Error::Bug("32 bytes make 24 words"))?;
        // Never grows: a buffer given up would leave a copy behind.
        let mut words = Zeroizing::new(String::with_capacity(WORDS * (WORD_LETTERS_MAX + 1)));
        for word in mnemonic.words() {
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(word);
        }
        Ok(words)
    }

    /// Five groups of four hexadecimal digits, by which a person knows its seed again. Public: the
    /// hash of 256 random bits tells nothing of them.
    pub fn fingerprint(&self) -> String {
        tagged_fingerprint(FINGERPRINT_TAG, self.0.as_slice())
    }

    /// The seed's bytes, for the key file and the derivation.
    pub fn expose_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(<redacted>)")
    }
}

fn invalid(why: SeedFault) -> Error {
    Error::SeedInvalid { why }
}

fn fault(error: bip39::Error) -> SeedFault {
    match error {
        bip39::Error::UnknownWord(index) => SeedFault::WordUnknown { number: index + 1 },
        bip39::Error::BadWordCount(found) => SeedFault::WordCount { found },
        bip39::Error::InvalidChecksum
        | bip39::Error::BadEntropyBitCount(_)
        | bip39::Error::AmbiguousLanguages(_) => SeedFault::Checksum,
    }
}
