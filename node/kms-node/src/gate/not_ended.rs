//! Access ends with the last paid period, by chain time. An extension is a payment: it counts once
//! its block has its confirmations.

use kms_protocol::Refusal;
use kms_protocol::messages::Problem;

use super::Verdict;
use crate::view::snapshot::{PolicyView, Snapshot};

pub(super) fn check(snapshot: &Snapshot, policy: &PolicyView) -> Verdict {
    if snapshot.period <= policy.last_as_of(snapshot.confirmed_block()) {
        return Ok(());
    }
    at_head(snapshot, policy)?;
    let detail = "the extension that pays for this period is not confirmed yet";
    Err(Problem::new(Refusal::PolicyUnconfirmed, detail).retry_after(super::BLOCK_RETRY_S))
}

/// As [`check`], with every extension counted at once.
pub(super) fn at_head(snapshot: &Snapshot, policy: &PolicyView) -> Verdict {
    let (last, now) = (policy.last_as_of(u64::MAX), snapshot.period);
    if now <= last {
        return Ok(());
    }
    let detail = format!("ended with period {last}, the chain is in period {now}");
    Err(Problem::new(Refusal::PolicyEnded, detail))
}
