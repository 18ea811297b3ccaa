//! Tells the limits of providers apart, which come in many codes and wordings: on a client's rate,
//! which pass by waiting, and on what one request asks for, which pass by asking for less.

use std::time::Duration;

/// A limit of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// Too many requests in a time: wait.
    Rate,
    /// Too many blocks, results or bytes in one answer: ask for less.
    Size,
}

/// Longest wait that an endpoint may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Codes that stand for a rate, by HTTP or by providers' own numbers. -32005 stands for both kinds.
const RATE_CODES: [i64; 6] = [429, -32_005, -32_029, -32_090, -32_097, -32_429];

/// Parts of messages on the size of an answer, in lower case; tried before those on rates.
const SIZE_WORDS: [&str; 27] = [
    "block range",
    "blocks range",
    "range of blocks",
    "range is too",
    "range too",
    "ranges over",
    "range exceed",
    "range limit",
    "maximum range",
    "max range",
    "too many blocks",
    "more than 10",
    "query returned more",
    "too many results",
    "max results",
    "results limit",
    "logs matched",
    "too many logs",
    "max logs",
    "response size",
    "response is too",
    "response too",
    "too large",
    "query timeout",
    "query exceeds",
    "is limited to",
    "up to a ",
];

/// Parts of messages on rates, in lower case.
const RATE_WORDS: [&str; 18] = [
    "rate limit",
    "ratelimit",
    "rate-limit",
    "rate exceeded",
    "too many request",
    "requests per",
    "request limit",
    "request count exceeded",
    "compute unit",
    "per second",
    "throughput",
    "capacity exceeded",
    "quota",
    "credits",
    "throttl",
    "slow down",
    "exceeded the limit",
    "limit exceeded",
];

/// Reads the limit that an error answer tells of; `None` if it is another error.
pub(super) fn limit_of(code: i64, message: &str) -> Option<Limit> {
    let lower = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(&SIZE_WORDS) {
        return Some(Limit::Size);
    }
    (RATE_CODES.contains(&code) || says(&RATE_WORDS)).then_some(Limit::Rate)
}

/// Reads `Retry-After`, in seconds; a date is not read. Longer waits are cut to a minute.
pub(super) fn retry_after(header: Option<&str>) -> Option<Duration> {
    let seconds: u64 = header?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests;
