//! Settles what earlier runs left of grants: paid, never paid, or paid and taken back by a
//! reorganisation. An endpoint that lags behind what the home has seen settles nothing.
//! Neighbours: `grant` pays and resumes, `journal` remembers.

use kms_chain::PolicyState;

use super::Owner;
use super::grant::creation;
use crate::error::Result;
use crate::journal::{Grant, GrantState};
use crate::keys::OwnerKeys;
use crate::ports::{PayPort, Settled};
use crate::progress::Progress;

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

    async fn settle(&self, mut grant: Grant) -> Result<()> {
        let head = self.chain.head().await?.number;
        let state = self.chain.policy_state(grant.policy).await?;
        let before = grant.clone();
        match (state, grant.state) {
            (Some(PolicyState { revoked: true, .. }), _) => grant.revoke(),
            (Some(_), GrantState::Prepared | GrantState::Dropped) => grant.found(head),
            (None, GrantState::Prepared) if head >= grant.seen_block => {
                return self.journal().remove(grant.policy);
            }
            (None, GrantState::Paid) if head >= grant.seen_block => grant.dropped(),
            _ => {}
        }
        match grant == before {
            true => Ok(()),
            false => self.journal().put(&grant),
        }
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
