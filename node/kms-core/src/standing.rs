//! The life of a policy, from what the chain stores of it.

use kms_protocol::{Period, Terms};

/// State of a policy in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Paid; its first period lies ahead.
    NotStarted,
    /// The present period is paid.
    Active,
    /// Its last paid period is over.
    Ended,
    /// Its author revoked it as a whole.
    Revoked,
}

impl Standing {
    /// The word for it in lists and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::Active => "active",
            Self::Ended => "ended",
            Self::Revoked => "revoked",
        }
    }

    /// The state in period `now` of a policy with these terms, whose last paid period is
    /// `effective_last`.
    pub fn of(terms: &Terms, revoked: bool, effective_last: Period, now: Period) -> Self {
        if revoked {
            Self::Revoked
        } else if now > effective_last {
            Self::Ended
        } else if now < terms.first_period {
            Self::NotStarted
        } else {
            Self::Active
        }
    }
}
