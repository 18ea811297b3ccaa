//! Calls that a payment brings with it, by `transferAndCall` on the token to whom it pays.

use ethers::abi::AbiEncode as _;
use kms_protocol::{Address, Amount, Period, Terms};

use crate::contracts::bindings::{kms_token, policy_manager, staking_escrow};
use crate::convert::{ethers_terms, h160};
use crate::deployment::Deployment;

pub(super) fn extend(
    terms: &Terms,
    last_period: Period,
    without: &[Address],
    price: Amount,
    deployment: &Deployment,
) -> Vec<u8> {
    let data = policy_manager::ExtendPolicyCall {
        terms: ethers_terms(terms),
        new_last_period: last_period.0,
        without: without.iter().copied().map(h160).collect(),
    }
    .encode();
    transfer_and_call(deployment.contracts.policies.address, price, data)
}

pub(super) fn create(terms: &Terms, memo: &[u8], deployment: &Deployment) -> Vec<u8> {
    // A price above 128 bits is covered by no balance: the token refuses it.
    let price = terms.price().unwrap_or(Amount(u128::MAX));
    let data = policy_manager::CreatePolicyCall {
        terms: ethers_terms(terms),
        memo: memo.to_vec().into(),
    }
    .encode();
    transfer_and_call(deployment.contracts.policies.address, price, data)
}

pub(super) fn create_all(terms: &[Terms], memos: &[Vec<u8>], deployment: &Deployment) -> Vec<u8> {
    let mut prices = terms.iter().map(|terms| terms.price().ok());
    let price = prices.try_fold(Amount::ZERO, |sum, price| sum.checked_add(price?));
    // As for one policy.
    let price = price.unwrap_or(Amount(u128::MAX));
    let data = policy_manager::CreatePoliciesCall {
        terms: terms.iter().map(ethers_terms).collect(),
        memos: memos.iter().map(|memo| memo.clone().into()).collect(),
    }
    .encode();
    transfer_and_call(deployment.contracts.policies.address, price, data)
}

pub(super) fn deposit(amount: Amount, lock_periods: u32, deployment: &Deployment) -> Vec<u8> {
    let data = staking_escrow::DepositCall {
        amount: amount.0,
        lock_periods,
    }
    .encode();
    transfer_and_call(deployment.contracts.escrow.address, amount, data)
}

fn transfer_and_call(to: Address, amount: Amount, data: Vec<u8>) -> Vec<u8> {
    let (to, value, data) = (h160(to), amount.0.into(), data.into());
    kms_token::TransferAndCallWithDataCall { to, value, data }.encode()
}
