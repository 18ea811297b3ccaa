//! The quotas of each policy, which is one reader: their names, their refusal, and the line in the
//! log when one is met. Neighbours: `replay` counts requests, `pool` those being served.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use kms_protocol::messages::Problem;
use kms_protocol::{PolicyId, Refusal};

/// Limit of lines in the log per window, over all policies.
const LINES: usize = 16;

/// What is limited for each policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Quota {
    /// Requests answered in a window of time.
    Requests,
    /// Requests queued or being answered now.
    InFlight,
}

impl Quota {
    /// The setting that bounds it, which the refusal, the metric and the log name.
    pub(crate) const fn setting(self) -> &'static str {
        match self {
            Self::Requests => "policy_requests",
            Self::InFlight => "policy_in_flight",
        }
    }

    /// Makes the refusal: `limit` of what is spent, and the seconds after which to ask again.
    pub(crate) fn used_up(self, limit: usize, spent: &str, wait_s: u32) -> Problem {
        let detail = format!("{} of this policy: {limit} {spent}", self.setting());
        Problem::new(Refusal::QuotaUsedUp, detail).retry_after(wait_s)
    }
}

/// Which policies met a quota in this window, so that each is told once.
#[derive(Default)]
pub(crate) struct Notices {
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    /// Time of the head with which the window began.
    since: u64,
    pairs: HashSet<(PolicyId, Quota)>,
}

impl Notices {
    /// Whether to write a line: the first of the policy and quota in a window of time, of at most
    /// [`LINES`].
    pub(crate) fn is_new(&self, policy: PolicyId, quota: Quota, head: u64, window_s: u64) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if head.abs_diff(told.since) > window_s {
            told.since = head;
            told.pairs.clear();
        }
        told.pairs.len() < LINES && told.pairs.insert((policy, quota))
    }
}

#[cfg(test)]
mod tests;
