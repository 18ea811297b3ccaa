//! Settles what earlier runs left of grants: paid, never paid, or paid and taken back by a
//! reorganisation; or over before all of it was delivered. An endpoint that lags behind what the
//! home has seen settles nothing.
//! Neighbours: `grant` pays and resumes, `journal` remembers.

use super::Owner;
use super::grant::creation;
use super::several::creations;
use crate::error::Result;
use crate::journal::{Grant, GrantState};
use crate::ports::{PayPort, Settled};
use crate::progress::Progress;
use crate::standing::{Standing, standing};
use kms_core::keys::OwnerKeys;

impl Owner<'_> {
    /// Settles the transactions of earlier runs, and with them the grants in the journal: with no
    /// transaction pending, a prepared grant is either paid, or never will be and is forgotten.
    pub(super) async fn settle_grants(
        &self,
        keys: &OwnerKeys,
        pay: &dyn PayPort,
        progress: &dyn Progress,
    ) -> Result<()> {
        let settled = pay.resume(progress).await?;
        self.settle_batch(&settled, keys, pay)?;
        for mut grant in self.journal().list()? {
            if let Some(paid) = result_of(&grant, &settled, keys, pay)? {
                // The receipt counts even where the endpoint that is asked for the policy lags.
                if grant.state == GrantState::Prepared {
                    grant.paid(paid.receipt.tx_hash, paid.receipt.block_number);
                    self.journal().put(&grant)?;
                }
                pay.recorded(&paid.receipt)?;
            }
            if grant.is_unfinished() {
                self.settle(grant).await?;
            }
        }
        Ok(())
    }

    /// Takes the result of a transaction that paid for several grants: all that are prepared, as
    /// nothing new is begun before everything old is settled.
    fn settle_batch(&self, settled: &[Settled], keys: &OwnerKeys, pay: &dyn PayPort) -> Result<()> {
        let mut prepared = self.journal().list()?;
        prepared.retain(|grant| grant.state == GrantState::Prepared);
        if settled.is_empty() || prepared.len() < 2 {
            return Ok(());
        }
        let of_all: Vec<&Grant> = prepared.iter().collect();
        let call = pay.fingerprint(&creations(&of_all, keys)?);
        let Some(paid) = settled.iter().find(|settled| settled.call == call) else {
            return Ok(());
        };
        for grant in &mut prepared {
            grant.paid(paid.receipt.tx_hash, paid.receipt.block_number);
            self.journal().put(grant)?;
        }
        pay.recorded(&paid.receipt)
    }

    async fn settle(&self, grant: Grant) -> Result<()> {
        let before = grant.clone();
        match self.settled(grant).await? {
            None => self.journal().remove(before.policy),
            Some(after) if after == before => Ok(()),
            Some(after) => self.journal().put(&after),
        }
    }

    /// What the chain says that an unfinished grant is by now; `None` if it is not paid, and never
    /// will be unless its transaction is on its way. Writes nothing.
    pub(super) async fn settled(&self, mut grant: Grant) -> Result<Option<Grant>> {
        let head = self.chain.head().await?.number;
        // Before the state is asked for, which may then know of a renewal but never of too few.
        let now = self.present_period().await?;
        let state = self.chain.policy_state(grant.policy).await?;
        let found = state.map(|state| standing(&grant.terms, state, now));
        match (found, grant.state) {
            (Some(Standing::Revoked), _) => grant.revoke(),
            // No node takes a kfrag of it any more.
            (Some(Standing::Ended), _) => grant.end(),
            (Some(_), GrantState::Prepared | GrantState::Dropped) => grant.found(head),
            (None, GrantState::Prepared) if head >= grant.seen_block => return Ok(None),
            (None, GrantState::Paid) if head >= grant.seen_block => grant.dropped(),
            _ => {}
        }
        Ok(Some(grant))
    }
}

/// What became of the grant's payment in an earlier run that could not record it.
fn result_of<'a>(
    grant: &Grant,
    settled: &'a [Settled],
    keys: &OwnerKeys,
    pay: &dyn PayPort,
) -> Result<Option<&'a Settled>> {
    if settled.is_empty() {
        return Ok(None);
    }
    let call = pay.fingerprint(&creation(grant, keys)?);
    Ok(settled.iter().find(|settled| settled.call == call))
}
