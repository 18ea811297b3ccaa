//! The sweeper: erases kfrags after the last paid period and after a revocation, each once it is
//! confirmed, and leaves a signed receipt. Whoever breaks into the node later finds no kfrag of an
//! ended policy, and nothing of one in the write-ahead log, which it truncates. It also forgets the
//! requests that left the replay window.

use std::sync::Arc;
use std::time::Duration;

use kms_protocol::messages::ErasureReceipt;
use kms_protocol::{EthSignature, Period};

use crate::host::health::Severity;
use crate::host::stop::Stop;
use crate::node::Node;
use crate::store::Result;
use crate::store::kfrag::{ErasureReason, ErasureRow, KfragHead};
use crate::view::snapshot::Snapshot;

/// Limit of kfrags read per query and erased per transaction.
const PAGE: u32 = 256;
/// Interval at which the newest snapshot is checked.
const PAUSE: Duration = Duration::from_millis(500);

/// The inputs of a sweep: the next sweep is needed only after they change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Trigger {
    confirmed_period: Period,
    confirmed_revocations: usize,
    policies: usize,
}

/// Sweeps whenever the trigger changes, until told to stop.
pub(crate) async fn run(node: Arc<Node>, stop: Stop) -> Result<()> {
    let heartbeat = node.health.heartbeat("sweeper");
    let mut done = Trigger::default();
    while !stop.is_stopped() {
        if let Some(snapshot) = node.snapshot() {
            node.replay.forget(snapshot.head);
            let trigger = trigger(&snapshot);
            if trigger != done {
                match sweep(&node, &snapshot).await {
                    Ok(()) => done = trigger,
                    Err(error) => {
                        tracing::error!(code = error.code(), %error, "sweep failed, will retry");
                    }
                }
            }
        }
        // Keys are made when one is asked for; here those that are over are wiped unasked.
        if node.snapshot().is_some()
            && let Err(problem) = node.transport_certificate()
        {
            tracing::error!(code = problem.code.code(), detail = %problem.detail, "no new key");
        }
        if let Err(error) = clear_log(&node).await {
            tracing::error!(code = error.code(), %error, "the log was not truncated, will retry");
        }
        heartbeat.beat();
        stop.sleep(PAUSE).await;
    }
    Ok(())
}

fn trigger(snapshot: &Snapshot) -> Trigger {
    let revoked = |block: u64| snapshot.is_confirmed(block);
    Trigger {
        confirmed_period: snapshot.confirmed_period,
        confirmed_revocations: snapshot
            .policies
            .values()
            .filter(|policy| policy.revocation.is_some_and(|(block, _)| revoked(block)))
            .count(),
        policies: snapshot.policies.len(),
    }
}

/// Erases every kfrag that is due for erasure as of `snapshot`.
pub(crate) async fn sweep(node: &Node, snapshot: &Snapshot) -> Result<()> {
    let mut after = None;
    loop {
        let page = node.store.kfrag_heads(after, PAGE).await?;
        let Some(last) = page.last() else {
            return clear_log(node).await;
        };
        after = Some(last.policy_id);
        let tombstones: Vec<ErasureRow> = page
            .iter()
            .filter_map(|head| Some(tombstone(node, snapshot, head, due(snapshot, head)?)))
            .collect();
        if tombstones.is_empty() {
            continue;
        }
        node.store.erase_kfrags(&tombstones).await?;
        for tombstone in &tombstones {
            node.cache.remove(&tombstone.policy_id);
            node.metrics.kfrags.dec();
            node.metrics.erased.inc();
            tracing::info!(policy = %tombstone.policy_id, reason = ?tombstone.reason, "erased");
        }
    }
}

/// Truncates the write-ahead log if it may hold what was erased. If somebody reads it just now, it
/// says so in the report of `/readyz`, and the next call tries again.
async fn clear_log(node: &Node) -> Result<()> {
    if !node.store.has_remains() {
        return Ok(());
    }
    let cut = node.store.cut_log().await;
    let problem = match &cut {
        Ok(true) => None,
        Ok(false) => Some("erased kfrags stay in the database's log while it is read".to_owned()),
        Err(error) => Some(format!("erased kfrags stay in the database's log: {error}")),
    };
    node.health.set("erased_log", Severity::Warning, problem);
    cut.map(drop)
}

/// The reason to erase a kfrag now; `None` to keep it. The kfrag of a policy that a reorg removed
/// stays until the last period of its terms is over.
fn due(snapshot: &Snapshot, head: &KfragHead) -> Option<ErasureReason> {
    let Some(policy) = snapshot.policy(&head.policy_id) else {
        let over = snapshot.confirmed_period > Period(head.last_period);
        return over.then_some(ErasureReason::Ended);
    };
    if policy
        .revocation
        .is_some_and(|(block, _)| snapshot.is_confirmed(block))
    {
        return Some(ErasureReason::Revoked);
    }
    let over = snapshot.confirmed_period > policy.last_as_of(u64::MAX);
    over.then_some(ErasureReason::Ended)
}

fn tombstone(
    node: &Node,
    snapshot: &Snapshot,
    head: &KfragHead,
    reason: ErasureReason,
) -> ErasureRow {
    let receipt = ErasureReceipt {
        policy_id: head.policy_id,
        miner: node.miner(),
        kfrag_hash: head.kfrag_hash,
        block_number: snapshot.head.number,
        block_hash: snapshot.head.hash,
        signature: EthSignature::UNSIGNED,
    };
    let signed = receipt.signed(&node.domain, &node.keys.worker);
    ErasureRow {
        policy_id: head.policy_id,
        kfrag_hash: head.kfrag_hash,
        reason,
        block_number: signed.block_number,
        block_hash: signed.block_hash,
        signature: signed.signature.0,
    }
}

#[cfg(test)]
mod tests;
