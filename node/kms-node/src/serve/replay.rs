//! The guard against replay, and the quota of requests of each policy, which is one reader. No
//! signed request is answered twice. Nonces are in memory only, for the window of blocks that the
//! gate accepts: a message of an earlier run cannot be opened, as its transport key is gone. No
//! pool is shared: what one reader sends fills its own quota and nobody else's.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kms_protocol::messages::{Problem, ReencryptRequest};
use kms_protocol::{B256, PolicyId, Refusal};

use crate::config::NodeConfig;
use crate::gate::Verdict;
use crate::serve::quota::Quota;
use crate::view::snapshot::Head;

/// Seconds between two blocks, as long as this node has seen none pass: Ethereum's.
const USUAL_BLOCK_S: u64 = 12;

/// What the guard accepts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Blocks for which a request is remembered.
    pub(crate) window_blocks: u64,
    /// Requests of one policy that are accepted in a window.
    pub(crate) per_policy: usize,
}

impl Limits {
    /// Reads them from the configuration.
    pub(crate) fn of(config: &NodeConfig) -> Self {
        Self {
            window_blocks: config.request_window_blocks,
            per_policy: usize::try_from(config.policy_requests).unwrap_or(usize::MAX),
        }
    }
}

/// The requests of the window, in memory.
pub(crate) struct ReplayGuard {
    seen: Mutex<Seen>,
    limits: Limits,
}

#[derive(Default)]
struct Seen {
    policies: HashMap<PolicyId, Requests>,
    /// Number of requests remembered, over all policies.
    count: usize,
    /// Requests that name a lower block are forgotten, and never accepted again: no reorg of
    /// whatever depth brings one back.
    floor: u64,
    /// The first head seen: the pace of blocks since then tells a reader how long to wait.
    first: Option<Head>,
}

/// The requests of one policy.
#[derive(Default)]
struct Requests {
    nonces: HashSet<B256>,
    by_block: BTreeMap<u64, Vec<B256>>,
}

impl Requests {
    fn insert(&mut self, nonce: B256, block: u64) -> bool {
        let fresh = self.nonces.insert(nonce);
        if fresh {
            self.by_block.entry(block).or_default().push(nonce);
        }
        fresh
    }

    fn forget_below(&mut self, block: u64) {
        let kept = self.by_block.split_off(&block);
        for nonce in std::mem::replace(&mut self.by_block, kept)
            .into_values()
            .flatten()
        {
            self.nonces.remove(&nonce);
        }
    }
}

impl Seen {
    fn insert(&mut self, policy: PolicyId, nonce: B256, block: u64) {
        let fresh = self.policies.entry(policy).or_default();
        self.count += usize::from(fresh.insert(nonce, block));
    }

    /// Forgets what left the window by the block `head`; no more than once per block.
    fn forget(&mut self, head: Head, window_blocks: u64) {
        self.first.get_or_insert(head);
        let floor = head.number.saturating_sub(window_blocks);
        if floor <= self.floor {
            return;
        }
        self.floor = floor;
        self.policies.retain(|_, requests| {
            requests.forget_below(floor);
            !requests.nonces.is_empty()
        });
        self.policies.shrink_to_fit();
        self.count = self.policies.values().map(|held| held.nonces.len()).sum();
    }

    /// Seconds until the oldest request of a policy leaves the window, as blocks have passed so
    /// far.
    fn wait(&self, oldest: u64, head: Head, window_blocks: u64) -> u32 {
        let first = self.first.unwrap_or(head);
        let blocks = head.number.saturating_sub(first.number);
        let elapsed = head.timestamp.saturating_sub(first.timestamp);
        let pace = elapsed.checked_div(blocks).unwrap_or(USUAL_BLOCK_S).max(1);
        let left = (oldest + window_blocks + 1).saturating_sub(head.number);
        u32::try_from(left.saturating_mul(pace)).unwrap_or(u32::MAX)
    }
}

impl ReplayGuard {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            seen: Mutex::default(),
            limits,
        }
    }

    /// Takes the nonce of a request whose signature and block number were checked. Refuses a used
    /// nonce, one from before the window, and any while the policy's quota is used up.
    pub(crate) fn take(&self, request: &ReencryptRequest, head: Head) -> Verdict {
        let (policy, nonce) = (request.policy_id, request.nonce);
        let window = self.limits.window_blocks;
        let mut seen = self.seen();
        seen.forget(head, window);
        if request.block_number < seen.floor {
            let floor = seen.floor;
            let detail = format!("block {} is below {floor}", request.block_number);
            return Err(Problem::new(Refusal::StaleRequest, detail));
        }
        if let Some(held) = seen.policies.get(&policy) {
            if held.nonces.contains(&nonce) {
                return Err(Problem::new(Refusal::Replay, "this nonce was used before"));
            }
            if held.nonces.len() >= self.limits.per_policy {
                let oldest = held.by_block.keys().next().copied();
                let wait = seen.wait(oldest.unwrap_or(head.number), head, window);
                let spent = format!("requests answered in the last {window} blocks");
                return Err(Quota::Requests.used_up(self.limits.per_policy, &spent, wait));
            }
        }
        // Counted from the head on, whatever block within the window the request names.
        let block = request.block_number.max(head.number);
        seen.insert(policy, nonce, block);
        Ok(())
    }

    /// Forgets what left the window, also while no request comes.
    pub(crate) fn forget(&self, head: Head) {
        self.seen().forget(head, self.limits.window_blocks);
    }

    /// Number of requests remembered.
    pub(crate) fn remembered(&self) -> usize {
        self.seen().count
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
