//! Periods of chain time: the accounting unit of policies, leases and rewards.
//!
//! Period 1 starts at the genesis time of the deployment. The arithmetic is that of
//! `IPeriodClock.sol`, in seconds of block timestamps, never of the host's clock.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Number of a period. 1 is the first; 0 means "never".
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Period(pub u32);

impl Period {
    /// The contracts' zero, which is no period.
    pub const NEVER: Self = Self(0);

    /// Whether the number is 0: [`Period::NEVER`].
    pub const fn is_never(self) -> bool {
        self.0 == 0
    }

    /// Adds `count` periods; None beyond 32 bits.
    pub fn checked_add(self, count: u32) -> Option<Self> {
        self.0.checked_add(count).map(Self)
    }

    /// Subtracts `count` periods; stops at [`Period::NEVER`].
    pub const fn saturating_sub(self, count: u32) -> Self {
        Self(self.0.saturating_sub(count))
    }

    /// Counts the periods `self..=last`; 0 if `last` is earlier.
    pub fn count_through(self, last: Self) -> u64 {
        (u64::from(last.0) + 1).saturating_sub(u64::from(self.0))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Maps timestamps to periods. Times in seconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeriodClock {
    /// First second of period 1.
    pub genesis_time: u64,
    /// Length of a period in seconds, > 0.
    pub period_seconds: u32,
}

impl PeriodClock {
    /// Makes a clock of periods of `period_seconds`.
    ///
    /// # Errors
    /// [`Error::PeriodLengthZero`].
    pub const fn new(genesis_time: u64, period_seconds: u32) -> Result<Self> {
        if period_seconds == 0 {
            return Err(Error::PeriodLengthZero);
        }
        Ok(Self {
            genesis_time,
            period_seconds,
        })
    }

    /// Computes floor((timestamp - genesis) / length) + 1, at most the last number, as the
    /// contracts do. None before genesis, or when the length is zero.
    pub fn period_at(&self, timestamp: u64) -> Option<Period> {
        let elapsed = timestamp.checked_sub(self.genesis_time)?;
        let complete = elapsed.checked_div(u64::from(self.period_seconds))?;
        let number = complete.saturating_add(1);
        Some(Period(u32::try_from(number).unwrap_or(u32::MAX)))
    }

    /// First second of `period`. None for [`Period::NEVER`] and beyond the range of timestamps.
    pub fn start_of(&self, period: Period) -> Option<u64> {
        let before = u64::from(period.0.checked_sub(1)?);
        let offset = before.checked_mul(u64::from(self.period_seconds))?;
        self.genesis_time.checked_add(offset)
    }

    /// First second after `period` (exclusive end). None as for [`PeriodClock::start_of`].
    pub fn end_of(&self, period: Period) -> Option<u64> {
        self.start_of(period)?
            .checked_add(u64::from(self.period_seconds))
    }
}

#[cfg(test)]
mod tests;
