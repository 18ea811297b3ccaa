//! Moving the end of a grant: the same policy, fragments and miners, more periods. Two
//! transactions, for the contract draws the price from an allowance.

use kms_chain::Call;
use kms_protocol::{Amount, B256, Period, PolicyId, Terms};

use super::quote::FeeLimit;
use super::{Owner, Spend};
use crate::error::{Error, Result};
use crate::progress::Progress;

/// More time for a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension {
    /// Periods added after the last paid one.
    pub periods: u32,
    /// The most they may cost.
    pub max_fee: FeeLimit,
}

/// What became of a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenewalReport {
    /// The policy.
    pub policy: PolicyId,
    /// The transaction that moved the end.
    pub tx_hash: B256,
    /// Its new last period.
    pub last_period: Period,
    /// Chain time at which that period is over, in seconds since the Unix epoch.
    pub expires_at: u64,
    /// What the new periods cost.
    pub price: Amount,
}

impl Owner<'_> {
    /// Adds periods to a policy that is in force or about to begin.
    ///
    /// # Errors
    /// [`Error::NoPolicy`], [`Error::PolicyRevoked`], [`Error::ArrangementsRevoked`] if too few
    /// miners are left, [`Error::PolicyExpired`], [`Error::FeeAboveMax`],
    /// [`Error::InsufficientFunds`], [`Error::Chain`].
    pub async fn renew(
        &self,
        policy: PolicyId,
        extension: Extension,
        spend: Spend<'_>,
        progress: &dyn Progress,
    ) -> Result<RenewalReport> {
        self.home.check(spend.lock)?;
        let settled = spend.pay.resume(progress).await?;
        let terms = self.find(policy).await?.terms;
        let last = self.last_paid(policy).await?;
        let miners = self.standing_miners(policy, &terms).await?;
        let price = price_of(&terms, miners, extension.periods)?;
        // A renewal that was killed while it was mined is this one's answer, not its beginning.
        let reached = Call::ExtendPolicy {
            terms: terms.clone(),
            last_period: last,
        };
        let reached = spend.pay.fingerprint(&reached);
        if let Some(done) = settled.iter().find(|settled| settled.call == reached) {
            return self.renewed(policy, last, (done.tx_hash, price)).await;
        }
        let last_period = extended(last, extension.periods)?;
        if let FeeLimit::AtMost(limit) = extension.max_fee
            && price > limit
        {
            return Err(Error::FeeAboveMax { price, limit });
        }
        let address = spend.pay.address();
        let have = self.chain.token_balance(address).await?;
        if have < price {
            let (have, need) = (have.to_string(), price.to_string());
            return Err(Error::InsufficientFunds {
                address,
                have,
                need,
            });
        }
        spend
            .pay
            .send(&Call::ApprovePolicies { amount: price }, progress)
            .await?;
        let receipt = spend
            .pay
            .send(&Call::ExtendPolicy { terms, last_period }, progress)
            .await?;
        self.renewed(policy, last_period, (receipt.tx_hash, price))
            .await
    }

    async fn renewed(
        &self,
        policy: PolicyId,
        last_period: Period,
        (tx_hash, price): (B256, Amount),
    ) -> Result<RenewalReport> {
        let clock = self.chain.params().await?.clock;
        let expires_at = clock
            .end_of(last_period)
            .ok_or(Error::Bug("a paid period has an end"))?;
        Ok(RenewalReport {
            policy,
            tx_hash,
            last_period,
            expires_at,
            price,
        })
    }

    /// How many miners an extension pays: an arrangement that was revoked is passed over. With
    /// fewer than a reader needs, nothing is worth paying for.
    async fn standing_miners(&self, policy: PolicyId, terms: &Terms) -> Result<usize> {
        let revoked = self.chain.revoked_miners(terms).await?.len();
        let (left, need) = (terms.miners.len() - revoked, terms.threshold.into());
        if left < need {
            let nodes = Vec::new();
            return Err(Error::ArrangementsRevoked {
                policy,
                need,
                left,
                nodes,
            });
        }
        Ok(left)
    }

    async fn last_paid(&self, policy: PolicyId) -> Result<Period> {
        let state = self.chain.policy_state(policy).await?;
        let state = state.ok_or_else(|| Error::NoPolicy {
            what: policy.to_string(),
        })?;
        let last = state.effective_last;
        if state.revoked {
            return Err(Error::PolicyRevoked { policy });
        }
        if last < self.present_period().await? {
            return Err(Error::PolicyExpired { policy, last });
        }
        Ok(last)
    }
}

fn extended(last: Period, periods: u32) -> Result<Period> {
    let invalid = |why| Error::SpecInvalid {
        field: "periods",
        given: periods.into(),
        why,
    };
    if periods == 0 {
        return Err(invalid("at least 1 is needed"));
    }
    last.checked_add(periods)
        .ok_or_else(|| invalid("beyond the clock"))
}

fn price_of(terms: &Terms, miners: usize, periods: u32) -> Result<Amount> {
    u128::try_from(miners)
        .ok()
        .and_then(|miners| terms.rate.checked_mul(miners))
        .and_then(|per_period| per_period.checked_mul(u128::from(periods)))
        .ok_or(Error::Protocol(kms_protocol::Error::AmountOverflow))
}
