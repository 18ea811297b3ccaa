//! Reads the kfrag of a policy for serving.

use std::sync::Arc;

use kms_protocol::messages::{CommitmentsBytes, Problem};
use kms_protocol::{Address, PolicyId, Refusal, Terms, address_of, keys_hash};
use umbral::{Context, PublicKey, VerifyingKey};

use super::cache::HeldKfrag;
use super::upload::verify;
use crate::gate::Verdict;
use crate::node::Node;
use crate::store::kfrag::KfragRow;

/// Returns the kfrag of a policy from the cache, or decrypts its row and verifies it again. Looks
/// again if kfrags were erased meanwhile. `allow` judges by the reader's address, before anything
/// is computed.
pub(crate) async fn get(
    node: &Arc<Node>,
    id: PolicyId,
    allow: impl Fn(&Address) -> Verdict,
) -> Verdict<Arc<HeldKfrag>> {
    loop {
        let since = node.cache.moment();
        if let Some(held) = node.cache.get(&id) {
            allow(&held.reader)?;
            return Ok(held);
        }
        let held = read(node, id, &allow).await?;
        if node.cache.put(id, held.clone(), since) {
            return Ok(held);
        }
    }
}

async fn read(
    node: &Arc<Node>,
    id: PolicyId,
    allow: &impl Fn(&Address) -> Verdict,
) -> Verdict<Arc<HeldKfrag>> {
    let Some(row) = node.store.kfrag(id).await? else {
        let erased = node.store.erasure(id).await?;
        return Err(erased.map_or_else(
            || Problem::from(Refusal::KfragMissing),
            |erased| Problem::from(erased.reason),
        ));
    };
    let receiving = PublicKey::from_bytes(&row.receiving_key).map_err(|_| damaged(id))?;
    allow(&address_of(&receiving))?;
    // A reorg may have removed the policy since the gate let the request pass.
    let terms = node.store.terms(id).await?;
    let terms = terms.ok_or_else(|| Problem::from(Refusal::PolicyUnknown))?;
    let worker = node.clone();
    let held = node
        .pool
        .admit_for(id)?
        .run(move || open_row(&worker, &row, &terms))
        .await?;
    Ok(Arc::new(held))
}

fn open_row(node: &Node, row: &KfragRow, terms: &Terms) -> Verdict<HeldKfrag> {
    restore(node, row, terms).ok_or_else(|| damaged(row.policy_id))
}

fn damaged(id: PolicyId) -> Problem {
    tracing::error!(policy = %id, "a stored kfrag is damaged");
    Problem::new(Refusal::Internal, "the stored kfrag is damaged")
}

fn restore(node: &Node, row: &KfragRow, terms: &Terms) -> Option<HeldKfrag> {
    let plain = node
        .keys
        .storage
        .open(row.policy_id, row.kfrag_hash, &row.row)
        .ok()?;
    let receiving = PublicKey::from_bytes(&row.receiving_key).ok()?;
    let verifying = VerifyingKey::from_bytes(&row.verifying_key).ok()?;
    let delegating = PublicKey::from_bytes(&row.delegating_key).ok()?;
    if keys_hash(&delegating, &receiving, &row.blinding) != terms.keys_hash {
        return None;
    }
    let context = Context {
        delegating,
        receiving,
        verifying,
    };
    let commitments = CommitmentsBytes::try_from(row.commitments.as_slice()).ok()?;
    let kfrag = verify(node, &plain, terms, &commitments, &context).ok()?;
    Some(HeldKfrag {
        kfrag,
        reader: address_of(&receiving),
        verifying,
        commitments,
    })
}
