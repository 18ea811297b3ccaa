//! The life of a policy, from what the chain stores of it. Pure.

use kms_chain::PolicyState;
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
}

/// The state of a policy in period `now`.
pub(crate) fn standing(terms: &Terms, state: PolicyState, now: Period) -> Standing {
    if state.revoked {
        Standing::Revoked
    } else if now > state.effective_last {
        Standing::Ended
    } else if now < terms.first_period {
        Standing::NotStarted
    } else {
        Standing::Active
    }
}
