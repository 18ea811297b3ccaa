//! Times and durations as people write them on the command line: `2026-12-24`, `30d`.
//! Neighbour: `text` writes times.

use std::str::FromStr;

use crate::text::days_of;

/// A moment, in seconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) u64);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no time, as in 2026-12-24, 2026-12-24T18:30Z or seconds since 1970"
            )
        };
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Self).map_err(|_| wrong());
        }
        let (date, time) = match text.split_once(['T', ' ']) {
            Some((date, time)) => (date, time),
            None => (text, "00:00"),
        };
        let seconds = day(date).zip(time_of_day(time));
        let (days, seconds) = seconds.ok_or_else(wrong)?;
        Ok(Self(days * 86_400 + seconds))
    }
}

/// The number of a day such as `2026-12-24` since 1970-01-01.
fn day(text: &str) -> Option<u64> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    days_of(number(year, 4)?, number(month, 2)?, number(day, 2)?)
}

/// The seconds since midnight of `18:30` or `18:30:05`, in UTC, with or without a Z.
fn time_of_day(text: &str) -> Option<u64> {
    let mut parts = text.strip_suffix('Z').unwrap_or(text).split(':');
    let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |part| number(part, 2))?;
    let is_time = parts.next().is_none() && hour < 24 && minute < 60 && second < 60;
    is_time.then_some(hour * 3600 + minute * 60 + second)
}

/// A number of at most so many digits and nothing else.
fn number(text: &str, digits: usize) -> Option<u64> {
    let is_number = (1..=digits).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// A length of time, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) u64);

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no length of time, as in 90m, 12h, 30d or 4w");
        let (at, unit) = text.char_indices().next_back().ok_or_else(wrong)?;
        let factor = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 7 * 86_400,
            _ => return Err(wrong()),
        };
        let count = text.get(..at).and_then(|count| number(count, 12));
        let seconds = count.and_then(|count| count.checked_mul(factor));
        match seconds {
            Some(seconds @ 1..) => Ok(Self(seconds)),
            Some(0) | None => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests;
