//! The node's keys on disk: the worker key (signs transactions, receipts and answers) and the
//! storage root (encrypts kfrags at rest, derived from no other key), each in a v3 keystore of mode
//! 0600. The owner key of the stake is never on this host. `init` creates the keys, once.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use kms_chain::{ChainError, KeystoreFault, keystore};
use kms_protocol::{Address, Domain, EthSecret, SignedConsent};

use crate::config::{KEYS, NodeConfig, Sources};
use crate::error::NodeError;
use crate::kfrag::seal::StorageRoot;

const CONFIG_FILE: &str = "node.toml";
const WORKER_FILE: &str = "worker.json";
const STORAGE_FILE: &str = "storage-key.json";
const CONSENT_FILE: &str = "worker-consent";
const DATABASE_FILE: &str = "node.sqlite";

/// The options of [`init`].
#[derive(Debug, Clone)]
pub struct InitOptions {
    /// Data directory, created if absent; must not hold a node.
    pub data_dir: PathBuf,
    /// Configuration keys and values for `node.toml`, as in `Sources::flags`. Required are
    /// `deployment`, `rpc_urls` (joined by commas), `miner` and `public_url`.
    pub settings: Vec<(String, String)>,
    /// Where the miner of the settings may bond the new worker, and until when.
    pub consent: ConsentTo,
}

/// Where and until when a worker may be bonded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsentTo {
    /// Domain of the StakingEscrow.
    pub escrow: Domain,
    /// Last block timestamp, in seconds.
    pub until: u64,
}

/// What an owner needs of a new node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Initialised {
    /// Address of the worker key: the owner sends it ether for gas.
    pub worker: Address,
    /// By which the owner bonds it.
    pub consent: SignedConsent,
}

/// Creates the data directory (mode 0700), the keystores (0600) and `node.toml`. Overwrites
/// nothing. Blocking for about a second (scrypt, for each keystore).
///
/// # Errors
/// [`NodeError::AlreadyInitialised`] or [`NodeError::Config`], before anything is written;
/// [`NodeError::File`] or [`NodeError::Keystore`] for a file that cannot be written.
pub fn init(options: &InitOptions, passphrase: &str) -> Result<Initialised, NodeError> {
    let dir = &options.data_dir;
    let (text, miner) = config_text(options)?;
    for name in [
        CONFIG_FILE,
        WORKER_FILE,
        STORAGE_FILE,
        CONSENT_FILE,
        DATABASE_FILE,
    ] {
        let path = dir.join(name);
        if path.exists() {
            return Err(NodeError::AlreadyInitialised { path });
        }
    }
    create_private_dir(dir)?;
    let worker = EthSecret::random().map_err(|_| NodeError::Crypto("no random bytes"))?;
    let address = worker.address();
    let path = dir.join(WORKER_FILE);
    keystore::save(&path, &worker.expose_bytes(), passphrase, Some(address))
        .map_err(|source| keystore_error(path, source))?;
    let path = dir.join(STORAGE_FILE);
    keystore::save(
        &path,
        StorageRoot::random()?.expose_bytes(),
        passphrase,
        None,
    )
    .map_err(|source| keystore_error(path, source))?;
    write_new(&dir.join(CONFIG_FILE), &text)?;
    let consent = keep_consent(dir, &worker, miner, &options.consent)?;
    Ok(Initialised {
        worker: address,
        consent,
    })
}

/// Signs the worker's consent to be bonded to `miner`, and keeps it in the data directory in the
/// place of an earlier one. Blocking for about half a second (scrypt).
///
/// # Errors
/// [`NodeError::File`], [`NodeError::Keystore`], [`NodeError::WrongPassphrase`].
pub fn consent(
    data_dir: &Path,
    passphrase: &str,
    miner: Address,
    to: &ConsentTo,
) -> Result<SignedConsent, NodeError> {
    let bytes = open_keystore(data_dir.join(WORKER_FILE), passphrase)?;
    let bad_key = |_| NodeError::Crypto("a keystore holds no valid key");
    let worker = EthSecret::from_bytes(&bytes).map_err(bad_key)?;
    keep_consent(data_dir, &worker, miner, to)
}

/// Reads the worker's consent from a data directory, without a passphrase.
///
/// # Errors
/// [`NodeError::File`] if there is none, or it is damaged.
pub fn consent_of(data_dir: &Path) -> Result<SignedConsent, NodeError> {
    let path = data_dir.join(CONSENT_FILE);
    let failed = |source| NodeError::File {
        path: path.clone(),
        source,
    };
    let text = fs::read_to_string(&path).map_err(failed)?;
    let bad = |error| failed(std::io::Error::new(std::io::ErrorKind::InvalidData, error));
    text.trim_end().parse().map_err(bad)
}

fn keep_consent(
    dir: &Path,
    worker: &EthSecret,
    miner: Address,
    to: &ConsentTo,
) -> Result<SignedConsent, NodeError> {
    let signed = SignedConsent::sign(worker, miner, to.until, &to.escrow);
    // Replaced in one step. It is of no use to anybody but the miner, whom the settings name too.
    let (path, fresh) = (dir.join(CONSENT_FILE), dir.join("worker-consent.new"));
    let failed = |source| NodeError::File {
        path: path.clone(),
        source,
    };
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    write_new(&fresh, &format!("{signed}\n"))?;
    fs::rename(&fresh, &path).map_err(failed)?;
    Ok(signed)
}

/// Reads the worker's address from a data directory, without a passphrase.
///
/// # Errors
/// [`NodeError::File`] if there is no node, [`NodeError::Keystore`] if its keystore is damaged.
pub fn worker_of(data_dir: &Path) -> Result<Address, NodeError> {
    let path = data_dir.join(WORKER_FILE);
    match keystore::address_of(&path) {
        Ok(Some(worker)) => Ok(worker),
        Ok(None) => Err(keystore_error(
            path,
            ChainError::Keystore(KeystoreFault::Malformed),
        )),
        Err(error) => Err(keystore_error(path, error)),
    }
}

/// Composes `node.toml`, checks that a node would accept it, and tells the miner that it names.
fn config_text(options: &InitOptions) -> Result<(String, Address), NodeError> {
    let mut flags = options.settings.clone();
    for (key, value) in &mut flags {
        if key == "deployment" {
            let path = std::path::absolute(&*value).map_err(|source| NodeError::File {
                path: value.clone().into(),
                source,
            })?;
            *value = path.display().to_string();
        }
    }
    let data_dir = (
        "data_dir".to_owned(),
        options.data_dir.display().to_string(),
    );
    let checked = [vec![data_dir], flags.clone()].concat();
    let loaded = NodeConfig::load(&Sources {
        flags: checked,
        ..Sources::default()
    })?;
    let mut text =
        String::from("# Configuration of this node; `kms node config show` lists every key.\n");
    for (key, value) in &flags {
        // An empty value says something only where there is a default.
        let has_default = KEYS
            .iter()
            .any(|row| row.name == key && !row.default.is_empty());
        if value.is_empty() && !has_default {
            continue;
        }
        let value = match key.as_str() {
            "rpc_urls" => toml::Value::from(
                value
                    .split(',')
                    .map(|url| url.trim().to_owned())
                    .collect::<Vec<_>>(),
            ),
            _ => toml_value(value),
        };
        text.push_str(&format!("{key} = {value}\n"));
    }
    Ok((text, loaded.config.miner))
}

fn toml_value(text: &str) -> toml::Value {
    match (text.parse::<i64>(), text.parse::<bool>()) {
        (Ok(number), _) => number.into(),
        (_, Ok(flag)) => flag.into(),
        _ => text.into(),
    }
}

fn create_private_dir(dir: &Path) -> Result<(), NodeError> {
    let failed = |source| NodeError::File {
        path: dir.to_owned(),
        source,
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(failed)?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(failed)
}

fn write_new(path: &Path, text: &str) -> Result<(), NodeError> {
    let failed = |source| NodeError::File {
        path: path.to_owned(),
        source,
    };
    let options = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let mut file = options.map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)
}

/// The secret keys of a running node; has no `Debug`.
pub(crate) struct Keys {
    pub(crate) worker: EthSecret,
    pub(crate) storage: StorageRoot,
}

impl Keys {
    /// Opens the keystores. Blocking for about a second (scrypt, for each).
    pub(crate) fn open(data_dir: &Path, passphrase: &str) -> Result<Self, NodeError> {
        let worker_bytes = open_keystore(data_dir.join(WORKER_FILE), passphrase)?;
        let storage = open_keystore(data_dir.join(STORAGE_FILE), passphrase)?;
        let bad_key = |_| NodeError::Crypto("a keystore holds no valid key");
        let worker = EthSecret::from_bytes(&worker_bytes).map_err(bad_key)?;
        Ok(Self {
            worker,
            storage: StorageRoot::from_bytes(&storage),
        })
    }
}

/// Checks that a file or directory exists and that only its owner can read it.
pub(crate) fn check_private(path: &Path) -> Result<(), NodeError> {
    let metadata = fs::metadata(path).map_err(|source| NodeError::File {
        path: path.to_owned(),
        source,
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(NodeError::Permissions {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

pub(crate) fn database_path(dir: &Path) -> PathBuf {
    dir.join(DATABASE_FILE)
}

fn open_keystore(path: PathBuf, passphrase: &str) -> Result<keystore::Secret, NodeError> {
    check_private(&path)?;
    keystore::load(&path, passphrase).map_err(|source| keystore_error(path, source))
}

fn keystore_error(path: PathBuf, source: ChainError) -> NodeError {
    match source {
        ChainError::WrongPassword => NodeError::WrongPassphrase { path },
        ChainError::FileExists { path } => NodeError::AlreadyInitialised { path },
        ChainError::File { path, source, .. } => NodeError::File { path, source },
        source => NodeError::Keystore { path, source },
    }
}

#[cfg(test)]
mod tests;
