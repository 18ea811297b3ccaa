//! Access begins with the first period, by chain time.

use kms_protocol::Refusal;
use kms_protocol::messages::Problem;

use super::Verdict;
use crate::view::snapshot::{PolicyView, Snapshot};

pub(super) fn check(snapshot: &Snapshot, policy: &PolicyView) -> Verdict {
    if snapshot.period >= policy.first_period {
        return Ok(());
    }
    let (first, now) = (policy.first_period, snapshot.period);
    let detail = format!("starts with period {first}, the chain is in period {now}");
    Err(Problem::new(Refusal::PolicyNotStarted, detail).retry_after(super::BLOCK_RETRY_S))
}
