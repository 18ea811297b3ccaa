//! Draws miners at random in proportion to their locked stake, reproducibly from a seed.
//!
//! Stakes are laid end to end as on a ruler, a random point picks the miner whose stretch holds it,
//! the stretch is removed and the gap closed, and the next point is drawn.

use crate::amount::Amount;
use crate::error::{Error, Result};
use crate::primitives::{Address, keccak256};

/// Domain separation of the hashes of this file.
const DOMAIN_TAG: &[u8] = b"KMS sampling v1";

/// Draws `n` different miners, each with odds in proportion to its stake among those left.
/// The result is ascending; it depends on the seed and the set of candidates, not on their order.
/// Candidates without stake are never drawn.
///
/// # Errors
/// [`Error::TooFewCandidates`], [`Error::DuplicateCandidate`], [`Error::AmountOverflow`] when the
/// stakes sum beyond 128 bits.
pub fn sample(seed: &[u8; 32], candidates: &[(Address, Amount)], n: usize) -> Result<Vec<Address>> {
    let (mut ruler, mut length) = lay_out(candidates)?;
    if n > ruler.len() {
        return Err(Error::TooFewCandidates {
            wanted: n,
            available: ruler.len(),
        });
    }
    let mut points = Points { seed, counter: 0 };
    let mut chosen = Vec::with_capacity(n);
    for _ in 0..n {
        let point = points.below(length);
        let (miner, stake) = ruler.remove(index_at(&ruler, point));
        length = length.saturating_sub(stake);
        chosen.push(miner);
    }
    chosen.sort_unstable();
    Ok(chosen)
}

/// Sorts the candidates with stake by address; returns them and the sum of their stakes.
fn lay_out(candidates: &[(Address, Amount)]) -> Result<(Vec<(Address, u128)>, u128)> {
    let mut ruler: Vec<_> = candidates
        .iter()
        .map(|(miner, stake)| (*miner, stake.0))
        .collect();
    ruler.sort_unstable();
    if let Some(((miner, _), _)) = ruler
        .iter()
        .zip(ruler.iter().skip(1))
        .find(|(a, b)| a.0 == b.0)
    {
        return Err(Error::DuplicateCandidate { miner: *miner });
    }
    ruler.retain(|(_, stake)| *stake > 0);
    let length = ruler
        .iter()
        .try_fold(0_u128, |sum, (_, stake)| sum.checked_add(*stake));
    Ok((ruler, length.ok_or(Error::AmountOverflow)?))
}

/// Finds the stretch [start, start + stake) that holds `point`, which is below the sum.
fn index_at(ruler: &[(Address, u128)], point: u128) -> usize {
    let ends = ruler.iter().scan(0_u128, |end, (_, stake)| {
        *end = end.saturating_add(*stake);
        Some(*end)
    });
    ends.take_while(|end| *end <= point).count()
}

/// Uniform numbers: the first 16 bytes of keccak256(tag || seed || counter as 8 big-endian bytes).
struct Points<'a> {
    seed: &'a [u8; 32],
    counter: u64,
}

impl Points<'_> {
    /// Draws uniformly from 0..bound (bound > 0) by rejection: words are cut to the bits of bound -
    /// 1, and those not below the bound dropped; fewer than two are needed on average.
    fn below(&mut self, bound: u128) -> u128 {
        let unused_bits = bound.saturating_sub(1).leading_zeros();
        loop {
            let candidate = self.word().checked_shr(unused_bits).unwrap_or(0);
            if candidate < bound {
                return candidate;
            }
        }
    }

    fn word(&mut self) -> u128 {
        let input = [DOMAIN_TAG, self.seed, &self.counter.to_be_bytes()].concat();
        self.counter = self.counter.wrapping_add(1);
        let hash = keccak256(&input);
        hash.0
            .first_chunk::<16>()
            .map_or(0, |bytes| u128::from_be_bytes(*bytes))
    }
}

#[cfg(test)]
mod tests;
