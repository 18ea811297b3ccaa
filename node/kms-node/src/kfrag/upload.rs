//! Accepts an uploaded kfrag: checks it against the chain, its signatures, its proof and the word
//! that pays for it, stores it durably, and only then acknowledges it. Idempotent: the same kfrag
//! is acknowledged again, another is a conflict.

use std::sync::Arc;

use kms_protocol::messages::{CommitmentsBytes, KfragAck, KfragUpload, Problem};
use kms_protocol::{EthSignature, PolicyId, Refusal, Terms, address_of, kfrag_policy};
use umbral::{Context, KeyFrag, VerifiedKeyFrag};

use crate::gate::{self, Verdict};
use crate::kfrag::cache::HeldKfrag;
use crate::node::Node;
use crate::store::FULL_RETRY_S;
use crate::store::kfrag::{Inserted, KfragRow};

/// Handles the upload of a kfrag.
pub(crate) async fn accept(node: &Arc<Node>, upload: KfragUpload) -> Verdict<KfragAck> {
    node.check_open()?;
    let id = upload.terms.id(node.domain.chain_id, &node.domain.contract);
    if !node.reserve.is_held() {
        return Err(Problem::from(Refusal::StorageFull).retry_after(FULL_RETRY_S));
    }
    let snapshot = node.snapshot();
    let delivery = upload.delivery;
    gate::upload(node.view(snapshot.as_ref()), &id, delivery.period)?;
    // Before the queue: nobody but the author spends a policy's places.
    upload
        .verify(&node.domain, node.miner())
        .map_err(|e| Problem::from(&e))?;
    let worker = node.clone();
    let (row, held) = node
        .pool
        .admit_for(id)?
        .run(move || check_and_seal(&worker, id, &upload))
        .await?;
    // The chain may have a newer head since the gate was asked.
    let snapshot = node.snapshot();
    gate::upload(node.view(snapshot.as_ref()), &id, delivery.period)?;
    let since = node.cache.moment();
    match node.store.insert_kfrag(&row, &delivery).await? {
        Inserted::New => {
            node.metrics.kfrags.inc();
            // Not kept if kfrags were erased meanwhile: a request reads the row.
            node.cache.put(id, Arc::new(held), since);
        }
        Inserted::Same => {}
        Inserted::Different => return Err(Problem::from(Refusal::KfragConflict)),
        Inserted::Erased(reason) => return Err(reason.into()),
    }
    let ack = KfragAck {
        policy_id: id,
        miner: node.miner(),
        kfrag_hash: row.kfrag_hash,
        signature: EthSignature::UNSIGNED,
    };
    Ok(ack.signed(&node.domain, &node.keys.worker))
}

/// Computes on the pool: checks two signatures and the kfrag's proof, and seals.
fn check_and_seal(
    node: &Node,
    id: PolicyId,
    upload: &KfragUpload,
) -> Verdict<(KfragRow, HeldKfrag)> {
    let context = Context {
        delegating: upload.delegating_key,
        receiving: upload.receiving_key,
        verifying: upload.verifying_key,
    };
    let kfrag = verify(
        node,
        upload.kfrag.expose(),
        &upload.terms,
        &upload.commitments,
        &context,
    )?;
    let kfrag_hash = upload.kfrag.hash();
    let sealed_row = node
        .keys
        .storage
        .seal(id, kfrag_hash, upload.kfrag.expose())
        .map_err(|error| {
            tracing::error!(code = error.code(), %error, "a kfrag was not sealed");
            Problem::from(Refusal::Internal)
        })?;
    let row = KfragRow {
        policy_id: id,
        kfrag_hash,
        delegating_key: upload.delegating_key.to_bytes(),
        receiving_key: upload.receiving_key.to_bytes(),
        blinding: upload.blinding,
        verifying_key: upload.verifying_key.to_bytes(),
        last_period: upload.terms.last_period.0,
        commitments: upload.commitments.as_ref().to_vec(),
        row: sealed_row,
    };
    let reader = address_of(&upload.receiving_key);
    Ok((
        row,
        HeldKfrag {
            kfrag,
            reader,
            verifying: upload.verifying_key,
            commitments: upload.commitments.clone(),
        },
    ))
}

/// Verifies a kfrag in clear: that the author made it for this policy and miner, and signed the
/// commitments for this policy, both in one delegation. Only the reader can check that the kfrag's
/// share lies on the committed polynomial.
pub(super) fn verify(
    node: &Node,
    plain: &[u8],
    terms: &Terms,
    commitments: &CommitmentsBytes,
    context: &Context,
) -> Verdict<VerifiedKeyFrag> {
    let domain = &node.domain;
    let policy = kfrag_policy(terms, domain.chain_id, &domain.contract)
        .map_err(|error| Problem::from(&error))?;
    let bytes = plain.try_into().map_err(|_| {
        let detail = format!("a kfrag of {} bytes", plain.len());
        Problem::new(Refusal::KfragInvalid, detail)
    })?;
    let kfrag = KeyFrag::from_bytes(bytes)
        .and_then(|kfrag| kfrag.verify(context, &policy, &node.miner().0))
        .map_err(|error| invalid(&error))?;
    let unfit = |error: umbral::Error| Problem::new(Refusal::CommitmentsInvalid, error.to_string());
    let commitments = commitments.parse().map_err(unfit)?;
    commitments
        .check_signature(context, &policy)
        .and_then(|()| commitments.check_delegation(&kfrag))
        .map_err(unfit)?;
    Ok(kfrag)
}

/// The problem of a kfrag that does not verify: signed for another policy, miner or chain, or
/// malformed.
fn invalid(error: &umbral::Error) -> Problem {
    let code = match *error == umbral::Error::KeyFragSignature {
        true => Refusal::KfragForeign,
        false => Refusal::KfragInvalid,
    };
    Problem::new(code, error.to_string())
}

#[cfg(test)]
mod tests;
