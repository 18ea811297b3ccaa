//! Turns a number of periods, or a time, into a policy's first and last period. Pure.

use kms_chain::ChainParams;
use kms_protocol::{Period, PeriodClock};

use crate::error::{Error, Result};

/// Longest delay between a quote and its mined payment that is planned for, in seconds.
const MARGIN_MAX_SECONDS: u64 = 60;

/// Duration of a grant, by number or by end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// A number of periods, at least 1.
    Periods(u32),
    /// From now through the period that holds this time, in seconds since the Unix epoch.
    Until(u64),
}

/// First and last period of a grant, both inclusive, with their times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// First paid period, numbered from 1.
    pub first: Period,
    /// Last paid period, itself included.
    pub last: Period,
    /// Chain time at which the first one begins, in seconds since the Unix epoch.
    pub starts_at: u64,
    /// Chain time at which the last one is over, in seconds since the Unix epoch.
    pub expires_at: u64,
}

impl Schedule {
    /// Plans a grant at chain time `now`: it begins with the present period, or with the period in
    /// which a payment sent now is mined at the latest, for the contract refuses past ones.
    ///
    /// # Errors
    /// [`Error::SpecInvalid`] for no periods, an end in the past, or more than the contract allows.
    pub fn plan(span: Span, params: &ChainParams, now: u64) -> Result<Self> {
        let clock = &params.clock;
        let margin = u64::from(clock.period_seconds).min(MARGIN_MAX_SECONDS);
        let first = clock
            .period_at(now.saturating_add(margin))
            .unwrap_or(Period(1));
        let last = match span {
            Span::Periods(count) => last_of(first, count)?,
            Span::Until(time) => last_until(clock, first, time)?,
        };
        let periods = first.count_through(last);
        if periods > u64::from(params.max_policy_periods) {
            return Err(Error::SpecInvalid {
                field: "periods",
                given: periods,
                why: "longer than the contract allows",
            });
        }
        let out_of_range = || Error::Bug("a planned period lies outside the clock");
        Ok(Self {
            first,
            last,
            starts_at: clock.start_of(first).ok_or_else(out_of_range)?,
            expires_at: clock.end_of(last).ok_or_else(out_of_range)?,
        })
    }
}

fn last_of(first: Period, count: u32) -> Result<Period> {
    let invalid = |why| Error::SpecInvalid {
        field: "periods",
        given: u64::from(count),
        why,
    };
    let more = count
        .checked_sub(1)
        .ok_or_else(|| invalid("at least 1 is needed"))?;
    first
        .checked_add(more)
        .ok_or_else(|| invalid("beyond the clock"))
}

fn last_until(clock: &PeriodClock, first: Period, time: u64) -> Result<Period> {
    // The end is exclusive: a grant until the very start of a period does not pay for it.
    let last = clock
        .period_at(time.saturating_sub(1))
        .filter(|last| *last >= first);
    last.ok_or(Error::SpecInvalid {
        field: "until",
        given: time,
        why: "in the past, or too soon",
    })
}

#[cfg(test)]
mod tests;
