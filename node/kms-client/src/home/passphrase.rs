//! Where passphrases come from: a prompt, a file, a descriptor; the SDK only asks. Neighbour: the
//! command line implements [`PassphraseProvider`].

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::home::config::KeyFile;

/// Shortest passphrase a new home accepts, in characters.
pub const MIN_PASSPHRASE_CHARS: usize = 8;

/// What a passphrase is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unlock {
    /// To protect the keys of a home being made; a prompt asks twice.
    NewHome,
    /// To decrypt the seed: grants, offline decryption, reading.
    Seed,
    /// To decrypt the key that pays.
    Wallet,
}

/// A passphrase. Never printed; erased when dropped.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes a passphrase as typed.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for key derivation.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Refuses a passphrase that is too short for a new home.
    pub(crate) fn require_length(&self) -> Result<()> {
        let given = self.0.chars().count();
        if given < MIN_PASSPHRASE_CHARS {
            return Err(Error::PassphraseTooShort {
                given,
                least: MIN_PASSPHRASE_CHARS,
            });
        }
        Ok(())
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(<redacted>)")
    }
}

/// A source of passphrases: a prompt, a file, a descriptor.
pub trait PassphraseProvider {
    /// Called once per key file that is opened.
    ///
    /// # Errors
    /// [`Error::PassphraseMissing`] or [`Error::PromptInBackground`] if nobody can be asked,
    /// [`Error::Interrupted`].
    fn passphrase(&self, purpose: Unlock) -> Result<Passphrase>;

    /// A key of the home whose seed has the fingerprint `seed`, if it is open already; its file and
    /// the passphrase are not needed then.
    ///
    /// # Errors
    /// Those of whoever holds the keys.
    fn opened(&self, _key: KeyFile, _seed: &str) -> Result<Option<Zeroizing<[u8; 32]>>> {
        Ok(None)
    }
}
