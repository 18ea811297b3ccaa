//! The journal of grants: one JSON file per policy, written before anything is paid, so that a
//! grant survives a crash at any line. It holds terms, names and the sealed uploads (each encrypted
//! to its miner's key); no key, label secret or kfrag in clear. Neighbour: `owner/grant`.

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use kms_protocol::messages::{KfragAck, KfragUpload};
use kms_protocol::{Address, B256, PolicyId, Terms};
use serde::{Deserialize, Serialize};
use umbral::PublicKey;

use crate::error::{Error, Result};
use crate::label::Label;
use crate::store::{self, Versioned};

/// How far a grant has come, as the home remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// Written down; only the chain tells whether it is paid.
    Prepared,
    /// Paid on chain; kfrags are on their way.
    Paid,
    /// Every miner has acknowledged, or was dismissed.
    Delivered,
    /// The author revoked the policy; no kfrag is kept.
    Revoked,
}

/// A kfrag sealed to one miner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// Owner address, as the terms name it.
    pub miner: Address,
    /// The body to be sent to it; `None` once it has acknowledged or was dismissed.
    pub upload: Option<KfragUpload>,
    /// keccak256 of the kfrag (195 bytes).
    pub kfrag_hash: B256,
    /// Signed by the miner's worker and verified; `None` until then.
    pub ack: Option<KfragAck>,
}

/// Terms, names, progress and sealed kfrags of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    version: u32,
    /// The policy, whether it exists yet or not.
    pub policy: PolicyId,
    /// Name of the label in this home.
    pub label: Label,
    /// Name on the reader's card.
    pub reader: String,
    /// Key of the reader that the kfrags are for.
    #[serde(with = "kms_protocol::hex_serde::umbral_key")]
    pub receiving_key: PublicKey,
    /// The terms that are paid for.
    pub terms: Terms,
    /// Written before the next step begins.
    pub state: GrantState,
    /// The transaction that paid, once known.
    pub tx_hash: Option<B256>,
    /// One per miner, in the order of the terms.
    pub sealed: Vec<Sealed>,
}

impl Versioned for Grant {
    const VERSION: u32 = 2;
}

impl Grant {
    pub(crate) fn prepared(
        policy: PolicyId,
        label: &Label,
        reader: &str,
        receiving_key: PublicKey,
        uploads: Vec<(Address, KfragUpload)>,
    ) -> Result<Self> {
        let first = uploads
            .first()
            .ok_or(Error::Bug("a grant has at least one miner"))?;
        let terms = first.1.terms.clone();
        let sealed = uploads
            .into_iter()
            .map(|(miner, upload)| Sealed {
                miner,
                kfrag_hash: upload.kfrag_hash,
                upload: Some(upload),
                ack: None,
            })
            .collect();
        Ok(Self {
            version: Self::VERSION,
            policy,
            label: label.clone(),
            reader: reader.to_owned(),
            receiving_key,
            terms,
            state: GrantState::Prepared,
            tx_hash: None,
            sealed,
        })
    }

    /// Miners that have acknowledged their kfrag, in the order of the terms.
    pub fn delivered(&self) -> Vec<Address> {
        self.sealed
            .iter()
            .filter(|s| s.ack.is_some())
            .map(|s| s.miner)
            .collect()
    }

    /// Whether it must still be paid or delivered.
    pub fn is_unfinished(&self) -> bool {
        matches!(self.state, GrantState::Prepared | GrantState::Paid)
    }

    /// Stores a verified acknowledgement and drops the sealed kfrag.
    pub(crate) fn acknowledge(&mut self, ack: KfragAck) {
        if let Some(sealed) = self.sealed.iter_mut().find(|s| s.miner == ack.miner) {
            sealed.ack = Some(ack);
            sealed.upload = None;
        }
        self.settle();
    }

    /// Drops the sealed kfrag of a miner whose arrangement was revoked.
    pub(crate) fn dismiss(&mut self, miner: Address) {
        if let Some(sealed) = self.sealed.iter_mut().find(|s| s.miner == miner) {
            sealed.upload = None;
        }
        self.settle();
    }

    /// Marks the policy as revoked and drops every sealed kfrag.
    pub(crate) fn revoke(&mut self) {
        self.state = GrantState::Revoked;
        for sealed in &mut self.sealed {
            sealed.upload = None;
        }
    }

    fn settle(&mut self) {
        if self.state == GrantState::Paid && self.sealed.iter().all(|s| s.upload.is_none()) {
            self.state = GrantState::Delivered;
        }
    }
}

/// A directory with one file per grant.
#[derive(Debug, Clone)]
pub struct Journal {
    dir: PathBuf,
}

impl Journal {
    pub(crate) fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// The grant of a policy; `None` if it was not made from this home.
    ///
    /// # Errors
    /// [`Error::HomeCorrupt`].
    pub fn get(&self, policy: PolicyId) -> Result<Option<Grant>> {
        let path = self.path(policy);
        let Some(grant) = store::read_json::<Grant>(&path)? else {
            return Ok(None);
        };
        if grant.policy != policy {
            return Err(store::corrupt(
                &path,
                "the grant inside is of another policy",
            ));
        }
        Ok(Some(grant))
    }

    /// Every grant, in order of policy id.
    ///
    /// # Errors
    /// [`Error::HomeCorrupt`].
    pub fn list(&self) -> Result<Vec<Grant>> {
        let mut grants = Vec::new();
        for entry in std::fs::read_dir(&self.dir).map_err(|source| Error::io(&self.dir, source))? {
            let name = entry
                .map_err(|source| Error::io(&self.dir, source))?
                .file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
            // Part files of an interrupted write are no grants.
            if let Some(id) = id.and_then(|id| id.parse::<PolicyId>().ok()) {
                grants.extend(self.get(id)?);
            }
        }
        grants.sort_by_key(|grant| grant.policy);
        Ok(grants)
    }

    /// Grants that must still be paid or delivered.
    ///
    /// # Errors
    /// [`Error::HomeCorrupt`].
    pub fn unfinished(&self) -> Result<Vec<Grant>> {
        let mut grants = self.list()?;
        grants.retain(Grant::is_unfinished);
        Ok(grants)
    }

    pub(crate) fn put(&self, grant: &Grant) -> Result<()> {
        store::write_json(&self.path(grant.policy), grant)
    }

    /// Forgets a grant that was never paid.
    pub(crate) fn remove(&self, policy: PolicyId) -> Result<()> {
        let path = self.path(policy);
        std::fs::remove_file(&path).map_err(|source| Error::io(&path, source))?;
        store::sync_parent(&path)
    }

    fn path(&self, policy: PolicyId) -> PathBuf {
        self.dir.join(format!("{policy}.json"))
    }
}
