//! Taking one miner out of a grant: its arrangement ends on chain and its node is asked until it
//! refuses; the others go on. Neighbour: `revoke` ends the whole policy and lends its parts.

use kms_chain::Call;
use kms_protocol::{Address, PolicyId};

use super::revoke::{RevocationReport, Scope};
use super::{Owner, Spend};
use crate::error::{Error, Result};
use crate::progress::Progress;

impl Owner<'_> {
    /// Revokes the arrangement with one miner and waits until its node refuses the policy.
    ///
    /// # Errors
    /// [`Error::MinerUnknown`], and those of [`Owner::revoke`].
    pub async fn revoke_arrangement(
        &self,
        (policy, miner): (PolicyId, Address),
        spend: Spend<'_>,
        progress: &dyn Progress,
    ) -> Result<RevocationReport> {
        self.home.check(spend.lock)?;
        spend.pay.resume(progress).await?;
        let created = self.find(policy).await?;
        let state = self.chain.policy_state(policy).await?;
        let state = state.ok_or_else(|| Error::NoPolicy {
            what: policy.to_string(),
        })?;
        let terms = &created.terms;
        if !terms.includes(&miner) {
            return Err(Error::MinerUnknown { policy, miner });
        }
        let before = self.chain.revoked_miners(terms).await?;
        let others = terms.miners.iter();
        let others = others.filter(|other| **other != miner && !before.contains(other));
        let mut report = RevocationReport::new(&created, Scope::Arrangement(miner), others.count());
        if !before.contains(&miner) {
            self.check_revocable(&created, state, spend).await?;
            let terms = terms.clone();
            let call = Call::RevokeArrangement { terms, miner };
            let receipt = spend.pay.send(&call, progress).await?;
            let of = (policy, miner);
            let revoked = self.chain.arrangement_revoked_in(receipt.block_hash, of);
            let revoked = revoked
                .await?
                .ok_or(Error::Bug("a revocation leaves its event"))?;
            report.mined(receipt.tx_hash, revoked);
        }
        if let Some(mut grant) = self.journal().get(policy)? {
            grant.dismiss(miner);
            self.journal().put(&grant)?;
        }
        self.await_refusals(&[miner], &mut report, progress).await?;
        Ok(report)
    }
}
