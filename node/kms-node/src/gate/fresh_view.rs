//! Nothing is decided on an old view of the chain: a revocation might be in the part not seen.

use kms_protocol::Refusal;
use kms_protocol::messages::Problem;

use super::{Verdict, View};
use crate::view::snapshot::Snapshot;

/// Seconds after which asking again makes sense.
const RETRY_AFTER_S: u32 = 5;

pub(super) fn check(view: View<'_>) -> Verdict<&Snapshot> {
    let detail = match (view.snapshot, view.age) {
        (Some(snapshot), Some(age)) if age <= view.max_age => return Ok(snapshot),
        (Some(snapshot), Some(age)) => format!(
            "block {} was last confirmed as the head {} s ago, the limit is {} s",
            snapshot.head.number,
            age.as_secs(),
            view.max_age.as_secs()
        ),
        (_, None) | (None, Some(_)) => "the chain has not been read to its head yet".to_owned(),
    };
    Err(Problem::new(Refusal::StaleChainView, detail).retry_after(RETRY_AFTER_S))
}
