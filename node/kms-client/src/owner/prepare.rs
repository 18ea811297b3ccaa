//! Makes the grant of a quote: terms, memo and kfrags, before anything is written or paid.
//! Neighbours: `grant` pays for one, `several` for many at once.

use kms_protocol::Terms;

use super::kfrags::Kfrags;
use super::{Owner, Quote};
use crate::error::Result;
use crate::journal::Grant;
use crate::ports::PayPort;
use kms_core::keys::OwnerKeys;
use kms_core::memo::Memo;

/// A grant that is ready to be journaled and paid.
pub(super) struct Prepared {
    pub(super) grant: Grant,
    pub(super) kfrags: Kfrags,
}

impl Owner<'_> {
    /// Makes the grant. Fails before anything is paid, if ever.
    pub(super) async fn prepare(
        &self,
        quote: Quote,
        keys: &OwnerKeys,
        pay: &dyn PayPort,
    ) -> Result<Prepared> {
        let domain = self.chain.domain();
        let signer = keys.signer(&quote.spec.label)?;
        let (pair, number) = self.next_of_pair(&quote, keys).await?;
        let terms = Terms {
            verifier: signer.eth.address(),
            keys_hash: pair.keys_hash(number),
            ..self.draft(&quote, pay.address()).await?
        };
        let terms = pair.tagged(terms, domain.chain_id, &domain.contract);
        let policy = terms.id(domain.chain_id, &domain.contract);
        let memo = Memo {
            number,
            receiving_key: quote.spec.card.receiving_key(),
            label: quote.spec.label,
            reader: quote.spec.card.name().to_owned(),
        };
        let head = self.chain.head().await?.number;
        let mut grant = Grant::prepared(policy, terms, memo, head);
        let kfrags = Kfrags::of(&grant, keys, domain)?;
        grant.gives(|miner| kfrags.hash(miner));
        Ok(Prepared { grant, kfrags })
    }
}
