//! Asks every miner of a reader's policies for one capsule, also those that should refuse, and
//! keeps what convicts them. A read asks no miner whose access was revoked, and drops the slow
//! answers.
//! Neighbours: `collect` asks, `judge` keeps and accuses.

use std::time::Duration;

use futures_util::future::{join_all, try_join};
use kms_protocol::{Address, PolicyId};
use serde::Serialize;
use tokio::time::Instant;
use umbral::{Capsule, PublicKey};

use super::Reader;
use super::collect::Question;
use super::find::Candidate;
use crate::error::{Error, NodeFailure, Result};
use crate::judge::{EvidenceBook, Offence};
use kms_core::Standing;

/// What asking a miner told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conduct {
    /// It answers, and its cfrag holds.
    Sound,
    /// It refuses a reader whose access was revoked, as it must, or cannot be reached.
    Refuses(NodeFailure),
    /// It gives no cfrag, though it is paid.
    Silent(NodeFailure),
    /// Its answer convicts it, and is kept.
    Kept(Offence),
    /// Its answer would convict it, and as much as is kept of it is kept already.
    Known(Offence),
}

/// What one miner of one policy did when it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Probed {
    /// Policy under which it was asked.
    pub policy: PolicyId,
    /// Owner address, as the terms name it.
    pub miner: Address,
    /// What it did.
    pub conduct: Conduct,
}

impl Reader<'_> {
    /// Asks every miner of every policy in force, and of those that were revoked, and keeps in the
    /// book what convicts one.
    ///
    /// # Errors
    /// [`Error::NoPolicy`] if there is none of either, [`Error::Chain`], [`Error::Io`].
    pub async fn probe(
        &self,
        label_key: &PublicKey,
        capsule: &Capsule,
        book: &EvidenceBook,
    ) -> Result<Vec<Probed>> {
        let deadline = Instant::now() + Duration::from_millis(self.limits.total_ms);
        let mut candidates = self.candidates(label_key).await?;
        candidates.retain(|c| matches!(c.standing, Standing::Active | Standing::Revoked));
        if candidates.is_empty() {
            return Err(Error::NoPolicy {
                what: "none in force or revoked for this label and your keys".to_owned(),
            });
        }
        let capsules = std::slice::from_ref(capsule);
        let mut all = Vec::new();
        for candidate in &candidates {
            let question = Question {
                candidate,
                label_key: *label_key,
                capsules,
                deadline,
            };
            all.extend(self.probe_one(candidate, &question, book).await?);
        }
        Ok(all)
    }

    async fn probe_one(
        &self,
        candidate: &Candidate<'_>,
        question: &Question<'_>,
        book: &EvidenceBook,
    ) -> Result<Vec<Probed>> {
        let terms = &candidate.created.terms;
        let infos = self.chain.miner_info(&terms.miners);
        let (infos, revoked) = try_join(infos, self.chain.revoked_miners(terms)).await?;
        let asked = infos
            .iter()
            .map(|info| async move { (info.miner, self.ask(info, question).await) });
        let mut probed = Vec::new();
        for (miner, answer) in join_all(asked).await {
            let over = revoked.contains(&miner);
            let conduct = match answer {
                Err(failure) if over => Conduct::Refuses(failure),
                Err(failure) => Conduct::Silent(failure),
                Ok(answer) => {
                    let offence = match over {
                        true => Offence::ServedAfterRevocation,
                        false => Offence::WrongFragment,
                    };
                    let told = question.told(&answer, 0, offence);
                    let told = told.ok_or(Error::Bug("an answer has a cfrag"))?;
                    let convicts = over || told.fault(&self.chain.domain())?.is_some();
                    let kept = match convicts {
                        true => book.keep(told)?,
                        false => book.compare(told)?,
                    };
                    match (convicts, kept) {
                        (true, true) => Conduct::Kept(offence),
                        (true, false) => Conduct::Known(offence),
                        (false, true) => Conduct::Kept(Offence::Equivocation),
                        (false, false) => Conduct::Sound,
                    }
                }
            };
            let policy = candidate.created.id;
            probed.push(Probed {
                policy,
                miner,
                conduct,
            });
        }
        Ok(probed)
    }
}
