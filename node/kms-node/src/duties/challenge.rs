//! Makes the answer to a challenge of silence: under the rules for a request, with a receipt for
//! the requester of the challenge. The contract has checked the challenger's right; `act` sends the
//! answer. Each answer has a new cfrag, whose proof differs but whose points do not: two answers
//! never contradict each other.

use std::sync::Arc;

use kms_chain::ChallengeAnswer;
use kms_protocol::messages::{Problem, Receipt};
use kms_protocol::{PolicyId, Refusal, TypedData as _, keccak256};
use umbral::Capsule;

use crate::gate::{self, Verdict};
use crate::kfrag::cache::HeldKfrag;
use crate::kfrag::held;
use crate::node::Node;
use crate::serve::reencrypt::transform;
use crate::view::snapshot::{ChallengeView, Head};

/// Makes the answer to the open challenge number `seq`.
pub(crate) async fn answer(
    node: &Arc<Node>,
    policy: PolicyId,
    seq: u64,
) -> Verdict<ChallengeAnswer> {
    may_answer(node, policy, seq)?;
    let held = held::get(node, policy, |_| Ok(())).await?;
    let ticket = node.pool.admit()?;
    let worker = node.clone();
    ticket
        .run(move || {
            let (challenge, head) = may_answer(&worker, policy, seq)?;
            make(&worker, &challenge, &held, head)
        })
        .await
}

/// Asks the gate over the newest snapshot; returns its challenge and its head.
fn may_answer(node: &Node, policy: PolicyId, seq: u64) -> Verdict<(ChallengeView, Head)> {
    let snapshot = node.snapshot();
    let (snapshot, _) = gate::answer(node.view(snapshot.as_ref()), &policy)?;
    let challenge = snapshot.challenge(seq).filter(|open| open.policy == policy);
    let Some(challenge) = challenge else {
        let detail = format!("challenge {seq} is not open");
        return Err(Problem::new(Refusal::BadRequest, detail));
    };
    Ok((challenge.clone(), snapshot.head))
}

fn make(
    node: &Node,
    challenge: &ChallengeView,
    held: &HeldKfrag,
    head: Head,
) -> Verdict<ChallengeAnswer> {
    let bytes = challenge.capsule;
    let capsule = Capsule::from_bytes(bytes.as_bytes())
        .map_err(|error| Problem::new(Refusal::CapsuleInvalid, error.to_string()))?;
    let cfrag = transform(&capsule, held)?;
    node.metrics.capsules.inc();
    let receipt = Receipt {
        policy_id: challenge.policy,
        miner: node.miner(),
        capsule_hash: keccak256(bytes.as_ref()),
        cfrag_hash: keccak256(cfrag.as_ref()),
        commitments_hash: held.commitments.hash(),
        requester: challenge.requester,
        block_time: head.timestamp,
        block_hash: head.hash,
    };
    Ok(ChallengeAnswer {
        cfrag,
        commitments_hash: receipt.commitments_hash,
        block_time: head.timestamp,
        block_hash: head.hash,
        signature: receipt.sign(&node.domain, &node.keys.worker),
    })
}

#[cfg(test)]
mod tests;
