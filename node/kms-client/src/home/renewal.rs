//! A new passphrase for a home, at once for all its keys: they are encrypted anew in a second
//! folder, and `config.json`, replaced in one step, says which folder counts. Whenever it is
//! interrupted, one passphrase opens all keys.

use std::path::Path;

use kms_chain::keystore;
use kms_protocol::EthSecret;

use super::root::Root;
use super::{Home, HomeLock, KeyFile, Passphrase, PassphraseProvider};
use crate::error::{Error, Result};
use crate::store;

impl Home {
    /// Reads the configuration again under the lock, before anything is written by it: another
    /// command may have replaced it while the lock was waited for. Removes the folder of keys that
    /// an interrupted change left, which another passphrase opens.
    ///
    /// # Errors
    /// As [`Home::open`]; [`Error::Io`].
    pub fn refresh(&mut self, lock: &HomeLock) -> Result<()> {
        self.check(lock)?;
        self.config = Self::open(&self.path)?.config;
        remove(&self.path.join(self.config.keys.other().name()))
    }

    /// Encrypts the keys under another passphrase. The old one, which `old` gives, opens nothing
    /// here afterwards; copies of the old files are out of reach.
    ///
    /// # Errors
    /// [`Error::PassphraseTooShort`], and as [`Home::unlock_seed`]; then the old one stays.
    pub fn change_passphrase(
        &mut self,
        lock: &HomeLock,
        old: &dyn PassphraseProvider,
        new: &Passphrase,
    ) -> Result<()> {
        self.refresh(lock)?;
        new.require_length()?;
        let (root, wallet) = (self.unlock_root(old)?, self.unlock_wallet(old)?);
        let (from, to) = (self.config.keys, self.config.keys.other());
        write_keys(&self.path.join(to.name()), &root, &wallet, new)?;
        let mut config = self.config.clone();
        config.keys = to;
        self.set_config(lock, config)?;
        remove(&self.path.join(from.name()))
    }
}

/// Makes the folder of the keys, durably.
pub(super) fn write_keys(
    dir: &Path,
    root: &Root,
    wallet: &EthSecret,
    passphrase: &Passphrase,
) -> Result<()> {
    store::create_private_dir(dir)?;
    let text = passphrase.expose();
    let file = |key: KeyFile| dir.join(key.name(root.role()));
    keystore::save(&file(KeyFile::Seed), &root.expose_bytes(), text, None)?;
    let (secret, address) = (wallet.expose_bytes(), wallet.address());
    keystore::save(&file(KeyFile::Wallet), &secret, text, Some(address))?;
    store::sync_parent(dir)
}

fn remove(dir: &Path) -> Result<()> {
    match std::fs::remove_dir_all(dir) {
        Ok(()) => store::sync_parent(dir),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::io(dir, source)),
    }
}

#[cfg(test)]
mod tests;
