//! A request names a block near this node's head, so that nonces need not be kept for ever.

use kms_protocol::Refusal;
use kms_protocol::messages::Problem;

use super::Verdict;
use crate::view::snapshot::Snapshot;

pub(crate) fn check(snapshot: &Snapshot, block_number: u64, window_blocks: u64) -> Verdict {
    let head = snapshot.head.number;
    if head.abs_diff(block_number) <= window_blocks {
        return Ok(());
    }
    let detail =
        format!("block {block_number} is more than {window_blocks} blocks from the head {head}");
    Err(Problem::new(Refusal::StaleRequest, detail))
}
