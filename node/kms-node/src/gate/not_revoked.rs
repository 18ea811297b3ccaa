//! A revocation ends access from the first block that shows it, without any confirmation.

use kms_protocol::Refusal;
use kms_protocol::messages::Problem;

use super::Verdict;
use crate::view::snapshot::PolicyView;

pub(super) fn check(policy: &PolicyView) -> Verdict {
    match policy.revocation {
        None => Ok(()),
        Some((block, _)) => Err(Problem::new(
            Refusal::PolicyRevoked,
            format!("revoked in block {block}"),
        )),
    }
}
