//! Whether a policy is served, and whether a request may be answered: pure rules over a snapshot,
//! one per file, each with its stable code. Asymmetric by intent: what was paid counts after N
//! confirmations, what was taken back counts from the head. Time is the head's timestamp, always.
//!
//! | rule | refuses with |
//! |---|---|
//! | `fresh_view` | stale_chain_view |
//! | `this_miner` | not_this_miner |
//! | `known` | policy_unknown |
//! | `not_revoked` | policy_revoked |
//! | `confirmed` | policy_unconfirmed |
//! | `started` | policy_not_started |
//! | `not_ended` | policy_ended, policy_unconfirmed |
//! | `recent` | stale_request |
//! | `requester` | bad_signature |

mod confirmed;
mod fresh_view;
mod known;
mod not_ended;
mod not_revoked;
mod recent;
mod requester;
mod started;
mod this_miner;

use std::time::Duration;

use kms_protocol::PolicyId;
use kms_protocol::messages::Problem;

use crate::view::snapshot::{PolicyView, Snapshot};

pub(crate) use recent::check as recent;
pub(crate) use requester::check as requester;
pub(crate) use this_miner::check as this_miner;

/// Seconds after which a refusal that one more block may lift is worth another try.
const BLOCK_RETRY_S: u32 = 2;

/// The verdict of a rule.
pub(crate) type Verdict<T = ()> = Result<T, Problem>;

/// What the rules about a policy look at.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// The newest snapshot, if there is one.
    pub(crate) snapshot: Option<&'a Snapshot>,
    /// Time since the snapshot was last known to be the newest; `None` for never.
    pub(crate) age: Option<Duration>,
    /// Oldest age to decide on.
    pub(crate) max_age: Duration,
}

/// Whether requests under this policy are served now.
pub(crate) fn serve<'a>(view: View<'a>, id: &PolicyId) -> Verdict<(&'a Snapshot, &'a PolicyView)> {
    let snapshot = fresh_view::check(view)?;
    let policy = known::check(snapshot, id)?;
    not_revoked::check(policy)?;
    confirmed::check(snapshot, policy)?;
    started::check(snapshot, policy)?;
    not_ended::check(snapshot, policy)?;
    Ok((snapshot, policy))
}

/// Whether a key fragment for this policy is accepted now: known at the head is enough, since the
/// owner uploads right after paying; serving waits for the confirmations.
pub(crate) fn upload<'a>(view: View<'a>, id: &PolicyId) -> Verdict<&'a Snapshot> {
    let snapshot = fresh_view::check(view)?;
    let policy = known::check(snapshot, id)?;
    not_revoked::check(policy)?;
    not_ended::at_head(snapshot, policy)?;
    Ok(snapshot)
}

#[cfg(test)]
mod tests;
