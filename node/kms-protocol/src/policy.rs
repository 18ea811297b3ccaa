//! The terms of a policy and its id, encoded exactly as `IPolicyManager.sol` does.
//!
//! The id commits to everything a node or a judge must know: whoever acts on a policy supplies the
//! terms again. Terms are validated when read from JSON, and by [`Terms::validate`] when built in
//! code.

use serde::{Deserialize, Serialize};
use umbral::Quorum;

use crate::abi::{WORD, Words};
use crate::amount::Amount;
use crate::error::{Error, Result, TermsFault};
use crate::period::Period;
use crate::primitives::{Address, B256, PolicyId, keccak256};

/// Greatest number of miners of a policy.
pub const MINERS_MAX: usize = 32;

/// Words of the terms before the list of miners.
const HEAD_WORDS: usize = 10;

/// Greatest value of a uint96.
const UINT96_MAX: u128 = (1 << 96) - 1;

/// `IPolicyManager.Terms`: everything the id of a policy commits to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "TermsWire")]
pub struct Terms {
    /// Author, who may revoke: an account or an ERC-1271 contract.
    pub author: Address,
    /// Sponsor, who pays and receives every refund.
    pub sponsor: Address,
    /// Ethereum address of the author's Umbral verifying key.
    pub verifier: Address,
    /// [`keys_hash`] of the delegating and the receiving key, which says nothing to others.
    pub keys_hash: B256,
    /// Fee per miner and period, > 0, at most 96 bits.
    pub rate: Amount,
    /// First period that is paid, >= 1.
    pub first_period: Period,
    /// Last period that is paid, inclusive.
    pub last_period: Period,
    /// m: cfrags a reader needs, 1 <= m <= n.
    pub threshold: u8,
    /// 16 random bytes that make equal grants different policies, then the tag by which the reader
    /// knows the owner's hand, see [`PairKey`](crate::PairKey).
    pub salt: B256,
    /// n miners, strictly ascending, 1 <= n <= 32.
    pub miners: Vec<Address>,
}

/// The JSON form, before validation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TermsWire {
    author: Address,
    sponsor: Address,
    verifier: Address,
    keys_hash: B256,
    rate: Amount,
    first_period: Period,
    last_period: Period,
    threshold: u8,
    salt: B256,
    miners: Vec<Address>,
}

impl TryFrom<TermsWire> for Terms {
    type Error = Error;

    fn try_from(wire: TermsWire) -> Result<Self> {
        let terms = Self {
            author: wire.author,
            sponsor: wire.sponsor,
            verifier: wire.verifier,
            keys_hash: wire.keys_hash,
            rate: wire.rate,
            first_period: wire.first_period,
            last_period: wire.last_period,
            threshold: wire.threshold,
            salt: wire.salt,
            miners: wire.miners,
        };
        terms.validate()?;
        Ok(terms)
    }
}

/// Computes keccak256(delegating key || receiving key || blinding), the keys compressed (98 bytes
/// hashed). The blinding is [`PairKey::blinding`](crate::PairKey::blinding).
pub fn keys_hash(
    delegating: &umbral::PublicKey,
    receiving: &umbral::PublicKey,
    blinding: &B256,
) -> B256 {
    keccak256(&RevealedKeys::of_author(delegating, receiving, blinding).keys)
}

/// The keys and the blinding behind [`Terms::keys_hash`], as a judge takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevealedKeys {
    /// Delegating key || receiving key, both compressed, || blinding.
    pub keys: [u8; 98],
    /// y of the receiving key for a reader; 0, which no point has, for the author.
    pub receiving_y: [u8; 32],
}

impl RevealedKeys {
    /// Makes the form for a reader, who signs with the receiving key.
    pub fn of_reader(
        delegating: &umbral::PublicKey,
        receiving: &umbral::PublicKey,
        blinding: &B256,
    ) -> Self {
        let mut receiving_y = [0; 32];
        let point = receiving.to_uncompressed();
        receiving_y.copy_from_slice(point.split_at(32).1);
        Self {
            receiving_y,
            ..Self::of_author(delegating, receiving, blinding)
        }
    }

    /// Makes the form for the author, who signs with the verifying key.
    pub fn of_author(
        delegating: &umbral::PublicKey,
        receiving: &umbral::PublicKey,
        blinding: &B256,
    ) -> Self {
        let mut keys = [0; 98];
        let (points, rest) = keys.split_at_mut(66);
        let (first, second) = points.split_at_mut(33);
        first.copy_from_slice(&delegating.to_bytes());
        second.copy_from_slice(&receiving.to_bytes());
        rest.copy_from_slice(blinding.as_ref());
        Self {
            keys,
            receiving_y: [0; 32],
        }
    }
}

/// Computes the policy that a kfrag is signed for. Author, node, reader and judge all use this
/// function. `contract` is the policy manager.
///
/// | signed field | taken from |
/// |---|---|
/// | chain id, contract, policy id | the arguments, [`Terms::id`] |
/// | m of n | the threshold, the number of miners |
/// | not-before | the first period |
/// | expiry | the last period of the terms + 1 |
/// | conditions | zero: there are none |
///
/// An extension on chain pays for further periods; it changes neither the terms nor what was
/// signed. So a node does not stop at `expiry`, but when the chain says so.
///
/// # Errors
/// [`Error::Terms`] if the threshold does not fit the number of miners, or there are too many.
pub fn kfrag_policy(terms: &Terms, chain_id: u64, contract: &Address) -> Result<umbral::Policy> {
    let miners = terms.miners.len();
    let threshold = terms.threshold;
    let fault = Error::Terms(TermsFault::Threshold { threshold, miners });
    let shares = u16::try_from(miners).map_err(|_| fault)?;
    Ok(umbral::Policy {
        chain_id,
        contract: contract.0,
        policy_id: *terms.id(chain_id, contract).as_bytes(),
        quorum: Quorum::new(threshold.into(), shares).map_err(|_| fault)?,
        not_before: terms.first_period.0.into(),
        expiry: u64::from(terms.last_period.0) + 1,
        conditions: [0; 32],
    })
}

impl Terms {
    /// Computes the id: keccak256(abi.encode(chainid, contract, terms)).
    pub fn id(&self, chain_id: u64, contract: &Address) -> PolicyId {
        let words = Words::with_capacity(HEAD_WORDS + 4 + self.miners.len())
            .uint(chain_id)
            .address(contract)
            .size(3 * WORD)
            .append(&self.tuple());
        PolicyId(keccak256(words.as_bytes()))
    }

    /// Computes abi.encode(terms).
    pub fn abi_encode(&self) -> Vec<u8> {
        Words::with_capacity(HEAD_WORDS + 2 + self.miners.len())
            .size(WORD)
            .append(&self.tuple())
            .into_bytes()
    }

    /// Encodes the struct: ten head words, then the length and entries of `miners`.
    fn tuple(&self) -> Words {
        let head = Words::with_capacity(HEAD_WORDS + 1 + self.miners.len())
            .address(&self.author)
            .address(&self.sponsor)
            .address(&self.verifier)
            .bytes32(&self.keys_hash)
            .uint(self.rate.0)
            .uint(self.first_period.0)
            .uint(self.last_period.0)
            .uint(self.threshold)
            .bytes32(&self.salt)
            .size(HEAD_WORDS * WORD)
            .size(self.miners.len());
        self.miners.iter().fold(head, Words::address)
    }

    /// Checks everything that the contract checks without its state.
    ///
    /// # Errors
    /// [`Error::Terms`].
    pub fn validate(&self) -> Result<()> {
        self.fault()
            .map_or(Ok(()), |fault| Err(Error::Terms(fault)))
    }

    fn fault(&self) -> Option<TermsFault> {
        let n = self.miners.len();
        // From the zero address, as in the contract: no miner twice, none of them zero.
        let previous = core::iter::once(&Address::ZERO).chain(&self.miners);
        let unsorted = previous
            .zip(&self.miners)
            .position(|(before, miner)| miner <= before);
        if self.author.is_zero() {
            Some(TermsFault::AuthorZero)
        } else if self.sponsor.is_zero() {
            Some(TermsFault::SponsorZero)
        } else if self.verifier.is_zero() {
            Some(TermsFault::VerifierZero)
        } else if self.rate.is_zero() {
            Some(TermsFault::RateZero)
        } else if self.rate.0 > UINT96_MAX {
            Some(TermsFault::RateTooLarge)
        } else if self.first_period.is_never() || self.first_period > self.last_period {
            Some(TermsFault::Periods)
        } else if n == 0 || n > MINERS_MAX {
            Some(TermsFault::MinerCount { count: n })
        } else if let Some(index) = unsorted {
            Some(TermsFault::MinersUnsorted { index })
        } else if self.threshold == 0 || usize::from(self.threshold) > n {
            Some(TermsFault::Threshold {
                threshold: self.threshold,
                miners: n,
            })
        } else {
            None
        }
    }

    /// Counts the periods paid for: last - first + 1.
    pub fn period_count(&self) -> u64 {
        self.first_period.count_through(self.last_period)
    }

    /// Computes the price: rate * n * periods.
    ///
    /// # Errors
    /// [`Error::AmountOverflow`] beyond 128 bits, which no supply reaches.
    pub fn price(&self) -> Result<Amount> {
        u128::try_from(self.miners.len())
            .ok()
            .and_then(|n| self.rate.checked_mul(n))
            .and_then(|per_period| per_period.checked_mul(u128::from(self.period_count())))
            .ok_or(Error::AmountOverflow)
    }

    /// Whether `miner` is one of the n miners.
    pub fn includes(&self, miner: &Address) -> bool {
        self.miners.contains(miner)
    }
}

#[cfg(test)]
mod tests;
