//! Conversions between ethers' types and kms-protocol's, for values of `bindings` only.

use ethers::types::{H160, U256};
use kms_protocol::{Address, Amount, B256, Period, PolicyId, Terms};

use crate::contracts::bindings::policy_manager;

pub(crate) fn address(value: H160) -> Address {
    Address(value.0)
}

/// Converts an address; `None` for the zero address, which stands for "nobody".
pub(crate) fn some_address(value: H160) -> Option<Address> {
    Some(Address(value.0)).filter(|address| !address.is_zero())
}

pub(crate) fn h160(value: Address) -> H160 {
    H160(value.0)
}

/// Converts an amount; `None` above 128 bits, which no token capped at 96 bits reaches.
pub(crate) fn amount(value: U256) -> Option<Amount> {
    (value <= U256::from(u128::MAX)).then(|| Amount(value.low_u128()))
}

/// Converts a period; `None` for 0, which stands for "never".
pub(crate) fn some_period(value: u32) -> Option<Period> {
    Some(Period(value)).filter(|period| !period.is_never())
}

pub(crate) fn policy_id(value: [u8; 32]) -> PolicyId {
    PolicyId(B256(value))
}

pub(crate) fn terms(value: policy_manager::Terms) -> Terms {
    Terms {
        author: address(value.author),
        sponsor: address(value.sponsor),
        verifier: address(value.verifier),
        keys_hash: B256(value.keys_hash),
        rate: Amount(value.rate),
        first_period: Period(value.first_period),
        last_period: Period(value.last_period),
        threshold: value.threshold,
        salt: B256(value.salt),
        miners: value.miners.into_iter().map(address).collect(),
    }
}

/// Converts terms into the struct of one binding: each contract's ABI has its own type of it.
macro_rules! terms_for {
    ($binding:ident, $terms:expr) => {
        $binding::Terms {
            author: h160($terms.author),
            sponsor: h160($terms.sponsor),
            verifier: h160($terms.verifier),
            keys_hash: $terms.keys_hash.0,
            rate: $terms.rate.0,
            first_period: $terms.first_period.0,
            last_period: $terms.last_period.0,
            threshold: $terms.threshold,
            salt: $terms.salt.0,
            miners: $terms.miners.iter().copied().map(h160).collect(),
        }
    };
}
pub(crate) use terms_for;

pub(crate) fn ethers_terms(terms: &Terms) -> policy_manager::Terms {
    terms_for!(policy_manager, terms)
}
