//! The policy must be on the chain this node follows, with this miner in it.

use kms_protocol::messages::Problem;
use kms_protocol::{PolicyId, Refusal};

use super::Verdict;
use crate::view::snapshot::{PolicyView, Snapshot};

pub(super) fn check<'a>(snapshot: &'a Snapshot, id: &PolicyId) -> Verdict<&'a PolicyView> {
    snapshot.policy(id).ok_or_else(|| {
        let head = snapshot.head.number;
        let detail = format!("no policy {id} with this miner as of block {head}");
        Problem::new(Refusal::PolicyUnknown, detail)
    })
}
