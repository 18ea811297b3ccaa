//! Seals a label's name for whoever holds the seed: FORMAT.md of kms-format, section 6. The name
//! travels in `kmslabel1...` and in every file's header, and only its owner can make or read it.

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use kms_format::SealedName;
use umbral::{PublicKey, SecretKeyFactory};
use zeroize::Zeroizing;

use super::Label;
use crate::error::{Error, Result};

const NAMES: &[u8] = b"kms/v1/names";
/// First string of the associated data; the second is the label's public key.
const TAG: &[u8] = b"KMS v1 label name";
/// The plaintext's length is a multiple of this, so that little is told of the name's.
const BLOCK_BYTES: usize = 32;

/// The key that seals the names of an owner's labels. Never printed; erased when dropped.
pub(crate) struct NamesKey(Zeroizing<[u8; 64]>);

impl NamesKey {
    /// Derives the key from the root of a person's keys.
    pub(crate) fn derive(root: &SecretKeyFactory) -> Result<Self> {
        Ok(Self(root.make_secret(NAMES)?))
    }

    /// Seals a label's name beside its key. The same name gives the same bytes.
    pub(crate) fn seal(&self, label: &Label, key: &PublicKey) -> Result<SealedName> {
        let name = label.as_str().as_bytes();
        let length = u8::try_from(name.len()).map_err(|_| Error::Bug("a label is short"))?;
        let padded = (1 + name.len()).next_multiple_of(BLOCK_BYTES);
        let mut plain = Zeroizing::new(Vec::with_capacity(padded));
        plain.push(length);
        plain.extend_from_slice(name);
        plain.resize(padded, 0);
        let sealed = self.cipher().encrypt([TAG, &key.to_bytes()], &plain);
        let sealed = sealed.map_err(|_| Error::Bug("a label's name can be sealed"))?;
        Ok(SealedName::from_bytes(&sealed)?)
    }

    /// Opens a name that was sealed beside `key`; `None` if it was sealed under another seed, for
    /// another key, or changed.
    pub(crate) fn open(&self, sealed: &SealedName, key: &PublicKey) -> Option<Label> {
        let opened = self
            .cipher()
            .decrypt([TAG, &key.to_bytes()], sealed.as_bytes());
        let plain = Zeroizing::new(opened.ok()?);
        let (length, rest) = plain.split_first()?;
        let (name, zeros) = rest.split_at_checked(usize::from(*length))?;
        if zeros.len() >= BLOCK_BYTES || zeros.iter().any(|byte| *byte != 0) {
            return None;
        }
        Label::try_from(std::str::from_utf8(name).ok()?.to_owned()).ok()
    }

    fn cipher(&self) -> Aes256Siv {
        Aes256Siv::new((&*self.0).into())
    }
}

#[cfg(test)]
mod tests;
