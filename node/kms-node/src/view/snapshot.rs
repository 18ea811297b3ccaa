//! The snapshot: an immutable view of the chain, over which gate and duties decide. `ingest` makes
//! one after every step and publishes it by a watch channel; a reader never sees half a block.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kms_chain::BlockHeader;
use kms_protocol::messages::CapsuleBytes;
use kms_protocol::{Address, Amount, B256, Period, PeriodClock, PolicyId};

/// The part of a policy that gate and duties need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PolicyView {
    pub(crate) created_block: u64,
    /// What the miner is paid per period in which it is active.
    pub(crate) rate: Amount,
    pub(crate) first_period: Period,
    /// Last period of the terms, without extensions.
    pub(crate) last_period: Period,
    /// Extensions: block number and new last period, oldest first.
    pub(crate) extensions: Vec<(u64, Period)>,
    /// Revocation: block number and last period that is still paid.
    pub(crate) revocation: Option<(u64, Period)>,
    /// Last period whose fees are settled: collected, or returned for want of a delivery in time.
    pub(crate) collected_through: Period,
}

impl PolicyView {
    /// Last period paid in blocks up to and including `block`, without regard to a revocation.
    pub(crate) fn last_as_of(&self, block: u64) -> Period {
        self.extensions
            .iter()
            .take_while(|(at, _)| *at <= block)
            .map(|(_, last)| *last)
            .fold(self.last_period, Period::max)
    }

    /// Last period for which fees can be due as of the newest block.
    pub(crate) fn last_paid(&self) -> Period {
        self.revocation
            .map_or_else(|| self.last_as_of(u64::MAX), |(_, last)| last)
    }
}

/// An open challenge of this miner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChallengeView {
    /// Sequence number of the challenge in the contract.
    pub(crate) seq: u64,
    pub(crate) policy: PolicyId,
    pub(crate) opened_block: u64,
    /// The requester that the receipt must name.
    pub(crate) requester: Address,
    /// Last second of chain time at which an answer is accepted.
    pub(crate) deadline: u64,
    /// The capsule as posted. The contract has checked its proof; the node checks it again.
    pub(crate) capsule: CapsuleBytes,
}

/// The standing of this miner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MinerView {
    pub(crate) worker: Option<Address>,
    pub(crate) url: String,
    pub(crate) min_rate: Amount,
    /// First period of the run of activity that `lease_through` ends: all from it on are leased.
    pub(crate) lease_from: Period,
    /// Last leased period; `NEVER` before the first lease.
    pub(crate) lease_through: Period,
    /// Last period in which confirmations are refused; `NEVER` without a suspension.
    pub(crate) suspended_through: Period,
    pub(crate) locked: Amount,
    pub(crate) lock_periods: u32,
    /// First free period of a wind-down; `NEVER` without one.
    pub(crate) unlock_period: Period,
    /// Tokens that were unbonded and are not withdrawn.
    pub(crate) unbonding: Amount,
    /// Period from which on they can be withdrawn; `NEVER` without any.
    pub(crate) release_period: Period,
    /// Sum of all rewards that were claimed.
    pub(crate) claimed: Amount,
    /// Sum of all fees that were collected.
    pub(crate) collected: Amount,
    /// The runs of activity, first and last period, oldest first; they neither touch nor overlap.
    pub(crate) runs: Vec<(Period, Period)>,
}

impl MinerView {
    /// Whether the miner is paid for serving in `period`, so far as the newest lease tells.
    pub(crate) fn is_leased(&self, period: Period) -> bool {
        !self.lease_through.is_never() && (self.lease_from..=self.lease_through).contains(&period)
    }

    /// Enters a confirmation. A lease that begins right after the last leased period, or before its
    /// end, goes on with the run.
    pub(crate) fn lease(&mut self, from: Period, through: Period) {
        let gap = self.lease_through.is_never() || from.saturating_sub(1) > self.lease_through;
        if gap || self.lease_from > self.lease_through {
            self.lease_from = from;
            self.runs.push((from, through));
        } else if let Some(run) = self.runs.last_mut() {
            run.1 = through;
        }
        self.lease_through = through;
    }

    /// Enters a withdrawal, after which `locked` is locked: what did not come from there, came from
    /// the tranche, which is gone then.
    pub(crate) fn withdraw(&mut self, amount: Amount, locked: Amount) {
        if amount > self.locked.saturating_sub(locked) {
            self.unbonding = Amount::ZERO;
            self.release_period = Period::NEVER;
        }
        self.locked = locked;
    }

    /// Enters a suspension: the lease ends with `end`, the period in which it began.
    pub(crate) fn suspend(&mut self, end: Period, through: Period) {
        self.suspended_through = through;
        self.lease_through = self.lease_through.min(end);
        for run in &mut self.runs {
            run.1 = run.1.min(end);
        }
        self.runs.retain(|(first, last)| first <= last);
    }
}

/// The head: the newest block of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) number: u64,
    pub(crate) hash: B256,
    pub(crate) timestamp: u64,
}

/// The index of the chain as of one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) head: Head,
    /// Period of the head's timestamp; `NEVER` before genesis.
    pub(crate) period: Period,
    /// Length of a period.
    pub(crate) period_seconds: u32,
    /// Time at which the period of the head began; 0 before genesis.
    pub(crate) period_start: u64,
    /// Period of the newest confirmed block; `NEVER` while there is none.
    pub(crate) confirmed_period: Period,
    /// Number of blocks on top that make a block confirmed.
    pub(crate) confirmations: u64,
    /// The newest block that is known to be settled, and its period; `None` while none is.
    pub(crate) settled: Option<(u64, Period)>,
    pub(crate) policies: Policies,
    pub(crate) miner: Arc<MinerView>,
    /// Open challenges, the most urgent first.
    pub(crate) challenges: Arc<Vec<ChallengeView>>,
}

/// The policies that name this miner, by id. A copy shares the structure of what it was copied
/// from, and `diff` finds what has changed since by passing over what is shared.
pub(crate) type Policies = imbl::OrdMap<PolicyId, Arc<PolicyView>>;

/// The index in memory. Its copies share structure, so that snapshots are cheap.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    /// The newest block that is known to be settled.
    pub(crate) settled: Option<BlockHeader>,
    pub(crate) policies: Policies,
    pub(crate) miner: Arc<MinerView>,
    /// Open challenges, the most urgent first.
    pub(crate) challenges: Arc<Vec<ChallengeView>>,
}

impl Snapshot {
    /// Makes the snapshot as of the newest header, the last one; `None` without headers.
    pub(crate) fn new(
        headers: &[BlockHeader],
        clock: &PeriodClock,
        confirmations: u64,
        index: Index,
    ) -> Option<Self> {
        let newest = headers.last()?;
        let period = |header: &BlockHeader| clock.period_at(header.timestamp);
        let start = period(newest).and_then(|period| clock.start_of(period));
        let confirmed = headers
            .iter()
            .rev()
            .find(|header| header.number.saturating_add(confirmations) <= newest.number);
        Some(Self {
            head: Head {
                number: newest.number,
                hash: newest.hash,
                timestamp: newest.timestamp,
            },
            period: period(newest).unwrap_or(Period::NEVER),
            period_seconds: clock.period_seconds,
            period_start: start.unwrap_or(0),
            confirmed_period: confirmed.and_then(period).unwrap_or(Period::NEVER),
            confirmations,
            settled: index.settled.map(|header| {
                let period = period(&header).unwrap_or(Period::NEVER);
                (header.number, period)
            }),
            policies: index.policies,
            miner: index.miner,
            challenges: index.challenges,
        })
    }

    /// Whether a block has its confirmations: `head >= block + confirmations`.
    pub(crate) fn is_confirmed(&self, block: u64) -> bool {
        block
            .checked_add(self.confirmations)
            .is_some_and(|needed| self.head.number >= needed)
    }

    /// Newest block number that has its confirmations.
    pub(crate) fn confirmed_block(&self) -> u64 {
        self.head.number.saturating_sub(self.confirmations)
    }

    /// Finds an open challenge by its number in the contract.
    pub(crate) fn challenge(&self, seq: u64) -> Option<&ChallengeView> {
        self.challenges
            .iter()
            .find(|challenge| challenge.seq == seq)
    }

    pub(crate) fn policy(&self, id: &PolicyId) -> Option<&PolicyView> {
        self.policies.get(id).map(Arc::as_ref)
    }
}

/// Polls by other nodes may lie this long before the start of this one.
const BEFORE_START_MS: u64 = 1 << 40;

/// Time since the last poll that found the index up to date, by a monotonic clock.
#[derive(Debug, Clone)]
pub(crate) struct ViewAge {
    start: Instant,
    /// Milliseconds from well before `start` to the last successful poll, plus one; 0 for none.
    polled: Arc<AtomicU64>,
}

impl ViewAge {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            polled: Arc::new(AtomicU64::new(0)),
        }
    }

    /// Records a successful poll.
    pub(crate) fn refresh(&self) {
        self.polled.store(self.elapsed_ms() + 1, Ordering::Release);
    }

    /// Records a successful poll by another node, this long ago.
    pub(crate) fn refresh_from(&self, age: Duration) {
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let polled = (self.elapsed_ms() + 1).saturating_sub(age);
        self.polled.store(polled, Ordering::Release);
    }

    /// Forbids decisions on the snapshot until the next refresh.
    pub(crate) fn invalidate(&self) {
        self.polled.store(0, Ordering::Release);
    }

    /// Age of the snapshot; `None` while decisions on it are forbidden.
    pub(crate) fn age(&self) -> Option<Duration> {
        let polled = self.polled.load(Ordering::Acquire).checked_sub(1)?;
        Some(Duration::from_millis(
            self.elapsed_ms().saturating_sub(polled),
        ))
    }

    fn elapsed_ms(&self) -> u64 {
        let since = u64::try_from(self.start.elapsed().as_millis());
        since
            .unwrap_or(u64::MAX)
            .saturating_add(BEFORE_START_MS)
            .min(u64::MAX - 1)
    }
}

#[cfg(test)]
mod tests;
