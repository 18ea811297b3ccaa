//! Bounds the lines of the log that repeat: the first is written at once, then one a minute, with
//! the number of those left out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Least time between two lines of one kind.
const PAUSE: Duration = Duration::from_secs(60);

/// The lines that were written last, by kind; kinds are a closed set.
#[derive(Default)]
pub(crate) struct Quiet {
    lines: Mutex<HashMap<&'static str, Line>>,
}

struct Line {
    told: Instant,
    left_out: u64,
}

impl Quiet {
    /// Whether a line of this kind is to be written now: the number of those that were left out
    /// since the last one, or `None` to leave this one out as well.
    pub(crate) fn may_tell(&self, kind: &'static str) -> Option<u64> {
        self.may_tell_at(kind, Instant::now())
    }

    fn may_tell_at(&self, kind: &'static str, now: Instant) -> Option<u64> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(line) = lines.get_mut(kind) else {
            let first = Line {
                told: now,
                left_out: 0,
            };
            lines.insert(kind, first);
            return Some(0);
        };
        if now.saturating_duration_since(line.told) < PAUSE {
            line.left_out = line.left_out.saturating_add(1);
            return None;
        }
        line.told = now;
        Some(std::mem::take(&mut line.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_repeats_is_left_out_and_counted() {
        let quiet = Quiet::default();
        let start = Instant::now();
        assert_eq!(quiet.may_tell_at("a", start), Some(0));
        for _ in 0..1_000 {
            assert_eq!(quiet.may_tell_at("a", start + PAUSE / 2), None);
        }
        assert_eq!(quiet.may_tell_at("b", start + PAUSE / 2), Some(0));
        assert_eq!(quiet.may_tell_at("a", start + PAUSE), Some(1_000));
        assert_eq!(quiet.may_tell_at("a", start + PAUSE), None);
    }
}
