//! Finds the policies that let a reader open a label's capsules: those of the pair of keys, so that
//! a reader needs nothing but the file, its key and the chain.

use kms_chain::PolicyState;
use kms_protocol::{PairKey, Period};
use tokio::time::{Instant, timeout_at};
use umbral::PublicKey;

use super::Reader;
use crate::error::{Error, Result};
use crate::granted::{Granted, granted};
use crate::ports::CreatedPolicy;
use crate::progress::{Event, Progress};
use crate::standing::{Standing, standing};
use kms_core::keys::ReaderKey;

/// Policies tried at most, all of the owner's hand.
const CANDIDATES_MAX: usize = 32;
/// Pause between two looks at the head while a policy is about to begin.
const START_POLL: std::time::Duration = std::time::Duration::from_millis(500);

/// A policy that may open the capsules, with the key it was made for.
pub(super) struct Candidate<'a> {
    pub(super) created: CreatedPolicy,
    pub(super) state: PolicyState,
    pub(super) key: &'a ReaderKey,
    /// Which of the pair's grants it is.
    pub(super) number: u32,
    pub(super) standing: Standing,
}

impl<'a> Reader<'a> {
    /// Policies in force, newest first, after waiting for one that is about to begin.
    ///
    /// # Errors
    /// [`Error::SearchTimeout`] if the chain has not answered by `deadline`.
    pub(super) async fn usable(
        &self,
        label_key: &PublicKey,
        deadline: Instant,
        progress: &dyn Progress,
    ) -> Result<Vec<Candidate<'a>>> {
        let found = timeout_at(deadline, self.candidates(label_key)).await;
        let found = found.map_err(|_| Error::SearchTimeout)??;
        let active = |c: &Candidate<'_>| c.standing == Standing::Active;
        if found.iter().any(active) {
            return Ok(found
                .into_iter()
                .filter(active)
                .take(CANDIDATES_MAX)
                .collect());
        }
        let coming = |c: &Candidate<'_>| c.standing == Standing::NotStarted;
        let Some(first) = found
            .iter()
            .filter(|c| coming(c))
            .map(|c| c.created.terms.first_period)
            .min()
        else {
            return Err(over(&found));
        };
        let wait = self.wait_for(first, &found, progress);
        match timeout_at(deadline, wait).await {
            Ok(begun) => begun?,
            Err(_) => return Err(not_started(first, &found)),
        }
        let mut begun: Vec<_> = found
            .into_iter()
            .filter(|c| coming(c) && c.created.terms.first_period == first)
            .collect();
        begun.truncate(CANDIDATES_MAX);
        Ok(begun)
    }

    /// Every policy of the label for any of the reader's keys, newest first.
    pub(super) async fn candidates(&self, label_key: &PublicKey) -> Result<Vec<Candidate<'a>>> {
        let head = self.chain.head().await?;
        let params = self.chain.params().await?;
        let now = params
            .clock
            .period_at(head.timestamp)
            .unwrap_or(Period::NEVER);
        let mut found = Vec::new();
        for key in self.keys {
            let pair = PairKey::of_reader(key.secret(), label_key)?;
            for Granted { created, number } in granted(self.chain, &pair).await? {
                if let Some(state) = self.chain.policy_state(created.id).await? {
                    let standing = standing(&created.terms, state, now);
                    found.push(Candidate {
                        created,
                        state,
                        key,
                        number,
                        standing,
                    });
                }
            }
        }
        found.sort_by_key(|c| std::cmp::Reverse(c.created.block_number));
        Ok(found)
    }

    async fn wait_for(
        &self,
        first: Period,
        found: &[Candidate<'_>],
        progress: &dyn Progress,
    ) -> Result<()> {
        let clock = self.chain.params().await?.clock;
        let starts_at = clock
            .start_of(first)
            .ok_or(Error::Bug("a period has a start"))?;
        let mut head = self.chain.head().await?;
        if starts_at > head.timestamp.saturating_add(self.limits.start_wait_s) {
            return Err(not_started(first, found));
        }
        progress.event(Event::WaitingForStart { starts_at });
        let wait = std::time::Duration::from_secs(self.limits.start_wait_s);
        let deadline = Instant::now() + wait;
        while head.timestamp < starts_at {
            if Instant::now() >= deadline {
                return Err(not_started(first, found));
            }
            tokio::time::sleep(START_POLL).await;
            head = self.chain.head().await?;
        }
        Ok(())
    }
}

/// The policy that begins with this period is not waited for any longer.
fn not_started(first: Period, found: &[Candidate<'_>]) -> Error {
    let policy = found.iter().find(|c| c.created.terms.first_period == first);
    policy.map_or(Error::Bug("a policy is about to begin"), |c| {
        Error::PolicyNotStarted {
            policy: c.created.id,
            first,
        }
    })
}

/// Why nothing is usable: what became of the newest policy.
fn over(found: &[Candidate<'_>]) -> Error {
    let Some(newest) = found.first() else {
        return Error::NoPolicy {
            what: "none for this label and your keys".to_owned(),
        };
    };
    let policy = newest.created.id;
    if newest.standing == Standing::Revoked {
        Error::PolicyRevoked { policy }
    } else {
        Error::PolicyExpired {
            policy,
            last: newest.state.effective_last,
        }
    }
}
