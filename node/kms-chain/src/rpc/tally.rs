//! Counts requests by endpoint, method and outcome: what a provider bills, and what it refuses.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestOutcome {
    /// A result.
    Ok,
    /// An error of JSON-RPC, a revert among them.
    Error,
    /// The endpoint limits this client.
    Limited,
    /// No answer of JSON-RPC.
    Failed,
}

impl RequestOutcome {
    /// The label of the metric.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Limited => "limited",
            Self::Failed => "failed",
        }
    }
}

/// Number of requests of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestCount {
    /// Host and port of the endpoint.
    pub endpoint: String,
    /// JSON-RPC method.
    pub method: &'static str,
    /// What became of them.
    pub outcome: RequestOutcome,
    /// How many there were.
    pub count: u64,
}

type Key = (String, &'static str, RequestOutcome);

#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<BTreeMap<Key, u64>>);

impl Tally {
    pub(super) fn count(&self, endpoint: &str, method: &'static str, outcome: RequestOutcome) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts
            .entry((endpoint.to_owned(), method, outcome))
            .or_default();
        *count = count.saturating_add(1);
    }

    pub(super) fn counts(&self) -> Vec<RequestCount> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = counts.iter();
        let counts = counts.map(|((endpoint, method, outcome), count)| RequestCount {
            endpoint: endpoint.clone(),
            method,
            outcome: *outcome,
            count: *count,
        });
        counts.collect()
    }
}
