//! Taking in a key fragment: every statement of the upload is checked against the chain and the
//! cryptography, the fragment is made durable, and only then acknowledged. Insert once: the same
//! bytes again are acknowledged again, other bytes are a conflict.

use std::sync::Arc;

use kms_protocol::messages::{CommitmentsBytes, KfragAck, KfragUpload, Problem};
use kms_protocol::{EthSignature, PolicyId, Refusal, Terms, address_of, kfrag_policy};
use umbral::{
    Capsule, Context, KeyFrag, PublicKey, VerifiedKeyFrag, VerifyingKey, decrypt_original,
};
use zeroize::Zeroizing;

use crate::gate::{self, Verdict};
use crate::kfrag::cache::HeldKfrag;
use crate::node::Node;
use crate::store::kfrag::{Inserted, KfragRow};

/// Seconds after which a full disk may have room again.
const FULL_RETRY_S: u32 = 60;

/// Whether the fragment was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// Stored by this request.
    Now,
    /// Stored before.
    Before,
}

/// Handles `POST /v2/policies/{id}/kfrag`.
pub(crate) async fn accept(
    node: &Arc<Node>,
    id: PolicyId,
    upload: KfragUpload,
) -> Verdict<(Stored, KfragAck)> {
    node.check_open()?;
    if !node.reserve.is_held() {
        return Err(Problem::from(Refusal::StorageFull).retry_after(FULL_RETRY_S));
    }
    let snapshot = node.snapshot();
    gate::upload(node.view(snapshot.as_ref()), &id)?;
    let worker = node.clone();
    let (row, held) = node
        .pool
        .admit()?
        .run(move || check_and_seal(&worker, id, &upload))
        .await?;
    // The chain may have moved while the fragment was checked.
    let snapshot = node.snapshot();
    gate::upload(node.view(snapshot.as_ref()), &id)?;
    let stored = match node.store.insert_kfrag(&row).await? {
        Inserted::New => Stored::Now,
        Inserted::Same => Stored::Before,
        Inserted::Different => return Err(Problem::from(Refusal::KfragConflict)),
        Inserted::Erased(reason) => return Err(reason.into()),
    };
    if stored == Stored::Now {
        node.metrics.kfrags.inc();
        node.cache.put(id, Arc::new(held));
    }
    let ack = KfragAck {
        policy_id: id,
        miner: node.miner(),
        sealed_hash: row.sealed_hash,
        signature: EthSignature::UNSIGNED,
    };
    Ok((stored, ack.signed(&node.domain, &node.keys.worker)))
}

/// Everything that costs time: three signatures, one decryption, the fragment's own proof.
fn check_and_seal(
    node: &Node,
    id: PolicyId,
    upload: &KfragUpload,
) -> Verdict<(KfragRow, HeldKfrag)> {
    let named = upload
        .verify(&node.domain, node.miner())
        .map_err(|e| Problem::from(&e))?;
    if named != id {
        let detail = format!("the terms are those of policy {named}");
        return Err(Problem::new(Refusal::BadRequest, detail));
    }
    let plain = open_sealed(node, upload)?;
    let context = Context {
        delegating: upload.delegating_key,
        receiving: upload.receiving_key,
        verifying: upload.verifying_key,
    };
    let kfrag = verify(node, &plain, &upload.terms, &upload.commitments, &context)?;
    let sealed_hash = upload.sealed_hash();
    let sealed = node
        .keys
        .storage
        .seal(id, sealed_hash, &plain)
        .map_err(|error| {
            tracing::error!(code = error.code(), %error, "a fragment was not sealed");
            Problem::from(Refusal::Internal)
        })?;
    let row = KfragRow {
        policy_id: id,
        sealed_hash,
        delegating_key: upload.delegating_key.to_bytes(),
        receiving_key: upload.receiving_key.to_bytes(),
        verifying_key: upload.verifying_key.to_bytes(),
        last_period: upload.terms.last_period.0,
        commitments: upload.commitments.as_ref().to_vec(),
        sealed,
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

/// Checks a fragment in clear for the policy of these terms and this miner, and that the author
/// signed the commitments for the policy and made both together. Whether the share is sound only
/// the reader can tell: whoever knew the arguments could combine fragments without it.
fn verify(
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
        let detail = format!("a key fragment of {} bytes", plain.len());
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

/// Opens capsule (98 bytes) || ciphertext with the node's Umbral key.
fn open_sealed(node: &Node, upload: &KfragUpload) -> Verdict<Zeroizing<Vec<u8>>> {
    let short = || {
        Problem::new(
            Refusal::KfragInvalid,
            "the sealed key fragment is too short",
        )
    };
    let bytes: &[u8] = upload.sealed_kfrag.as_ref();
    let (capsule, ciphertext) = bytes
        .split_first_chunk::<{ Capsule::BYTES }>()
        .ok_or_else(short)?;
    let capsule = Capsule::from_bytes(capsule).map_err(|error| invalid(&error))?;
    decrypt_original(&node.keys.umbral, &capsule, ciphertext)
        .map(Zeroizing::new)
        .map_err(|error| invalid(&error))
}

/// Tells a kfrag that is well-formed but not signed for this policy, miner and chain from one that
/// is broken.
fn invalid(error: &umbral::Error) -> Problem {
    let code = match *error == umbral::Error::KeyFragSignature {
        true => Refusal::KfragForeign,
        false => Refusal::KfragInvalid,
    };
    Problem::new(code, error.to_string())
}

/// The fragment of a policy ready for use: from memory, or from the database, verified again.
pub(crate) async fn held(node: &Arc<Node>, id: PolicyId) -> Verdict<Arc<HeldKfrag>> {
    if let Some(held) = node.cache.get(&id) {
        return Ok(held);
    }
    let Some(row) = node.store.kfrag(id).await? else {
        let erased = node.store.erasure(id).await?;
        return Err(erased.map_or_else(
            || Problem::from(Refusal::KfragMissing),
            |erased| Problem::from(erased.reason),
        ));
    };
    // A reorg may have taken the policy since the gate let the request in.
    let terms = node.store.terms(id).await?;
    let terms = terms.ok_or_else(|| Problem::from(Refusal::PolicyUnknown))?;
    let worker = node.clone();
    let held = node
        .pool
        .admit()?
        .run(move || open_row(&worker, &row, &terms))
        .await?;
    let held = Arc::new(held);
    node.cache.put(id, held.clone());
    Ok(held)
}

fn open_row(node: &Node, row: &KfragRow, terms: &Terms) -> Verdict<HeldKfrag> {
    restore(node, row, terms).ok_or_else(|| {
        tracing::error!(policy = %row.policy_id, "a stored key fragment is damaged");
        Problem::new(Refusal::Internal, "the stored key fragment is damaged")
    })
}

fn restore(node: &Node, row: &KfragRow, terms: &Terms) -> Option<HeldKfrag> {
    let plain = node
        .keys
        .storage
        .open(row.policy_id, row.sealed_hash, &row.sealed)
        .ok()?;
    let receiving = PublicKey::from_bytes(&row.receiving_key).ok()?;
    let verifying = VerifyingKey::from_bytes(&row.verifying_key).ok()?;
    let delegating = PublicKey::from_bytes(&row.delegating_key).ok()?;
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

#[cfg(test)]
mod tests;
