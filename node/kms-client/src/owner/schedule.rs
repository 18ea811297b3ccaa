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
    /// As many whole periods as hold this many seconds, at least 1.
    Seconds(u64),
    /// Through the period that ends with or holds this time, in seconds since the Unix epoch.
    Until(u64),
}

/// When a grant begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// As soon as it can be paid.
    Now,
    /// With the period that holds this time, in seconds since the Unix epoch, if that is later.
    At(u64),
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
    /// which a payment sent now is mined at the latest, for the contract refuses past ones; later
    /// if `start` says so.
    ///
    /// # Errors
    /// [`Error::SpecInvalid`] for no periods, a start or an end in the past, or more periods than
    /// the contract allows.
    pub fn plan(span: Span, start: Start, params: &ChainParams, now: u64) -> Result<Self> {
        let clock = &params.clock;
        let margin = u64::from(clock.period_seconds).min(MARGIN_MAX_SECONDS);
        let first = clock
            .period_at(now.saturating_add(margin))
            .unwrap_or(Period(1));
        let first = match start {
            Start::Now => first,
            Start::At(time) => first.max(first_at(clock, time, now)?),
        };
        let last = match span {
            Span::Periods(count) => last_of(first, count)?,
            Span::Seconds(seconds) => last_of(first, periods_in(seconds, clock)?)?,
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

/// The period that holds a time, which the chain has not left behind.
fn first_at(clock: &PeriodClock, time: u64, now: u64) -> Result<Period> {
    let invalid = |why| Error::SpecInvalid {
        field: "start",
        given: time,
        why,
    };
    match clock.period_at(time) {
        Some(first) if clock.period_at(now).is_none_or(|now| first >= now) => Ok(first),
        // Before the clock, or before the present period.
        Some(_) | None => Err(invalid("in the past")),
    }
}

/// Counts the periods that hold so many seconds.
pub(super) fn periods_in(seconds: u64, clock: &PeriodClock) -> Result<u32> {
    let periods = seconds.div_ceil(u64::from(clock.period_seconds));
    u32::try_from(periods).map_err(|_| Error::SpecInvalid {
        field: "seconds",
        given: seconds,
        why: "beyond the clock",
    })
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
