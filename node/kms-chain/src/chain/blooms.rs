//! The filters of the blocks read last, by which their logs are checked: what an endpoint leaves
//! out, and what it makes up.
//!
//! A log that the filter does not hold is made up. An event that the filter holds and the logs do
//! not was left out, or is there by chance: two endpoints that say so are believed, and one alone
//! once it has said so a few times. A filter that is nearly full, as on a busy chain, says nothing.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ethers::abi::Abi;
use kms_protocol::{Address, B256};

use crate::contracts::bindings::{
    adjudicator, mining_rewards, policy_manager, silence_challenges, staking_escrow,
};
use crate::contracts::events::EventSource;
use crate::types::bloom::Bloom;
use crate::types::wire::WireLog;

/// Blocks whose filters are kept: more than one step reads.
const KEPT: usize = 64;
/// Times that a lone endpoint must say that a block has no more logs than it shows.
const LOOKS: u32 = 3;

struct Entry {
    block: B256,
    bloom: Bloom,
    /// How often the logs of the block lacked what the filter holds.
    looks: u32,
}

/// The filters, the newest last.
#[derive(Default)]
pub(super) struct Blooms(Mutex<VecDeque<Entry>>);

impl Blooms {
    /// Keeps the filter of a block whose header is proven.
    pub(super) fn note(&self, block: B256, bloom: Bloom) {
        let mut entries = self.entries();
        if entries.iter().any(|entry| entry.block == block) {
            return;
        }
        if entries.len() >= KEPT {
            entries.pop_front();
        }
        entries.push_back(Entry {
            block,
            bloom,
            looks: 0,
        });
    }

    pub(super) fn of(&self, block: B256) -> Option<Bloom> {
        let entries = self.entries();
        let mut entries = entries.iter();
        Some(entries.find(|entry| entry.block == block)?.bloom)
    }

    /// Whether logs that lack what the filter holds are believed now, told so by this many
    /// endpoints.
    pub(super) fn is_believed(&self, block: B256, witnesses: usize) -> bool {
        let mut entries = self.entries();
        let Some(entry) = entries.iter_mut().find(|entry| entry.block == block) else {
            return true;
        };
        entry.looks = entry.looks.saturating_add(1);
        witnesses > 1 || entry.looks >= LOOKS
    }

    fn entries(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the filter holds the address and every topic of a log.
pub(super) fn holds(bloom: &Bloom, log: &WireLog) -> bool {
    let mut topics = log.topics.iter();
    bloom.may_hold(&log.address.0) && topics.all(|topic| bloom.may_hold(&topic.0))
}

/// Whether the filter holds an event of one of these contracts that the logs do not have.
pub(super) fn lacks(bloom: &Bloom, logs: &[WireLog], sources: &[(Address, EventSource)]) -> bool {
    bloom.is_informative() && !missing(bloom, logs, sources).is_empty()
}

/// Whether no event of these contracts can be in a block of this filter.
pub(super) fn is_void(bloom: &Bloom, sources: &[(Address, EventSource)]) -> bool {
    missing(bloom, &[], sources).is_empty()
}

fn missing(
    bloom: &Bloom,
    logs: &[WireLog],
    sources: &[(Address, EventSource)],
) -> Vec<(Address, B256)> {
    let held = sources
        .iter()
        .filter(|(address, _)| bloom.may_hold(&address.0))
        .flat_map(|(address, source)| abi(*source).events().map(move |event| (address, event)))
        .map(|(address, event)| (*address, B256(event.signature().0)));
    held.filter(|(_, topic)| bloom.may_hold(&topic.0))
        .filter(|(address, topic)| {
            let mut logs = logs.iter();
            !logs.any(|log| log.address == *address && log.topics.first() == Some(topic))
        })
        .collect()
}

fn abi(source: EventSource) -> &'static Abi {
    match source {
        EventSource::Escrow => &staking_escrow::STAKINGESCROW_ABI,
        EventSource::Rewards => &mining_rewards::MININGREWARDS_ABI,
        EventSource::Policies => &policy_manager::POLICYMANAGER_ABI,
        EventSource::Adjudicator => &adjudicator::ADJUDICATOR_ABI,
        EventSource::Challenges => &silence_challenges::SILENCECHALLENGES_ABI,
    }
}

#[cfg(test)]
mod tests;
