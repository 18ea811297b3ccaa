//! Answers a reader's request: gate, signature, replay, capsules, re-encryption, one signed receipt
//! per cfrag. The gate is asked again right before re-encryption, and the nonce is durable before
//! the reply is sent. Signatures and re-encryption run on the pool.

use std::sync::Arc;
use std::time::Instant;

use kms_protocol::Refusal;
use kms_protocol::messages::{CfragBytes, Problem, ReencryptReply, ReencryptRequest};
use umbral::{Capsule, reencrypt};

use crate::gate::{self, Verdict};
use crate::kfrag::cache::HeldKfrag;
use crate::kfrag::held;
use crate::node::Node;
use crate::serve::replay::Pending;
use crate::view::snapshot::Head;

/// Handles a reader's request.
pub(crate) async fn answer(node: &Arc<Node>, request: ReencryptRequest) -> Verdict<ReencryptReply> {
    let started = Instant::now();
    node.check_open()?;
    gate::this_miner(&request.miner, &node.miner())?;
    may_serve(node, &request)?;
    let held = held::get(node, request.policy_id).await?;
    let ticket = node.pool.admit().inspect_err(|_| {
        node.metrics.shed.inc();
    })?;
    let worker = node.clone();
    let (reply, pending) = ticket.run(move || work(&worker, &request, &held)).await?;
    pending.durable().await?;
    node.metrics
        .reencrypt_seconds
        .observe(started.elapsed().as_secs_f64());
    Ok(reply)
}

/// Asks the gate over the newest snapshot; returns its head.
fn may_serve(node: &Node, request: &ReencryptRequest) -> Verdict<Head> {
    let snapshot = node.snapshot();
    let (snapshot, _) = gate::serve(node.view(snapshot.as_ref()), &request.policy_id)?;
    gate::recent(
        snapshot,
        request.block_number,
        node.config.request_window_blocks,
    )?;
    Ok(snapshot.head)
}

fn work(
    node: &Node,
    request: &ReencryptRequest,
    held: &HeldKfrag,
) -> Verdict<(ReencryptReply, Pending)> {
    gate::requester(request, &node.domain, &held.reader)?;
    let capsules = capsules(request)?;
    let head = may_serve(node, request)?;
    let oldest = oldest_nonce(head.number, node.config.request_window_blocks);
    let pending = node
        .replay
        .take(request.nonce, request.block_number, oldest)?;
    let mut reply = ReencryptReply {
        policy_id: request.policy_id,
        miner: request.miner,
        verifying_key: held.verifying,
        commitments: held.commitments.clone(),
        block_number: head.number,
        block_hash: head.hash,
        fragments: Vec::with_capacity(capsules.len()),
    };
    for (bytes, capsule) in request.capsules.iter().zip(&capsules) {
        let cfrag = transform(capsule, held)?;
        reply.push_signed(bytes, cfrag, held.reader, &node.domain, &node.keys.worker);
        node.metrics.capsules.inc();
    }
    Ok((reply, pending))
}

/// Re-encrypts one capsule with a kfrag.
pub(crate) fn transform(capsule: &Capsule, held: &HeldKfrag) -> Verdict<CfragBytes> {
    let cfrag = reencrypt(&mut getrandom::SysRng, capsule, &held.kfrag).map_err(|error| {
        tracing::error!(%error, "re-encryption failed");
        Problem::from(Refusal::Internal)
    })?;
    Ok(CfragBytes::from(cfrag.to_bytes()))
}

/// Parses and verifies every capsule of the request, before anything is signed.
fn capsules(request: &ReencryptRequest) -> Verdict<Vec<Capsule>> {
    let mut capsules = Vec::with_capacity(request.capsules.len());
    for (index, bytes) in request.capsules.iter().enumerate() {
        capsules.push(Capsule::from_bytes(bytes.as_bytes()).map_err(|error| {
            Problem::new(Refusal::CapsuleInvalid, format!("capsule {index}: {error}"))
        })?);
    }
    Ok(capsules)
}

/// Block number below which nonces may be forgotten: outside the request window even after the
/// deepest reorg.
pub(crate) fn oldest_nonce(head: u64, window_blocks: u64) -> u64 {
    head.saturating_sub(window_blocks)
        .saturating_sub(u64::from(kms_chain::HEADERS_KEPT))
}

#[cfg(test)]
mod tests;
