//! The payment counts once its block has N blocks on top: head >= created + N.

use kms_protocol::Refusal;
use kms_protocol::messages::Problem;

use super::Verdict;
use crate::view::snapshot::{PolicyView, Snapshot};

pub(super) fn check(snapshot: &Snapshot, policy: &PolicyView) -> Verdict {
    if snapshot.is_confirmed(policy.created_block) {
        return Ok(());
    }
    let detail = format!(
        "created in block {}, the head is {}, {} confirmations are needed",
        policy.created_block, snapshot.head.number, snapshot.confirmations
    );
    Err(Problem::new(Refusal::PolicyUnconfirmed, detail).retry_after(super::BLOCK_RETRY_S))
}
