//! When to look at the chain next: once a block, as soon as it may be there, and seldom enough for
//! what providers charge. Pure: the clock is the caller's.

use std::time::Duration;

use kms_chain::BlockHeader;

/// Blocks whose times are compared.
const COMPARED: usize = 32;
/// Time between blocks while none are known.
const UNKNOWN: Duration = Duration::from_secs(1);
/// Longest and shortest time between blocks that is reckoned with.
const LONGEST: Duration = Duration::from_secs(12);
const SHORTEST: Duration = Duration::from_millis(200);
/// Part of a block's time by which the first look comes early, and after which the second comes.
const EARLY: u32 = 48;
const LATE: u32 = 12;
/// Times that the pause between late looks doubles at most.
const DOUBLINGS: u32 = 3;
/// Blocks, and the bounds of the time, after which events are counted again.
const COUNT_BLOCKS: u32 = 6;
const COUNT_LEAST: Duration = Duration::from_secs(10);
const COUNT_MOST: Duration = Duration::from_secs(72);

/// The rhythm of one follower.
#[derive(Debug)]
pub(crate) struct Pace {
    /// The pause that the operator chose, whatever the chain.
    fixed: Option<Duration>,
    block_time: Duration,
    /// When the last new block was seen.
    found: Duration,
    /// Looks in vain since it was due.
    late: u32,
}

impl Pace {
    pub(crate) fn new(fixed: Option<Duration>) -> Self {
        Self {
            fixed,
            block_time: UNKNOWN,
            found: Duration::ZERO,
            late: 0,
        }
    }

    /// Notes that a look has found blocks; `headers` are the newest ones.
    pub(crate) fn found(&mut self, now: Duration, headers: &[BlockHeader]) {
        self.found = now;
        self.late = 0;
        let Some(block_time) = block_time(headers) else {
            return;
        };
        self.block_time = block_time.clamp(SHORTEST, LONGEST);
    }

    /// The pause until the next look.
    pub(crate) fn pause(&mut self, now: Duration) -> Duration {
        if let Some(fixed) = self.fixed {
            return fixed;
        }
        let due = self.found + self.block_time - self.block_time / EARLY;
        if now < due {
            return due - now;
        }
        let doubled = 1 << self.late.min(DOUBLINGS);
        self.late = self.late.saturating_add(1);
        self.block_time / LATE * doubled
    }

    /// Time after which events are counted again.
    pub(crate) fn count_every(&self) -> Duration {
        match self.fixed {
            Some(_) => COUNT_LEAST,
            None => (self.block_time * COUNT_BLOCKS).clamp(COUNT_LEAST, COUNT_MOST),
        }
    }
}

/// The median time between the newest blocks; `None` with fewer than two in a row.
fn block_time(headers: &[BlockHeader]) -> Option<Duration> {
    let newest = headers.get(headers.len().saturating_sub(COMPARED)..)?;
    let pairs = newest.iter().zip(newest.iter().skip(1));
    let mut times: Vec<u64> = pairs
        .filter(|(before, header)| before.number.checked_add(1) == Some(header.number))
        .map(|(before, header)| header.timestamp.saturating_sub(before.timestamp))
        .collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().map(Duration::from_secs)
}

#[cfg(test)]
mod tests;
