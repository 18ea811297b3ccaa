//! The networks that a home was pointed at, one at a time: each has a journal of grants, one of
//! transactions, and evidence, in a folder of its own.

use std::path::{Path, PathBuf};

use kms_chain::Deployment;

use super::{Config, Home, HomeLock};
use crate::error::Result;
use crate::journal::Journal;
use crate::judge::EvidenceBook;
use crate::store;

const JOURNAL: &str = "journal";
const TX: &str = "tx";
const EVIDENCE: &str = "evidence";

impl Home {
    /// Points the home at a deployment, in one step. What was done on the one before stays, and is
    /// there again when the home returns to it.
    ///
    /// # Errors
    /// As [`Home::refresh`].
    pub fn set_network(
        &mut self,
        lock: &HomeLock,
        deployment: Deployment,
        rpc_urls: Vec<String>,
    ) -> Result<()> {
        self.refresh(lock)?;
        let mut config = self.config.clone();
        config.deployment = deployment;
        config.rpc_urls = rpc_urls;
        make_journals(&self.path, &config)?;
        self.set_config(lock, config)
    }

    /// The grants made from this home, finished or not.
    pub fn journal(&self) -> Journal {
        Journal::at(self.path.join(JOURNAL).join(self.config.network_id()))
    }

    /// False answers of miners, kept as evidence.
    pub fn evidence(&self) -> EvidenceBook {
        EvidenceBook::at(self.path.join(EVIDENCE).join(self.config.network_id()))
    }

    /// Directory of the wallet's journal: transactions signed and not settled.
    pub fn tx_dir(&self) -> PathBuf {
        self.path.join(TX).join(self.config.network_id())
    }
}

/// Makes the folders of what is done on the configured deployment, unless they are there.
pub(super) fn make_journals(home: &Path, config: &Config) -> Result<()> {
    for name in [JOURNAL, TX] {
        let (all, ours) = (home.join(name), home.join(name).join(config.network_id()));
        for dir in [all, ours] {
            if !dir.is_dir() {
                store::create_private_dir(&dir)?;
            }
        }
    }
    Ok(())
}
