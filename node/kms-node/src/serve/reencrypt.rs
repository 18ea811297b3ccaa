//! Answers a reader's request: gate, signature, quotas and replay, re-encryption, one signed
//! receipt per cfrag; an invalid capsule refuses its own entry only. The signature comes before the
//! queue: nobody else spends a reader's quotas. The gate is asked again right before re-encryption,
//! which runs on the pool.

use std::sync::Arc;
use std::time::Instant;

use kms_protocol::messages::{
    CapsuleBytes, CfragBytes, Entry, Problem, ReencryptReply, ReencryptRequest,
};
use kms_protocol::{Address, PolicyId, Refusal};
use umbral::{Capsule, reencrypt};

use crate::gate::{self, Verdict};
use crate::kfrag::cache::HeldKfrag;
use crate::kfrag::held;
use crate::node::Node;
use crate::serve::pool::Ticket;
use crate::serve::quota::Quota;
use crate::serve::shared;
use crate::view::snapshot::Head;

/// Handles a reader's request.
pub(crate) async fn answer(node: &Arc<Node>, request: ReencryptRequest) -> Verdict<ReencryptReply> {
    let started = Instant::now();
    node.check_open()?;
    gate::this_miner(&request.miner, &node.miner())?;
    may_serve(node, &request)?;
    let signed = |reader: &Address| gate::requester(&request, &node.domain, reader);
    let held = held::get(node, request.policy_id, signed).await?;
    let ticket = admit(node, &request).await?;
    let worker = node.clone();
    let reply = ticket.run(move || work(&worker, &request, &held)).await?;
    node.metrics
        .reencrypt_seconds
        .observe(started.elapsed().as_secs_f64());
    Ok(reply)
}

/// Asks the gate over the newest snapshot; returns its head.
fn may_serve(node: &Node, request: &ReencryptRequest) -> Verdict<Head> {
    let snapshot = node.snapshot();
    let (snapshot, _) = gate::serve(node.view(snapshot.as_ref()), &request.policy_id)?;
    gate::recent(snapshot, request.block_time, node.config.request_window_s)?;
    Ok(snapshot.head)
}

/// Takes a place in the queue, then the nonce: a request that is shed may be sent again.
async fn admit(node: &Node, request: &ReencryptRequest) -> Verdict<Ticket> {
    let id = request.policy_id;
    let head = may_serve(node, request)?;
    let ticket = node.pool.admit_for(id).inspect_err(|refused| {
        node.metrics.shed.inc();
        note_quota(node, refused, id, Quota::InFlight);
    })?;
    let taken = shared::take_nonce(node, request, head).await;
    taken.inspect_err(|refused| {
        note_quota(node, refused, id, Quota::Requests);
    })?;
    Ok(ticket)
}

/// Counts a request that a quota refused, and writes a line for the policy's first in a window.
/// Returns whether it wrote one. Passes over any other refusal.
fn note_quota(node: &Node, refused: &Problem, policy: PolicyId, quota: Quota) -> bool {
    if refused.code != Refusal::QuotaUsedUp {
        return false;
    }
    let label = [("quota", quota.setting())];
    node.metrics.quota_refusals.get_or_create(&label).inc();
    let head = node
        .snapshot()
        .map_or(0, |snapshot| snapshot.head.timestamp);
    let window = node.config.request_window_s;
    let new = node.notices.is_new(policy, quota, head, window);
    if new {
        tracing::warn!(%policy, quota = quota.setting(), "a policy has used up its quota");
    }
    new
}

fn work(node: &Node, request: &ReencryptRequest, held: &HeldKfrag) -> Verdict<ReencryptReply> {
    let capsules: Vec<_> = request.capsules.iter().map(parsed).collect();
    let head = may_serve(node, request)?;
    let mut reply = ReencryptReply {
        policy_id: request.policy_id,
        miner: request.miner,
        verifying_key: held.verifying,
        commitments: held.commitments.clone(),
        block_time: head.timestamp,
        block_hash: head.hash,
        entries: Vec::with_capacity(capsules.len()),
    };
    for (bytes, capsule) in request.capsules.iter().zip(capsules) {
        match capsule {
            Ok(capsule) => {
                let cfrag = transform(&capsule, held)?;
                reply.push_signed(bytes, cfrag, held.reader, &node.domain, &node.keys.worker);
                node.metrics.capsules.inc();
            }
            Err(refused) => reply.entries.push(Entry::Refused(refused)),
        }
    }
    Ok(reply)
}

/// Re-encrypts one capsule with a kfrag.
pub(crate) fn transform(capsule: &Capsule, held: &HeldKfrag) -> Verdict<CfragBytes> {
    let cfrag = reencrypt(&mut getrandom::SysRng, capsule, &held.kfrag).map_err(|error| {
        tracing::error!(%error, "re-encryption failed");
        Problem::from(Refusal::Internal)
    })?;
    Ok(CfragBytes::from(cfrag.to_bytes()))
}

/// Parses and verifies one capsule of a request. What is wrong with it refuses no other.
fn parsed(bytes: &CapsuleBytes) -> Verdict<Capsule> {
    Capsule::from_bytes(bytes.as_bytes())
        .map_err(|error| Problem::new(Refusal::CapsuleInvalid, error.to_string()))
}

#[cfg(test)]
mod tests;
