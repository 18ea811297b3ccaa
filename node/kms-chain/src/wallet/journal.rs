//! Signed transactions on disk, from before they are broadcast until they are settled, and those
//! that succeeded until somebody has recorded their result, so that `wallet` and its caller may be
//! killed at any moment.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use kms_protocol::hex_serde::hex_bytes;
use kms_protocol::{Address, B256, Wei};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{ChainError, FileAction, JsonFile};
use crate::files::{self, Existing, fault};
use crate::types::{Fees, TxReceipt};

/// A signed transaction and its fields, by which it is recognised and repriced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournaledTx {
    /// Kind of the call, as `Call::kind` names it.
    pub kind: String,
    /// Whether the call moves tokens or ether each time, as `Call::adds` tells.
    pub adds: bool,
    /// Whether the chain takes the call once only, as `Call::once` tells.
    pub once: bool,
    /// Chain it is signed for.
    pub chain_id: u64,
    /// Account that signed and pays.
    pub sender: Address,
    /// Nonce, shared by all attempts.
    pub nonce: u64,
    /// Contract or account that is called.
    pub to: Address,
    /// Calldata; empty for a transfer of ether.
    #[serde(with = "hex_bytes")]
    pub data: Vec<u8>,
    /// Ether that is sent along.
    pub value: Wei,
    /// Gas limit, margin included already.
    pub gas_limit: u64,
    /// Most that is paid per gas (`maxFeePerGas`).
    pub max_fee: Wei,
    /// Tip that is paid per gas (`maxPriorityFeePerGas`).
    pub tip: Wei,
    /// keccak256 of `raw`, which names the file.
    pub hash: B256,
    /// Signed transaction in EIP-2718 encoding.
    #[serde(with = "hex_bytes")]
    pub raw: Vec<u8>,
}

impl JournaledTx {
    /// Fees per gas of this attempt.
    #[must_use]
    pub fn fees(&self) -> Fees {
        Fees {
            max_fee: self.max_fee,
            tip: self.tip,
        }
    }
}

/// A transaction that succeeded and whose result nobody has recorded yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettledTx {
    /// The transaction, in its last attempt.
    pub tx: JournaledTx,
    /// Its block, gas and fee.
    pub receipt: TxReceipt,
    /// When it was settled, seconds since the Unix epoch by this host's clock.
    pub settled_at: u64,
}

/// Proof that this process alone sends from a journal; released when dropped.
#[derive(Debug, Default)]
pub struct JournalLock {
    _held: Option<File>,
}

impl JournalLock {
    /// Makes a lock for a journal that no other process can open.
    #[must_use]
    pub fn private() -> Self {
        Self { _held: None }
    }
}

/// Storage of a wallet's unsettled transactions. Calls block while the disk is written.
pub trait TxJournal: Send + Sync {
    /// Takes the right to send; `None` while another process has it.
    ///
    /// # Errors
    /// `File`.
    fn try_lock(&self) -> Result<Option<JournalLock>, ChainError>;

    /// Loads the unsettled transactions of a sender on a chain, in ascending order of nonce,
    /// attempts of one nonce in ascending order of fees.
    ///
    /// # Errors
    /// `File`, `Json`.
    fn load(&self, chain_id: u64, sender: Address) -> Result<Vec<JournaledTx>, ChainError>;

    /// Stores a transaction; it is on disk when this returns.
    ///
    /// # Errors
    /// `File`.
    fn record(&self, tx: &JournaledTx) -> Result<(), ChainError>;

    /// Removes a settled transaction; does nothing if it is unknown.
    ///
    /// # Errors
    /// `File`.
    fn clear(&self, tx: &JournaledTx) -> Result<(), ChainError>;

    /// Stores a transaction that succeeded; it is on disk when this returns.
    ///
    /// # Errors
    /// `File`.
    fn keep(&self, settled: &SettledTx) -> Result<(), ChainError>;

    /// Loads what was kept for a sender on a chain, in ascending order of nonce.
    ///
    /// # Errors
    /// `File`, `Json`.
    fn kept(&self, chain_id: u64, sender: Address) -> Result<Vec<SettledTx>, ChainError>;

    /// Removes what was kept; does nothing if it is unknown.
    ///
    /// # Errors
    /// `File`.
    fn forget(&self, settled: &SettledTx) -> Result<(), ChainError>;

    /// Path of the journal, for messages.
    fn location(&self) -> PathBuf;
}

/// Endings of the files of a journal.
const UNSETTLED: &str = "json";
const SETTLED: &str = "settled";

/// A journal in a directory: one JSON file of mode 0600 per transaction, `.json` while it is not
/// settled, `.settled` afterwards.
#[derive(Debug, Clone)]
pub struct DirJournal {
    directory: PathBuf,
}

impl DirJournal {
    /// Opens the journal in `directory`, which is made if it is missing.
    ///
    /// # Errors
    /// `File`.
    pub fn open(directory: &Path) -> Result<Self, ChainError> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(directory)
            .map_err(fault(FileAction::Write, directory))?;
        Ok(Self {
            directory: directory.to_owned(),
        })
    }

    fn path_of(&self, tx: &JournaledTx, end: &str) -> PathBuf {
        let (chain, sender, nonce, hash) = (tx.chain_id, tx.sender, tx.nonce, tx.hash);
        self.directory
            .join(format!("{chain}-{sender}-{nonce}-{hash}.{end}"))
    }

    /// Reads the files of a sender on a chain with this ending.
    fn all<T: DeserializeOwned>(
        &self,
        chain_id: u64,
        sender: Address,
        end: &str,
    ) -> Result<Vec<T>, ChainError> {
        let prefix = format!("{chain_id}-{sender}-");
        let mut found = Vec::new();
        let entries = fs::read_dir(&self.directory);
        for entry in entries.map_err(fault(FileAction::Read, &self.directory))? {
            let path = entry
                .map_err(fault(FileAction::Read, &self.directory))?
                .path();
            let name = path.file_name().and_then(|name| name.to_str());
            let ours = name.is_some_and(|name| name.starts_with(&prefix));
            if ours && path.extension().is_some_and(|found| found == end) {
                found.push(Self::read(&path)?);
            }
        }
        Ok(found)
    }

    fn read<T: DeserializeOwned>(path: &Path) -> Result<T, ChainError> {
        serde_json::from_str(&files::read(path)?).map_err(|source| ChainError::Json {
            what: JsonFile::TxJournal,
            path: path.to_owned(),
            source,
        })
    }

    fn write(path: &Path, value: &impl Serialize) -> Result<(), ChainError> {
        let text = serde_json::to_vec_pretty(value).map_err(|source| ChainError::Json {
            what: JsonFile::TxJournal,
            path: path.to_owned(),
            source,
        })?;
        files::write(path, &text, Existing::Replace)
    }
}

impl TxJournal for DirJournal {
    fn try_lock(&self) -> Result<Option<JournalLock>, ChainError> {
        let path = self.directory.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(fault(FileAction::Lock, &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(JournalLock { _held: Some(file) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(fault(FileAction::Lock, &path)(error)),
        }
    }

    fn load(&self, chain_id: u64, sender: Address) -> Result<Vec<JournaledTx>, ChainError> {
        let mut found: Vec<JournaledTx> = self.all(chain_id, sender, UNSETTLED)?;
        found.sort_by_key(|tx| (tx.nonce, tx.max_fee));
        Ok(found)
    }

    fn record(&self, tx: &JournaledTx) -> Result<(), ChainError> {
        Self::write(&self.path_of(tx, UNSETTLED), tx)
    }

    fn clear(&self, tx: &JournaledTx) -> Result<(), ChainError> {
        files::remove(&self.path_of(tx, UNSETTLED))
    }

    fn keep(&self, settled: &SettledTx) -> Result<(), ChainError> {
        Self::write(&self.path_of(&settled.tx, SETTLED), settled)
    }

    fn kept(&self, chain_id: u64, sender: Address) -> Result<Vec<SettledTx>, ChainError> {
        let mut found: Vec<SettledTx> = self.all(chain_id, sender, SETTLED)?;
        found.sort_by_key(|settled| settled.tx.nonce);
        Ok(found)
    }

    fn forget(&self, settled: &SettledTx) -> Result<(), ChainError> {
        files::remove(&self.path_of(&settled.tx, SETTLED))
    }

    fn location(&self) -> PathBuf {
        self.directory.clone()
    }
}

#[cfg(test)]
mod tests;
