//! What a reader does: find the policy that opens a capsule, ask its miners all at once, open with
//! the first m. A miner that answers falsely is named and never counted; an author who made
//! inconsistent shares is told apart from it.
//! Neighbours: `find` looks on the chain, `collect` asks the miners; `kms_core::answers` judges.

mod collect;
mod find;
mod probe;
mod setup;
#[cfg(test)]
mod tests;

use std::time::Duration;

use kms_format::{DataKey, Header, SegmentKey, SegmentRecord};
use kms_protocol::PolicyId;
use kms_protocol::messages::{CAPSULES_MAX, CapsuleBytes};
use tokio::time::Instant;
use umbral::{Capsule, PublicKey, SharedSecret};

use crate::error::{Error, PolicyFailure, Result};
use crate::line::Moment;
use crate::progress::{Progress, Silent};
use crate::standing::{Standing, standing};

use collect::{Goal, Question};
use find::Candidate;

pub use probe::{Conduct, Probed};
pub use setup::{ReadLimits, Reader};

impl Reader<'_> {
    /// Obtains the data key of a file from the miners.
    ///
    /// # Errors
    /// As [`Reader::open`]; [`Error::Format`] if the header was tampered with.
    pub async fn data_key(&self, header: &Header, progress: &dyn Progress) -> Result<DataKey> {
        let capsules = [header.capsule().clone()];
        let unlock = |secret: &SharedSecret| header.unlock(secret);
        let goal = Goal {
            accept: Some(&unlock),
            finish: &|secrets| {
                let secret = secrets.first();
                let secret = secret.ok_or(Error::Bug("one secret per capsule"))?;
                Ok(header.unlock(secret)?)
            },
        };
        self.reach(header.label_key(), &capsules, &goal, progress)
            .await
    }

    /// Opens 1 to 64 capsules of one label; returns their secrets in the same order. One that is
    /// no valid capsule is not sent: its place holds why, and the others are opened.
    ///
    /// # Errors
    /// [`Error::NoPolicy`], [`Error::PolicyNotStarted`], [`Error::PolicyExpired`],
    /// [`Error::PolicyRevoked`], [`Error::ArrangementsRevoked`] if too few miners are left,
    /// [`Error::ThresholdNotMet`] with each miner's reason,
    /// [`Error::SharesInconsistent`] with each share's, [`Error::FragmentsDoNotOpen`],
    /// [`Error::NoneOpens`] with each policy's if several were tried, [`Error::Chain`].
    pub async fn open(
        &self,
        label_key: &PublicKey,
        capsules: &[CapsuleBytes],
        progress: &dyn Progress,
    ) -> Result<Vec<Result<SharedSecret, umbral::Error>>> {
        check_count(capsules.len())?;
        let capsules = capsules.iter().map(|bytes| Capsule::from_bytes(&bytes.0));
        let capsules: Vec<Result<Capsule, umbral::Error>> = capsules.collect();
        let valid: Vec<Capsule> = capsules.iter().flatten().cloned().collect();
        let goal = Goal {
            accept: None,
            finish: &Ok,
        };
        let secrets = match valid.is_empty() {
            true => Vec::new(),
            false => self.reach(label_key, &valid, &goal, progress).await?,
        };
        let mut secrets = secrets.into_iter();
        let opened = capsules.into_iter().map(|capsule| match capsule {
            Ok(_) => secrets.next().map(Ok),
            Err(error) => Some(Err(error)),
        });
        let opened: Option<Vec<_>> = opened.collect();
        opened.ok_or(Error::Bug("one secret per capsule"))
    }

    /// Obtains the data keys of files of one label from the miners, as many as fit one request;
    /// returns those of the first headers, in their order.
    ///
    /// # Errors
    /// As [`Reader::open`]; [`Error::Format`] if a header was tampered with.
    pub async fn data_keys(
        &self,
        headers: &[&Header],
        progress: &dyn Progress,
    ) -> Result<Vec<DataKey>> {
        let headers = headers.get(..CAPSULES_MAX).unwrap_or(headers);
        let first = headers.first().ok_or(Error::Bug("a header is opened"))?;
        let bytes = headers
            .iter()
            .map(|header| CapsuleBytes::from(header.capsule().to_bytes()));
        let bytes: Vec<_> = bytes.collect();
        let secrets = self.open(first.label_key(), &bytes, progress).await?;
        let opened = headers.iter().zip(secrets);
        opened
            .map(|(header, secret)| Ok(header.unlock(&secret?)?))
            .collect()
    }

    /// Obtains the keys of segments of a file from the miners, as many as fit one request; returns
    /// those of the first records, in their order.
    ///
    /// # Errors
    /// As [`Reader::open`]; [`Error::Format`] if a record was tampered with.
    pub async fn segment_keys(
        &self,
        label_key: &PublicKey,
        records: &[SegmentRecord],
        progress: &dyn Progress,
    ) -> Result<Vec<SegmentKey>> {
        let records = records.get(..CAPSULES_MAX).unwrap_or(records);
        let bytes = records
            .iter()
            .map(|record| CapsuleBytes::from(record.capsule().to_bytes()));
        let bytes: Vec<_> = bytes.collect();
        let secrets = self.open(label_key, &bytes, progress).await?;
        let opened = records.iter().zip(secrets);
        opened
            .map(|(record, secret)| Ok(record.unlock(&secret?)?))
            .collect()
    }

    /// How long from the newest block on a label is paid for, by the policy that lasts longest.
    ///
    /// # Errors
    /// As [`Reader::open`], but for those of the miners.
    pub async fn paid_for(&self, label_key: &PublicKey) -> Result<Duration> {
        let deadline = Instant::now() + Duration::from_millis(self.limits.total_ms);
        let usable = self.usable(label_key, deadline, &Silent).await?;
        let last = usable.iter().map(|c| c.state.effective_last).max();
        let clock = self.chain.params().await?.clock;
        let ends_at = last.and_then(|last| clock.end_of(last));
        let ends_at = ends_at.ok_or(Error::Bug("a paid period has an end"))?;
        let now = Moment::now(self.chain).await?.time;
        Ok(Duration::from_secs(ends_at.saturating_sub(now)))
    }

    async fn reach<T>(
        &self,
        label_key: &PublicKey,
        capsules: &[Capsule],
        goal: &Goal<'_, T>,
        progress: &dyn Progress,
    ) -> Result<T> {
        let deadline = Instant::now() + Duration::from_millis(self.limits.total_ms);
        let candidates = self.usable(label_key, deadline, progress).await?;
        let mut errors = Vec::new();
        let mut left = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
        // The miners of one grant may hang, so each gets an equal share of the time that is left.
        for candidate in &candidates {
            let now = Instant::now();
            let share = deadline.saturating_duration_since(now) / left.max(1);
            left = left.saturating_sub(1);
            let question = Question {
                candidate,
                label_key: *label_key,
                capsules,
                deadline: now + share,
            };
            match self.collect(&question, goal, progress).await {
                Ok(reached) => return Ok(reached),
                // Another policy helps neither a failing chain nor a header that was tampered with.
                Err(error @ (Error::Chain(_) | Error::Format(_))) => return Err(error),
                Err(error) => {
                    let error = self.explained(error, candidate).await?;
                    errors.push((candidate.created.id, error));
                }
            }
        }
        Err(none_opens(errors))
    }

    /// Replaces a missed threshold by its cause, if the chain has one: the policy was revoked or
    /// ended while its miners were asked. What nodes say of it is shown, and proves nothing.
    async fn explained(&self, error: Error, candidate: &Candidate<'_>) -> Result<Error> {
        let policy = candidate.created.id;
        if matches!(error, Error::ArrangementsRevoked { left: 0, .. }) {
            return Ok(Error::PolicyRevoked { policy });
        }
        if !matches!(error, Error::ThresholdNotMet { .. }) {
            return Ok(error);
        }
        let Some(state) = self.chain.policy_state(policy).await? else {
            return Ok(error);
        };
        let now = Moment::now(self.chain).await?.period;
        Ok(match standing(&candidate.created.terms, state, now) {
            Standing::Revoked => Error::PolicyRevoked { policy },
            Standing::Ended => Error::PolicyExpired {
                policy,
                last: state.effective_last,
            },
            Standing::NotStarted | Standing::Active => error,
        })
    }
}

/// The error of the only policy tried, or that of several.
fn none_opens(errors: Vec<(PolicyId, Error)>) -> Error {
    let tried: Vec<_> = errors
        .iter()
        .map(|(policy, error)| PolicyFailure::new(*policy, error))
        .collect();
    let errors = errors.into_iter().map(|(_, error)| error);
    // Of those equally near, the newest: it comes first.
    match errors.min_by_key(distance) {
        None => Error::Bug("at least one policy is usable"),
        Some(error) if tried.len() == 1 => error,
        Some(nearest) => Error::NoneOpens {
            nearest: Box::new(nearest),
            tried,
        },
    }
}

/// How far a policy is from letting the reader in: by what has to happen, then by how many miners.
fn distance(error: &Error) -> (u8, usize) {
    match error {
        Error::ThresholdNotMet { need, got, .. } => (0, need.saturating_sub(*got)),
        Error::SharesInconsistent { .. } | Error::FragmentsDoNotOpen { .. } => (1, 0),
        Error::ArrangementsRevoked { need, left, .. } => (2, need.saturating_sub(*left)),
        Error::PolicyExpired { .. } => (3, 0),
        _ => (4, 0),
    }
}

fn check_count(capsules: usize) -> Result<()> {
    if (1..=CAPSULES_MAX).contains(&capsules) {
        return Ok(());
    }
    Err(Error::SpecInvalid {
        field: "capsules",
        given: u64::try_from(capsules).unwrap_or(u64::MAX),
        why: "1 to 64 can be opened at a time",
    })
}
