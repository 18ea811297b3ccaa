//! State of policies and of what they owe, read with `eth_call` at the newest block.

use ethers::types::U256;
use kms_protocol::{Address, Amount, Period, PolicyId, Terms};

use super::amount;
use crate::chain::Chain;
use crate::contracts::bindings::policy_manager as policies;
use crate::contracts::call::{Collection, count_collection};
use crate::convert;
use crate::error::ChainError;
use crate::types::{MinerFees, PolicyState};

/// Views of the policy manager. Each fails with `Unreachable`, `Rpc` or `BadReply`, as
/// `Rpc::request`.
impl Chain {
    /// State of a policy; `None` if no policy has that id.
    pub async fn policy_state(&self, id: PolicyId) -> Result<Option<PolicyState>, ChainError> {
        let call = policies::StateOfCall { id: id.0.0 };
        let state: policies::State = self.view(self.policies(), call).await?;
        Ok(state.exists.then(|| PolicyState {
            revoked: state.revoked,
            effective_last: Period(state.effective_last),
            refunded_through: convert::some_period(state.refunded_through),
        }))
    }

    /// Time at which a miner's access to a policy was revoked, alone or with the policy; `None`
    /// while it was not.
    ///
    /// # Errors
    /// Besides those of every view: `Reverted` for an unknown policy or miner.
    pub async fn revoked_at(
        &self,
        terms: &Terms,
        miner: Address,
    ) -> Result<Option<u64>, ChainError> {
        let (terms, miner) = (convert::ethers_terms(terms), convert::h160(miner));
        let call = policies::AccessEndCall { terms, miner };
        let end: policies::AccessEndReturn = self.view(self.policies(), call).await?;
        Ok(Some(end.revoked_at).filter(|time| *time != 0))
    }

    /// Fees a policy owes a miner, and those it may still prove to be its own.
    ///
    /// # Errors
    /// Besides those of every view: `Reverted` for an unknown policy or miner.
    pub async fn miner_fees(&self, terms: &Terms, miner: Address) -> Result<MinerFees, ChainError> {
        let (terms, miner) = (convert::ethers_terms(terms), convert::h160(miner));
        let call = policies::UnprovenCall {
            terms: terms.clone(),
            miner,
        };
        let unproven: policies::UnprovenReturn = self.view(self.policies(), call).await?;
        let call = policies::CollectableCall { terms, miner };
        let through = u32::try_from(unproven.through_period).unwrap_or(u32::MAX);
        Ok(MinerFees {
            collectable: amount(self.view(self.policies(), call).await?)?,
            unproven: amount(unproven.fees)?,
            provable_through: Period(through),
        })
    }

    /// Fees a miner could collect now from each of these policies, in the order given, with the
    /// deliveries given.
    ///
    /// # Errors
    /// Besides those of every view: `Reverted` for an unknown policy or miner, for no or too many
    /// policies, and for a delivery that the author did not sign; `BadReply` when the amounts are
    /// not as many.
    pub async fn collectable_each(
        &self,
        collections: &[Collection],
        miner: Address,
    ) -> Result<Vec<Amount>, ChainError> {
        let call = count_collection(collections, miner);
        let amounts: Vec<U256> = self.view(self.policies(), call).await?;
        if amounts.len() != collections.len() {
            return Err(ChainError::BadReply {
                method: "eth_call",
                reason: "another number of amounts than asked for",
            });
        }
        amounts.into_iter().map(amount).collect()
    }

    /// Fees of idle periods that a refund would pay now.
    ///
    /// # Errors
    /// Besides those of every view: `Reverted` for an unknown policy.
    pub async fn refundable(&self, terms: &Terms) -> Result<Amount, ChainError> {
        let call = policies::RefundableCall {
            terms: convert::ethers_terms(terms),
        };
        amount(self.view(self.policies(), call).await?)
    }
}
