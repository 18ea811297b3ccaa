//! The life of a policy, by what the chain stores of it.

use kms_chain::PolicyState;
use kms_protocol::{Period, Terms};

pub(crate) use kms_core::Standing;

/// The state of a policy in period `now`.
pub(crate) fn standing(terms: &Terms, state: PolicyState, now: Period) -> Standing {
    Standing::of(terms, state.revoked, state.effective_last, now)
}
