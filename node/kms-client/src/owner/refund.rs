//! Fetches back the fees of periods in which a miner was idle.

use kms_chain::Call;
use kms_protocol::{Amount, B256, PolicyId};
use serde::Serialize;

use super::{Owner, Spend};
use crate::error::Result;
use crate::plan::{Plan, Sender};
use crate::progress::Progress;

/// What a refund returned to the sponsor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RefundReport {
    /// Policy whose fees were returned.
    pub policy: PolicyId,
    /// Hash of the transaction that paid; `None` if nothing was due.
    pub tx_hash: Option<B256>,
    /// What was due when it was planned, paid to the sponsor.
    pub amount: Amount,
}

/// What a plan is to return, of which policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refund {
    policy: PolicyId,
    amount: Amount,
}

impl Refund {
    /// The report if nothing is due.
    pub const fn nothing(&self) -> RefundReport {
        RefundReport {
            policy: self.policy,
            tx_hash: None,
            amount: Amount::ZERO,
        }
    }
}

impl Owner<'_> {
    /// Plans to fetch the fees of idle periods back to the sponsor. Has no step if none are due.
    ///
    /// # Errors
    /// [`NoPolicy`](crate::Error::NoPolicy), [`Chain`](crate::Error::Chain).
    pub async fn plan_refund(&self, policy: PolicyId) -> Result<Plan<Refund>> {
        let terms = self.find(policy).await?.terms;
        let amount = self.chain.refundable(&terms).await?;
        let plan = Plan::new(self.home.wallet_address(), Refund { policy, amount });
        match amount.is_zero() {
            true => Ok(plan),
            false => Ok(plan.step(Call::RefundPolicy { terms }, Some(amount))),
        }
    }

    /// Carries out the plan of a refund.
    ///
    /// # Errors
    /// [`Chain`](crate::Error::Chain) with `PolicyNothingToRefund` if somebody was faster.
    pub async fn refund(
        &self,
        plan: &Plan<Refund>,
        spend: Spend<'_>,
        progress: &dyn Progress,
    ) -> Result<RefundReport> {
        self.home.check(spend.lock)?;
        let sender = Sender::resume(spend.pay, progress).await?;
        let sent = plan.carry_on(self.chain, &sender).await?;
        let Refund { policy, amount } = plan.aim;
        Ok(RefundReport {
            policy,
            tx_hash: sent.last().map(|sent| sent.receipt.tx_hash),
            amount,
        })
    }
}
