//! The node's keys on disk: the worker key (signs transactions, receipts and answers) and the
//! storage root (encrypts kfrags at rest, derived from no other key), each in a v3 keystore of mode
//! 0600. The owner key of the stake is never on this host. `init` creates the keys, once.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use kms_chain::{ChainError, KeystoreFault, keystore};
use kms_protocol::{Address, EthSecret};

use crate::config::{NodeConfig, Sources};
use crate::error::NodeError;
use crate::kfrag::seal::StorageRoot;

const CONFIG_FILE: &str = "node.toml";
const WORKER_FILE: &str = "worker.json";
const STORAGE_FILE: &str = "storage-key.json";
const DATABASE_FILE: &str = "node.sqlite";

/// The options of [`init`].
#[derive(Debug, Clone)]
pub struct InitOptions {
    /// Data directory, created if absent; must not hold a node.
    pub data_dir: PathBuf,
    /// Configuration keys and values for `node.toml`, as in `Sources::flags`. Required are
    /// `deployment`, `rpc_urls` (joined by commas), `miner` and `public_url`.
    pub settings: Vec<(String, String)>,
}

/// What an owner needs of a new node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Initialised {
    /// Address of the worker key: the owner bonds it and sends it ether for gas.
    pub worker: Address,
}

/// Creates the data directory (mode 0700), the keystores (0600) and `node.toml`. Overwrites
/// nothing. Blocking for about a second (scrypt, for each keystore).
///
/// # Errors
/// [`NodeError::AlreadyInitialised`] or [`NodeError::Config`], before anything is written;
/// [`NodeError::File`] or [`NodeError::Keystore`] for a file that cannot be written.
pub fn init(options: &InitOptions, passphrase: &str) -> Result<Initialised, NodeError> {
    let dir = &options.data_dir;
    let text = config_text(options)?;
    for name in [CONFIG_FILE, WORKER_FILE, STORAGE_FILE, DATABASE_FILE] {
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
    Ok(Initialised { worker: address })
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

/// Composes `node.toml` and checks that a node would accept it.
fn config_text(options: &InitOptions) -> Result<String, NodeError> {
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
    NodeConfig::load(&Sources {
        flags: checked,
        ..Sources::default()
    })?;
    let mut text =
        String::from("# Configuration of this node; `kms node config show` lists every key.\n");
    for (key, value) in &flags {
        if value.is_empty() {
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
    Ok(text)
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
