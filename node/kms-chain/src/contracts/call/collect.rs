//! The collection of fees, as `PolicyManager.collect` takes it, and its view `collectableEach`.

use ethers::abi::AbiEncode;
use kms_protocol::messages::Delivery;
use kms_protocol::{Address, Terms};

use crate::contracts::bindings::policy_manager as contract;
use crate::convert::{ethers_terms, h160};

/// A policy to collect from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Terms of the policy.
    pub terms: Terms,
    /// The author's word that the miner has its kfrag. The first collection needs it, later ones
    /// do not.
    pub delivery: Option<Delivery>,
}

/// Makes the deliveries: one for each policy, or none at all where none is needed.
fn deliveries(policies: &[Collection]) -> Vec<contract::Delivery> {
    if policies.iter().all(|policy| policy.delivery.is_none()) {
        return Vec::new();
    }
    let word = |policy: &Collection| {
        policy.delivery.map_or_else(Default::default, |delivery| {
            let (r, vs) = delivery.signature.compact();
            contract::Delivery {
                period: delivery.period.0,
                r: r.0,
                vs: vs.0,
            }
        })
    };
    policies.iter().map(word).collect()
}

fn terms(policies: &[Collection]) -> Vec<contract::Terms> {
    let terms = policies.iter().map(|policy| ethers_terms(&policy.terms));
    terms.collect()
}

pub(super) fn collect(policies: &[Collection], miner: Address) -> Vec<u8> {
    contract::CollectCall {
        terms: terms(policies),
        miner: h160(miner),
        deliveries: deliveries(policies),
    }
    .encode()
}

/// Makes the call of the view that counts what the same collection would pay from each policy.
pub(crate) fn count(policies: &[Collection], miner: Address) -> contract::CollectableEachCall {
    contract::CollectableEachCall {
        terms: terms(policies),
        miner: h160(miner),
        deliveries: deliveries(policies),
    }
}

#[cfg(test)]
mod tests;
