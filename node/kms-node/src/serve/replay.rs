//! The guard against replay, and the quota of requests of each policy, which is one reader. No
//! signed request is answered twice. Nonces are in memory only, for the window of time that the
//! gate accepts: a message of an earlier run cannot be opened, as its transport key is gone. Nodes
//! that share a database, and their keys, share the nonces there. No pool is shared: what one
//! reader sends fills its own quota and nobody else's.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kms_protocol::messages::{Problem, ReencryptRequest};
use kms_protocol::{B256, PolicyId, Refusal};

use crate::config::NodeConfig;
use crate::gate::Verdict;
use crate::serve::quota::Quota;
use crate::view::snapshot::Head;

/// What the guard accepts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Seconds of chain time for which a request is remembered.
    pub(crate) window_s: u64,
    /// Requests of one policy that are accepted in a window.
    pub(crate) per_policy: usize,
}

impl Limits {
    /// Reads them from the configuration.
    pub(crate) fn of(config: &NodeConfig) -> Self {
        Self {
            window_s: config.request_window_s,
            per_policy: usize::try_from(config.policy_requests).unwrap_or(usize::MAX),
        }
    }
}

/// The requests of the window, in memory.
pub(crate) struct ReplayGuard {
    seen: Mutex<Seen>,
    pub(super) limits: Limits,
}

#[derive(Default)]
struct Seen {
    policies: HashMap<PolicyId, Requests>,
    /// Number of requests remembered, over all policies.
    count: usize,
    /// Requests that name an earlier time are forgotten, and never accepted again: no reorg of
    /// whatever depth brings one back.
    floor: u64,
}

/// The requests of one policy.
#[derive(Default)]
struct Requests {
    nonces: HashSet<B256>,
    by_time: BTreeMap<u64, Vec<B256>>,
}

impl Requests {
    fn insert(&mut self, nonce: B256, time: u64) -> bool {
        let fresh = self.nonces.insert(nonce);
        if fresh {
            self.by_time.entry(time).or_default().push(nonce);
        }
        fresh
    }

    fn forget_before(&mut self, time: u64) {
        let kept = self.by_time.split_off(&time);
        for nonce in std::mem::replace(&mut self.by_time, kept)
            .into_values()
            .flatten()
        {
            self.nonces.remove(&nonce);
        }
    }
}

impl Seen {
    fn insert(&mut self, policy: PolicyId, nonce: B256, time: u64) {
        let fresh = self.policies.entry(policy).or_default();
        self.count += usize::from(fresh.insert(nonce, time));
    }

    /// Forgets what left the window by the block `head`; no more than once per second.
    fn forget(&mut self, head: Head, window_s: u64) {
        let floor = head.timestamp.saturating_sub(window_s);
        if floor <= self.floor {
            return;
        }
        self.floor = floor;
        self.policies.retain(|_, requests| {
            requests.forget_before(floor);
            !requests.nonces.is_empty()
        });
        self.policies.shrink_to_fit();
        self.count = self.policies.values().map(|held| held.nonces.len()).sum();
    }
}

pub(super) fn used() -> Problem {
    Problem::new(Refusal::Replay, "this nonce was used before")
}

pub(super) fn forgotten(time: u64) -> Problem {
    let detail = format!("the time {time} is before what is remembered");
    Problem::new(Refusal::StaleRequest, detail)
}

pub(super) fn full(limit: usize, oldest: u64, head: Head, window_s: u64) -> Problem {
    let spent = format!("requests answered in the last {window_s} s");
    Quota::Requests.used_up(limit, &spent, wait_s(oldest, head, window_s))
}

impl ReplayGuard {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            seen: Mutex::default(),
            limits,
        }
    }

    /// Takes the nonce of a request whose signature and time were checked. Refuses a used
    /// nonce, one from before the window, and any while the policy's quota is used up.
    pub(crate) fn take(&self, request: &ReencryptRequest, head: Head) -> Verdict {
        let (policy, nonce) = (request.policy_id, request.nonce);
        let window = self.limits.window_s;
        let mut seen = self.seen();
        seen.forget(head, window);
        if request.block_time < seen.floor {
            return Err(forgotten(request.block_time));
        }
        if let Some(held) = seen.policies.get(&policy) {
            if held.nonces.contains(&nonce) {
                return Err(used());
            }
            if held.nonces.len() >= self.limits.per_policy {
                let oldest = held.by_time.keys().next().copied();
                let oldest = oldest.unwrap_or(head.timestamp);
                return Err(full(self.limits.per_policy, oldest, head, window));
            }
        }
        // Counted from the head on, whatever time within the window the request names.
        let time = request.block_time.max(head.timestamp);
        seen.insert(policy, nonce, time);
        Ok(())
    }

    /// Forgets what left the window, also while no request comes.
    pub(crate) fn forget(&self, head: Head) {
        self.seen().forget(head, self.limits.window_s);
    }

    /// Number of requests of a policy that were answered in the window.
    pub(crate) fn answered(&self, policy: &PolicyId) -> usize {
        let seen = self.seen();
        let requests = seen.policies.get(policy);
        requests.map_or(0, |requests| requests.nonces.len())
    }

    /// Number of requests remembered.
    pub(crate) fn remembered(&self) -> usize {
        self.seen().count
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds until the oldest request of a policy leaves the window.
fn wait_s(oldest: u64, head: Head, window_s: u64) -> u32 {
    let left = oldest
        .saturating_add(window_s + 1)
        .saturating_sub(head.timestamp);
    u32::try_from(left).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
