//! The definitions that client, node and chain share: identifiers, amounts, periods, policy terms,
//! the signed messages between client and node, the closed list of refusals, sampling and the
//! reward formula. Pure: no network, no clock, no storage. Built on `umbral`.

pub mod abi;
pub mod accusation;
pub mod amount;
pub mod challenge;
pub mod consent;
pub mod eip712;
pub mod error;
pub mod eth;
pub mod hex_serde;
pub mod messages;
pub mod pair;
pub mod period;
pub mod policy;
pub mod primitives;
pub mod refusal;
pub mod reward;
pub mod sampling;
pub mod transport;

pub use accusation::Accusation;
pub use amount::{Amount, Wei};
pub use challenge::ChallengeConsent;
pub use consent::{SignedConsent, WorkerConsent};
pub use eip712::{Domain, TypedData};
pub use error::{Error, Result};
pub use eth::{EthSecret, EthSignature, address_of, address_of_verifying};
pub use pair::PairKey;
pub use period::{Period, PeriodClock};
pub use policy::{RevealedKeys, Terms, keys_hash, kfrag_policy};
pub use primitives::{Address, B256, FixedBytes, PolicyId, keccak256};
pub use refusal::Refusal;
pub use transport::{Destination, Exchange, TransportKey, TransportKeyId, TransportSecret};

#[cfg(test)]
mod test_support;
