//! The author's word that it handed a miner its kfrag in a period. It travels with the kfrag
//! (`kfrag.rs`), and PolicyManager pays the miner from that period on: no word, no fees.

use serde::{Deserialize, Serialize};

use crate::eip712::{Domain, StructHasher, TypedData};
use crate::error::{Error, Mismatch, Result};
use crate::eth::{EthSecret, EthSignature};
use crate::period::Period;
use crate::primitives::{Address, PolicyId};

/// The word as it travels: of which policy and miner, its reader knows. Signed by the verifying
/// key over [`DeliveryStatement`] in [`Domain::policy_manager`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// Period of the delivery, in chain time.
    pub period: Period,
    /// Signature by the author's verifying key.
    pub signature: EthSignature,
}

impl Delivery {
    /// A word that is not signed yet.
    pub const fn unsigned(period: Period) -> Self {
        let signature = EthSignature::UNSIGNED;
        Self { period, signature }
    }

    /// Signs the word for a policy and a miner. Of `domain` chain and PolicyManager count.
    #[must_use]
    pub fn signed(
        self,
        domain: &Domain,
        policy_id: PolicyId,
        miner: Address,
        verifying: &EthSecret,
    ) -> Self {
        let signature = self
            .statement(policy_id, miner)
            .sign(&judged_in(domain), verifying);
        Self { signature, ..self }
    }

    /// Checks that `verifier` gave its word for this policy and miner, as the contract does.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for the period 0, which the contract takes for no word at all, or why
    /// the signature is refused.
    pub fn verify(
        &self,
        domain: &Domain,
        policy_id: PolicyId,
        miner: Address,
        verifier: &Address,
    ) -> Result<()> {
        if self.period.is_never() {
            return Err(Error::Mismatch(Mismatch::Delivery));
        }
        self.statement(policy_id, miner)
            .check(&judged_in(domain), &self.signature, verifier)
    }

    /// Makes what is signed.
    pub const fn statement(&self, policy_id: PolicyId, miner: Address) -> DeliveryStatement {
        DeliveryStatement {
            policy_id,
            miner,
            period: self.period,
        }
    }
}

/// The domain of the contract that pays, on the same chain.
const fn judged_in(domain: &Domain) -> Domain {
    Domain::policy_manager(domain.chain_id, domain.contract)
}

/// What the author signs: the kfrag of this policy was handed to this miner in this period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryStatement {
    /// Policy whose kfrag it is.
    pub policy_id: PolicyId,
    /// Owner address of the miner.
    pub miner: Address,
    /// Period of the delivery.
    pub period: Period,
}

impl TypedData for DeliveryStatement {
    const TYPE: &'static str = "Delivery(bytes32 policyId,address miner,uint32 period)";

    fn encode_fields(&self, hasher: StructHasher) -> StructHasher {
        hasher
            .bytes32(&self.policy_id.0)
            .address(&self.miner)
            .uint(self.period.0)
    }
}

#[cfg(test)]
mod tests;
