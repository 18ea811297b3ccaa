//! The home directory of a person (`KMS_HOME`). Directories 0700, files 0600, every write atomic;
//! one writer at a time by a lock file. A reader's home has `reader.json` and no seed; NETWORK is a
//! deployment's name. Neighbours: `store` writes files, `keys` derives, `journal` keeps grants.
//!
//! `config.json  {keys,keys2}/{seed,wallet}.json  labels.json  cards/NAME.card  lock
//! groups/NAME.json  {journal,tx,evidence}/NETWORK/`

mod config;
mod contacts;
mod groups;
mod networks;
mod passphrase;
mod renewal;
mod root;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::{Path, PathBuf};

use kms_chain::{ChainError, Deployment, keystore};
use kms_protocol::{Address, EthSecret};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::store;
use kms_core::keys::{OwnerKeys, ReaderKeys, Seed};

pub use config::{Config, KeyFile, KeyFolder, Labels, NodeAddresses, Role};
pub use passphrase::{MIN_PASSPHRASE_CHARS, Passphrase, PassphraseProvider, Unlock};

use root::Root;

const CONFIG: &str = "config.json";
const LABELS: &str = "labels.json";
const CARDS: &str = "cards";
const LOCK: &str = "lock";

/// Reader keys of a home at most, numbered from 0; each costs a read one more search of the chain.
const READER_KEYS_MAX: u32 = 16;

/// Where the seed of a new home comes from.
#[derive(Debug)]
pub enum SeedSource {
    /// Drawn from the system's random source.
    New,
    /// A backup: every label, reader key and (derived) wallet returns with it. Nobody knows which
    /// reader keys have cards, so that reads try all.
    Import(Seed),
}

/// Where the key that pays comes from.
pub enum WalletSource {
    /// Derived from the seed, so that the seed's backup is enough to revoke and refund. A reader's
    /// home draws one of its own: the seed's account is the owner's.
    Derived,
    /// An Ethereum key of the person's own.
    Import(EthSecret),
}

/// What a new home is made of.
pub struct InitOptions<'a> {
    /// The contracts and their chain.
    pub deployment: Deployment,
    /// JSON-RPC endpoints, tried in order.
    pub rpc_urls: Vec<String>,
    /// What the home is for: a reader's keeps no seed.
    pub role: Role,
    /// Source of the secret that every key is derived from.
    pub seed: SeedSource,
    /// Source of the key that signs transactions and pays for them.
    pub wallet: WalletSource,
    /// Asked once, with [`Unlock::NewHome`]; encrypts the key files.
    pub passphrase: &'a dyn PassphraseProvider,
}

/// A home directory whose configuration has been read.
#[derive(Debug)]
pub struct Home {
    path: PathBuf,
    config: Config,
}

/// An advisory lock: one process writes to a home at a time. Released when dropped.
#[derive(Debug)]
pub struct HomeLock {
    path: PathBuf,
    _file: File,
}

impl Home {
    /// Makes a home, whole or not at all: it is built beside its place and renamed into it.
    ///
    /// # Errors
    /// [`Error::HomeExists`] if anything is there, [`Error::PassphraseTooShort`], [`Error::Io`].
    pub fn init(path: &Path, options: InitOptions<'_>) -> Result<Self> {
        if !is_absent_or_empty(path)? {
            return Err(Error::HomeExists {
                path: path.to_path_buf(),
            });
        }
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(parent).map_err(|source| Error::io(parent, source))?;
        let building = tempfile::Builder::new()
            .prefix(".kms-init-")
            .tempdir_in(parent)
            .map_err(|source| Error::io(parent, source))?;
        let inside = building.path().join("home");
        store::create_private_dir(&inside)?;
        fill(&inside, options)?;
        std::fs::rename(&inside, path).map_err(|source| match source.kind() {
            std::io::ErrorKind::DirectoryNotEmpty | std::io::ErrorKind::AlreadyExists => {
                Error::HomeExists {
                    path: path.to_path_buf(),
                }
            }
            _ => Error::io(path, source),
        })?;
        store::sync_parent(path)?;
        Self::open(path)
    }

    /// Opens a home for reading.
    ///
    /// # Errors
    /// [`Error::HomeMissing`], [`Error::HomeCorrupt`], [`Error::PermissionsTooOpen`].
    pub fn open(path: &Path) -> Result<Self> {
        let config =
            store::read_json::<Config>(&path.join(CONFIG))?.ok_or_else(|| Error::HomeMissing {
                path: path.to_path_buf(),
            })?;
        store::require_private(path)?;
        store::require_private(&path.join(config.keys.name()))?;
        Ok(Self {
            path: path.to_path_buf(),
            config,
        })
    }

    /// Locks the home for writing until the lock is dropped.
    ///
    /// # Errors
    /// [`Error::HomeLocked`] if another process has it.
    pub fn lock(&self) -> Result<HomeLock> {
        let path = self.path.join(LOCK);
        let mut options = File::options();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(&path)
            .map_err(|source| Error::io(&path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(HomeLock {
                path: self.path.clone(),
                _file: file,
            }),
            Err(std::fs::TryLockError::WouldBlock) => Err(Error::HomeLocked {
                path: self.path.clone(),
            }),
            Err(std::fs::TryLockError::Error(source)) => Err(Error::io(&path, source)),
        }
    }

    /// The directory, as [`Home::init`] or [`Home::open`] was given it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What `config.json` holds: deployment, endpoints, settings.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Replaces the configuration.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn set_config(&mut self, lock: &HomeLock, config: Config) -> Result<()> {
        self.check(lock)?;
        store::write_json(&self.path.join(CONFIG), &config)?;
        self.config = config;
        Ok(())
    }

    /// Notes that cards of a reader key were given away, so that reads try it. The lock may have
    /// been waited for, so the configuration is read again.
    ///
    /// # Errors
    /// [`Error::HomeCorrupt`], [`Error::Io`].
    pub fn use_reader_key(&mut self, lock: &HomeLock, number: u32) -> Result<()> {
        self.refresh(lock)?;
        let mut config = self.config.clone();
        if number < config.reader_keys {
            return Ok(());
        }
        config.reader_keys = number.saturating_add(1);
        self.set_config(lock, config)
    }

    /// Decrypts the seed.
    ///
    /// # Errors
    /// [`Error::ReaderHome`] if there is none; [`Error::WrongPassphrase`],
    /// [`Error::PermissionsTooOpen`], [`Error::HomeCorrupt`].
    pub fn unlock_seed(&self, passphrase: &dyn PassphraseProvider) -> Result<Seed> {
        if self.config.role == Role::Reader {
            return Err(self.is_reader());
        }
        match self.unlock_root(passphrase)? {
            Root::Seed(seed) => Ok(seed),
            Root::Readers(_) => Err(self.is_reader()),
        }
    }

    fn unlock_root(&self, passphrase: &dyn PassphraseProvider) -> Result<Root> {
        let bytes = self.unlock_key(KeyFile::Seed, passphrase)?;
        let root = Root::from_bytes(self.config.role, &bytes)?;
        if root.fingerprint() != self.config.seed_fingerprint {
            let path = self.key_path(KeyFile::Seed);
            return Err(store::corrupt(&path, "the seed inside is another home's"));
        }
        Ok(root)
    }

    fn is_reader(&self) -> Error {
        Error::ReaderHome {
            path: self.path.clone(),
        }
    }

    /// Decrypts the seed and derives the keys of owner and reader.
    ///
    /// # Errors
    /// As [`Home::unlock_seed`].
    pub fn unlock_owner(&self, passphrase: &dyn PassphraseProvider) -> Result<OwnerKeys> {
        Ok(OwnerKeys::from_seed(&self.unlock_seed(passphrase)?)?)
    }

    /// Decrypts what the reader keys come from; every home has it.
    ///
    /// # Errors
    /// As [`Home::unlock_seed`], but for the first.
    pub fn unlock_readers(&self, passphrase: &dyn PassphraseProvider) -> Result<ReaderKeys> {
        self.unlock_root(passphrase)?.into_readers()
    }

    /// Decrypts the key that pays.
    ///
    /// # Errors
    /// As [`Home::unlock_seed`].
    pub fn unlock_wallet(&self, passphrase: &dyn PassphraseProvider) -> Result<EthSecret> {
        let secret = EthSecret::from_bytes(&*self.unlock_key(KeyFile::Wallet, passphrase)?)?;
        if secret.address() != self.config.wallet {
            let path = self.key_path(KeyFile::Wallet);
            return Err(store::corrupt(&path, "the key inside is another account's"));
        }
        Ok(secret)
    }

    /// Takes a key that is open already, or decrypts its file. The bytes are for a program that
    /// holds them for a while; [`Home::unlock_seed`] and [`Home::unlock_wallet`] check them.
    ///
    /// # Errors
    /// As [`Home::unlock_seed`], and those of [`PassphraseProvider::opened`].
    pub fn unlock_key(
        &self,
        key: KeyFile,
        provider: &dyn PassphraseProvider,
    ) -> Result<Zeroizing<[u8; 32]>> {
        if let Some(open) = provider.opened(key, &self.config.seed_fingerprint)? {
            return Ok(open);
        }
        let purpose = match key {
            KeyFile::Seed => Unlock::Seed,
            KeyFile::Wallet => Unlock::Wallet,
        };
        unlock(&self.key_path(key), provider, purpose)
    }

    fn key_path(&self, key: KeyFile) -> PathBuf {
        self.path
            .join(self.config.keys.name())
            .join(key.name(self.config.role))
    }

    /// Address of the key that pays; needs no passphrase.
    pub const fn wallet_address(&self) -> Address {
        self.config.wallet
    }

    /// Refuses the lock of another home.
    pub(crate) fn check(&self, lock: &HomeLock) -> Result<()> {
        if lock.path == self.path {
            Ok(())
        } else {
            Err(Error::Bug(
                "a home is written under the lock of another one",
            ))
        }
    }
}

fn is_absent_or_empty(path: &Path) -> Result<bool> {
    match std::fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(source) if source.kind() == std::io::ErrorKind::NotADirectory => Ok(false),
        Err(source) => Err(Error::io(path, source)),
    }
}

/// Writes everything a home holds; the configuration last.
fn fill(dir: &Path, options: InitOptions<'_>) -> Result<()> {
    let passphrase = options.passphrase.passphrase(Unlock::NewHome)?;
    passphrase.require_length()?;
    let (seed, reader_keys) = match options.seed {
        SeedSource::New => (Seed::random()?, 1),
        SeedSource::Import(seed) => (seed, READER_KEYS_MAX),
    };
    let wallet = match (options.wallet, options.role) {
        (WalletSource::Derived, Role::Owner) => OwnerKeys::from_seed(&seed)?.wallet()?,
        (WalletSource::Derived, Role::Reader) => EthSecret::random()?,
        (WalletSource::Import(secret), _) => secret,
    };
    let root = Root::of(options.role, seed)?;
    store::create_private_dir(&dir.join(CARDS))?;
    let (deployment, rpc_urls) = (options.deployment, options.rpc_urls);
    let mut config = Config::new(deployment, rpc_urls, &root, wallet.address());
    config.reader_keys = reader_keys;
    networks::make_journals(dir, &config)?;
    renewal::write_keys(&dir.join(config.keys.name()), &root, &wallet, &passphrase)?;
    store::write_json(&dir.join(LABELS), &Labels::default())?;
    store::write_json(&dir.join(CONFIG), &config)
}

fn unlock(
    path: &Path,
    provider: &dyn PassphraseProvider,
    purpose: Unlock,
) -> Result<Zeroizing<[u8; 32]>> {
    if !path.exists() {
        return Err(store::corrupt(path, "the key file is missing"));
    }
    store::require_private(path)?;
    let passphrase = provider.passphrase(purpose)?;
    keystore::load(path, passphrase.expose()).map_err(|error| match error {
        ChainError::WrongPassword => Error::WrongPassphrase {
            path: path.to_path_buf(),
        },
        ChainError::Keystore(fault) => store::corrupt(path, &fault.to_string()),
        error => Error::Chain(error),
    })
}
