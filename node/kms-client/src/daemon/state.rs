//! What all requests share: home, network, keys.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use kms_format::{DataKey, Header, Locator};
use kms_protocol::{B256, EthSecret, keccak256};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::guard::Guard;
use super::options::DaemonOptions;
use super::problem::Problem;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::judge::EvidenceBook;
use crate::network::Network;
use crate::owner::{self, Owner};
use crate::payer::Payer;
use crate::progress::Silent;
use crate::reader::Reader;
use kms_core::keys::{OwnerKeys, ReaderKey};

/// How long a file's key is kept for the next range of it. So much later at most, a revocation is
/// felt by whoever reads through this daemon.
const KEY_KEPT: Duration = Duration::from_secs(30);
/// Keys kept at a time.
const KEYS_KEPT: usize = 64;

pub(super) struct State {
    pub(super) home: Home,
    pub(super) network: Network,
    pub(super) guard: Guard,
    pub(super) content: Option<PathBuf>,
    evidence: EvidenceBook,
    pub(super) look: Duration,
    /// Held by whoever spends: one at a time.
    pub(super) spending: Mutex<()>,
    exit_of: fn(&str) -> u8,
    keys: Option<OwnerKeys>,
    readers: Vec<ReaderKey>,
    wallet: EthSecret,
    kept: std::sync::Mutex<BTreeMap<B256, (Instant, Arc<DataKey>)>>,
}

impl State {
    pub(super) fn new(options: DaemonOptions, guard: Guard) -> Self {
        Self {
            evidence: options.home.evidence(),
            home: options.home,
            network: options.network,
            guard,
            content: options.content,
            look: options.look,
            spending: Mutex::new(()),
            exit_of: options.exit_of,
            keys: options.owner,
            readers: options.readers,
            wallet: options.wallet,
            kept: std::sync::Mutex::default(),
        }
    }

    pub(super) fn owner(&self) -> Owner<'_> {
        Owner::new(&self.home, &self.network, self.network.nodes())
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        Reader::new(&self.readers, &self.network, self.network.nodes())
            .with_evidence(&self.evidence)
    }

    /// The owner's keys.
    ///
    /// # Errors
    /// [`Error::ReaderHome`] in a reader's home.
    pub(super) fn keys(&self) -> Result<&OwnerKeys> {
        self.keys.as_ref().ok_or_else(|| Error::ReaderHome {
            path: self.home.path().to_path_buf(),
        })
    }

    pub(super) fn payer(&self, lock: &crate::home::HomeLock) -> Result<Payer> {
        let wallet = EthSecret::from_bytes(&self.wallet.expose_bytes())?;
        Payer::open(&self.home, lock, &self.network, wallet)
    }

    pub(super) fn locator(&self) -> Locator {
        let deployment = &self.home.config().deployment;
        Locator {
            chain_id: deployment.chain_id,
            contract: deployment.contracts.policies.address.0,
        }
    }

    pub(super) fn problem(&self, error: &Error) -> Problem {
        Problem::of(error, self.exit_of)
    }

    /// The key of a file: by the seed if it is one's own, or else by the miners.
    pub(super) async fn data_key(&self, header: &Header) -> Result<Arc<DataKey>> {
        let known = keccak256(header.as_bytes());
        let now = Instant::now();
        if let Some((until, key)) = self.kept().get(&known)
            && *until > now
        {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(self.unlock(header).await?);
        let mut kept = self.kept();
        kept.retain(|_, (until, _)| *until > now);
        if kept.len() < KEYS_KEPT {
            kept.insert(known, (now + KEY_KEPT, Arc::clone(&key)));
        }
        Ok(key)
    }

    async fn unlock(&self, header: &Header) -> Result<DataKey> {
        if let Some(keys) = &self.keys {
            match owner::data_key(keys, &self.home.labels()?, header) {
                Err(Error::FileOfUnknownLabel { .. } | Error::SealedNameForeign { .. }) => {}
                own => return own,
            }
        }
        self.reader().data_key(header, &Silent).await
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, BTreeMap<B256, (Instant, Arc<DataKey>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
