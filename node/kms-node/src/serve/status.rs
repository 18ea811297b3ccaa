//! What the node says of itself, signed, and of one policy: whether it is served and if not why,
//! whether its kfrag is held or erased.

use std::sync::{Mutex, PoisonError};

use kms_protocol::messages::{ErasureReceipt, KfragState, NodeInfo, PolicyStatus, Problem};
use kms_protocol::{EthSignature, PolicyId, Refusal};

use crate::gate::{self, Verdict};
use crate::node::Node;
use crate::store::kfrag::ErasureRow;

/// The information signed last: signed once for each head and key, however often it is asked for.
pub(crate) type InfoCache = Mutex<Option<NodeInfo>>;

impl Node {
    /// The node's signed information; refused before the first snapshot.
    pub(crate) fn info(&self) -> Verdict<NodeInfo> {
        let info = NodeInfo {
            miner: self.miner(),
            worker: self.keys.worker.address(),
            chain_id: self.domain.chain_id,
            policy_manager: self.domain.contract,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            head_block: self.snapshot().map_or(0, |snapshot| snapshot.head.number),
            transport: self.transport_certificate()?,
            signature: EthSignature::UNSIGNED,
        };
        let mut cache = self.info.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signed) = cache.as_ref() {
            let signature = signed.signature;
            if *signed
                == (NodeInfo {
                    signature,
                    ..info.clone()
                })
            {
                return Ok(signed.clone());
            }
        }
        let signed = info.signed(&self.domain, &self.keys.worker);
        *cache = Some(signed.clone());
        Ok(signed)
    }

    pub(crate) async fn status(&self, id: PolicyId) -> Verdict<PolicyStatus> {
        let erasure = self.store.erasure(id).await?;
        let stored = self.store.kfrag(id).await?;
        let (kfrag, refusal) = self.serves(id, erasure.as_ref(), stored.is_some());
        Ok(PolicyStatus {
            policy_id: id,
            serving: refusal.is_none(),
            refusal,
            kfrag,
            erasure: erasure.map(|row| self.receipt(&row)),
        })
    }

    /// Where a policy's kfrag is, and what a request would be refused with now.
    pub(crate) fn serves(
        &self,
        id: PolicyId,
        erasure: Option<&ErasureRow>,
        stored: bool,
    ) -> (KfragState, Option<Problem>) {
        let kfrag = match (erasure, stored) {
            (Some(_), _) => KfragState::Erased,
            (None, true) => KfragState::Stored,
            (None, false) => KfragState::Missing,
        };
        let snapshot = self.snapshot();
        let refusal = self
            .check_open()
            .and_then(|()| gate::serve(self.view(snapshot.as_ref()), &id).map(|_| ()))
            .err()
            .or_else(|| match (erasure, kfrag) {
                (Some(row), _) => Some(Problem::from(row.reason)),
                (None, KfragState::Missing) => Some(Problem::from(Refusal::KfragMissing)),
                (None, KfragState::Stored | KfragState::Erased) => None,
            });
        (kfrag, refusal)
    }

    fn receipt(&self, row: &ErasureRow) -> ErasureReceipt {
        ErasureReceipt {
            policy_id: row.policy_id,
            miner: self.miner(),
            kfrag_hash: row.kfrag_hash,
            block_number: row.block_number,
            block_hash: row.block_hash,
            signature: EthSignature(row.signature),
        }
    }
}
