//! Searches the chain for the grants of one pair, by their look-up values and in windows of
//! numbers. Only what carries the pair's tag counts: whoever copies a look-up value from the chain
//! neither becomes a candidate nor lengthens the search.
//! Neighbours: `reader` reads by them, `owner` numbers the next one and finds what to revoke.

use kms_protocol::{B256, PairKey};

use crate::error::Result;
use crate::ports::{ChainPort, CreatedPolicy, PolicyFilter};

/// Numbers looked for at a time, in one search of the chain.
const WINDOW: u32 = 16;

/// A policy whose tag holds.
pub(crate) struct Granted {
    /// Which of the pair's grants it is.
    pub(crate) number: u32,
    pub(crate) created: CreatedPolicy,
}

/// Finds every grant of the pair, window by window, each oldest first. The search ends with the
/// first window that holds none.
pub(crate) async fn granted(chain: &dyn ChainPort, pair: &PairKey) -> Result<Vec<Granted>> {
    let mut all = Vec::new();
    let mut first = Some(0_u32);
    while let Some(start) = first {
        let numbers = start..=start.saturating_add(WINDOW - 1);
        let hashes: Vec<(u32, B256)> = numbers.map(|n| (n, pair.keys_hash(n))).collect();
        let filter = PolicyFilter::Keys(hashes.iter().map(|(_, hash)| *hash).collect());
        let before = all.len();
        for created in chain.policies(filter).await? {
            let known = hashes.iter().find(|of| of.1 == created.terms.keys_hash);
            if let Some((number, _)) = known.filter(|_| is_genuine(chain, pair, &created)) {
                let number = *number;
                all.push(Granted { number, created });
            }
        }
        first = match all.len() > before {
            true => start.checked_add(WINDOW),
            false => None,
        };
    }
    Ok(all)
}

/// Whether the pair made the policy; the endpoint is not trusted, so the terms must hash to the id.
fn is_genuine(chain: &dyn ChainPort, pair: &PairKey, created: &CreatedPolicy) -> bool {
    let (domain, terms) = (chain.domain(), &created.terms);
    terms.id(domain.chain_id, &domain.contract) == created.id
        && pair.recognises(terms, domain.chain_id, &domain.contract)
}
