//! Pays for many grants by one transaction: one for the allowance, one that creates all policies or
//! none. Each grant has its own entry in the journal before anything is sent, and is resumed alone.
//! Neighbours: `prepare` makes the grants, `deliver` hands out their kfrags, `settle` knows the
//! transaction again.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt as _};
use kms_chain::Call;
use kms_protocol::Wei;

use super::grant::{Funds, GrantReport, never_paid};
use super::prepare::Prepared;
use super::{Owner, Quote, Spend};
use crate::error::{Error, Result};
use crate::journal::Grant;
use crate::progress::{Event, Progress};
use kms_core::keys::OwnerKeys;

/// Policies created by one transaction at most; the contract's limit is higher, a block's is not.
const AT_ONCE: usize = 64;
/// Grants whose kfrags are delivered at the same time.
const DELIVERIES_AT_ONCE: usize = 8;

impl Owner<'_> {
    /// Pays for several quotes, up to 64 by one transaction, and hands the kfrags to the miners.
    /// Once all are paid, what fails of one grant is its own result, and the others go on.
    ///
    /// # Errors
    /// As [`Owner::grant`]; [`Error::SpecInvalid`] if label and reader of two quotes are the same.
    pub async fn grant_all(
        &self,
        mut quotes: Vec<Quote>,
        keys: &OwnerKeys,
        spend: Spend<'_>,
        progress: &dyn Progress,
    ) -> Result<Vec<Result<GrantReport>>> {
        if quotes.len() == 1
            && let Some(quote) = quotes.pop()
        {
            return Ok(vec![self.grant(quote, keys, spend, progress).await]);
        }
        self.home.check(spend.lock)?;
        self.settle_grants(keys, spend.pay, progress).await?;
        refuse_twice(&quotes)?;
        let mut prepared = Vec::with_capacity(quotes.len());
        for quote in quotes {
            self.refuse_unfinished(&quote).await?;
            prepared.push(self.prepare(quote, keys, spend.pay).await?);
        }
        let mut need = Funds::default();
        for Prepared { grant, .. } in &prepared {
            need.add(grant.terms.price()?, Wei::ZERO)?;
        }
        self.require_funds(need, self.funds().await?)?;
        prepared.sort_by_key(|prepared| prepared.grant.policy);
        for batch in prepared.chunks_mut(AT_ONCE) {
            self.pay_batch(batch, keys, spend, progress).await?;
        }
        let delivered = stream::iter(prepared).map(|Prepared { grant, kfrags }| async move {
            self.deliver(grant, &kfrags, progress).await
        });
        Ok(delivered.buffered(DELIVERIES_AT_ONCE).collect().await)
    }

    async fn pay_batch(
        &self,
        batch: &mut [Prepared],
        keys: &OwnerKeys,
        spend: Spend<'_>,
        progress: &dyn Progress,
    ) -> Result<()> {
        for Prepared { grant, .. } in batch.iter() {
            self.journal().put(grant)?;
            let policy = grant.policy;
            progress.event(Event::Journaled { policy });
        }
        let grants: Vec<&Grant> = batch.iter().map(|prepared| &prepared.grant).collect();
        let create = creations(&grants, keys)?;
        match spend.pay.send(&create, progress).await {
            Ok(receipt) => {
                for Prepared { grant, .. } in batch.iter_mut() {
                    grant.paid(receipt.tx_hash, receipt.block_number);
                    self.journal().put(grant)?;
                }
                spend.pay.recorded(&receipt)
            }
            Err(error) => {
                if never_paid(&error) {
                    for Prepared { grant, .. } in batch.iter() {
                        self.journal().remove(grant.policy)?;
                    }
                }
                Err(error)
            }
        }
    }
}

/// The call that creates the policies of these grants, which are in order of their ids: the same
/// each time.
pub(super) fn creations(grants: &[&Grant], keys: &OwnerKeys) -> Result<Call> {
    let memos = grants
        .iter()
        .map(|grant| Ok(keys.memos().seal(&grant.memo(), &grant.terms)?));
    Ok(Call::CreatePolicies {
        memos: memos.collect::<Result<_>>()?,
        terms: grants.iter().map(|grant| grant.terms.clone()).collect(),
    })
}

/// Refuses two quotes of the same label and reader: the numbers of their grants would be the same.
fn refuse_twice(quotes: &[Quote]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for quote in quotes {
        let reader = quote.spec.card.receiving_key().to_bytes();
        if !seen.insert((quote.spec.label.clone(), reader)) {
            return Err(Error::SpecInvalid {
                field: "readers",
                given: u64::try_from(quotes.len()).unwrap_or(u64::MAX),
                why: "the same reader is named twice",
            });
        }
    }
    Ok(())
}
