//! Revocations of a policy or of one arrangement, by the author itself or by its signature.

use ethers::abi::AbiEncode as _;
use kms_protocol::{Address, EthSignature, Terms};

use crate::contracts::bindings::policy_manager as contract;
use crate::convert::{ethers_terms, h160};

/// An author's signed order to end a policy, or the arrangement with one miner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevocationOrder {
    /// The miner whose arrangement ends; `None` for the whole policy.
    pub miner: Option<Address>,
    /// Last block timestamp at which the order counts, in seconds.
    pub deadline: u64,
    /// By the author, over a `Revocation` or an `ArrangementRevocation`.
    pub signature: EthSignature,
}

pub(super) fn policy(terms: &Terms) -> Vec<u8> {
    let terms = ethers_terms(terms);
    contract::RevokePolicyCall { terms }.encode()
}

pub(super) fn arrangement(terms: &Terms, miner: Address) -> Vec<u8> {
    let (terms, miner) = (ethers_terms(terms), h160(miner));
    contract::RevokeArrangementCall { terms, miner }.encode()
}

pub(super) fn signed(terms: &Terms, order: &RevocationOrder) -> Vec<u8> {
    let (terms, deadline) = (ethers_terms(terms), order.deadline.into());
    let signature = order.signature.0.to_vec().into();
    match order.miner {
        None => contract::RevokePolicyWithSignatureCall {
            terms,
            deadline,
            signature,
        }
        .encode(),
        Some(miner) => contract::RevokeArrangementWithSignatureCall {
            terms,
            miner: h160(miner),
            deadline,
            signature,
        }
        .encode(),
    }
}
