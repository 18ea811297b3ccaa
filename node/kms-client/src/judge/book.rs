//! The evidence of a home: one small file for each miner, policy and capsule, durable, in bounds
//! that no miner can use up for the others. Readers write it without the home's lock: each file is
//! replaced whole.

use std::path::PathBuf;

use kms_protocol::B256;

use super::error::JudgeError;
use super::evidence::Evidence;
use crate::error::{Error, Result};
use crate::store;

/// Evidence kept at most; beyond it the oldest leaves, which convicts the shortest.
const ALL_MAX: usize = 256;
/// Evidence kept of one miner: each piece costs it a penalty, and more say nothing new.
const OF_MINER_MAX: usize = 8;

/// A directory with one file per piece of evidence.
#[derive(Debug, Clone)]
pub struct EvidenceBook {
    dir: PathBuf,
}

impl EvidenceBook {
    pub(crate) const fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Everything that is kept, oldest first.
    ///
    /// # Errors
    /// [`Error::HomeCorrupt`], [`Error::Io`].
    pub fn list(&self) -> Result<Vec<Evidence>> {
        let entries = match std::fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(Error::io(&self.dir, source)),
        };
        let mut all = Vec::new();
        for entry in entries {
            let name = entry.map_err(|source| Error::io(&self.dir, source))?;
            let name = name.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
            // Part files of an interrupted write are none.
            if let Some(id) = id.and_then(|id| id.parse::<B256>().ok()) {
                all.extend(self.read(id)?);
            }
        }
        all.sort_by_key(|evidence| (evidence.block_time(), evidence.id()));
        Ok(all)
    }

    /// One piece of evidence.
    ///
    /// # Errors
    /// [`JudgeError::EvidenceUnknown`], [`Error::HomeCorrupt`].
    pub fn get(&self, id: B256) -> Result<Evidence> {
        let found = self.read(id)?;
        found.ok_or_else(|| JudgeError::EvidenceUnknown { id }.into())
    }

    /// Keeps evidence, unless what is kept is as good; says whether it was written.
    pub(crate) fn keep(&self, evidence: Evidence) -> Result<bool> {
        let id = evidence.id();
        let better = match self.read(id)? {
            Some(old) => old.improved(evidence),
            None if self.makes_room(&evidence)? => Some(evidence),
            None => None,
        };
        let Some(better) = better else {
            return Ok(false);
        };
        store::create_private_dir(&self.dir)?;
        store::write_json(&self.path(id), &better)?;
        Ok(true)
    }

    /// Holds an answer against the evidence over the same capsule; says whether the two convict.
    pub(crate) fn compare(&self, answer: Evidence) -> Result<bool> {
        match self.read(answer.id())? {
            Some(_) => self.keep(answer),
            None => Ok(false),
        }
    }

    /// Forgets evidence that has convicted.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn forget(&self, id: B256) -> Result<()> {
        let path = self.path(id);
        match std::fs::remove_file(&path) {
            Ok(()) => store::sync_parent(&path),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(Error::io(&path, source)),
        }
    }

    fn makes_room(&self, evidence: &Evidence) -> Result<bool> {
        let all = self.list()?;
        let of_miner = all.iter().filter(|other| other.miner == evidence.miner);
        if of_miner.count() >= OF_MINER_MAX {
            return Ok(false);
        }
        let beyond = all.len().saturating_add(1).saturating_sub(ALL_MAX);
        for oldest in all.iter().take(beyond) {
            self.forget(oldest.id())?;
        }
        Ok(true)
    }

    fn read(&self, id: B256) -> Result<Option<Evidence>> {
        let path = self.path(id);
        let found = store::read_json::<Evidence>(&path)?;
        match found.as_ref().is_none_or(|evidence| evidence.id() == id) {
            true => Ok(found),
            false => Err(store::corrupt(
                &path,
                "the evidence inside is of another case",
            )),
        }
    }

    fn path(&self, id: B256) -> PathBuf {
        self.dir.join(format!("{id}.json"))
    }
}
