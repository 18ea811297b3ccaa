//! Moves the end of a grant: more periods for the same policy, kfrags and miners, by two
//! transactions: an allowance, and the extension that draws the price from it.

use kms_chain::Call;
use kms_protocol::{Amount, B256, Period, PeriodClock, PolicyId, Terms};
use serde::Serialize;

use super::quote::FeeLimit;
use super::schedule::periods_in;
use super::{Owner, Span, Spend};
use crate::error::{Error, Result};
use crate::plan::{Plan, Sender, Sent};
use crate::progress::Progress;

/// More time for a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension {
    /// How much is added after the last paid period; an end before it adds nothing.
    pub span: Span,
    /// The most they may cost.
    pub max_fee: FeeLimit,
}

/// What a renewal added, and its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RenewalReport {
    /// Policy whose end was moved.
    pub policy: PolicyId,
    /// The transaction that moved the end.
    pub tx_hash: B256,
    /// Last period that is paid now.
    pub last_period: Period,
    /// Chain time at which that period is over, in seconds since the Unix epoch.
    pub expires_at: u64,
    /// What the new periods cost; `None` if an earlier run paid for them.
    pub price: Option<Amount>,
}

/// The extension of one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    policy: PolicyId,
    /// Its last paid period when the plan was made.
    last: Period,
    /// The call that leads to `last`: if an earlier run sent it, nothing is left to send.
    reached: Call,
    last_period: Period,
    price: Amount,
}

impl Owner<'_> {
    /// Plans to add periods to a policy that is in force or about to begin.
    ///
    /// # Errors
    /// [`Error::NoPolicy`], [`Error::PolicyRevoked`], [`Error::ArrangementsRevoked`] if too few
    /// miners are left, [`Error::PolicyExpired`], [`Error::FeeAboveMax`], [`Error::Chain`].
    pub async fn plan_renewal(
        &self,
        policy: PolicyId,
        extension: Extension,
    ) -> Result<Plan<Renewal>> {
        let terms = self.find(policy).await?.terms;
        let last = self.last_paid(policy).await?;
        let miners = self.standing_miners(policy, &terms).await?;
        let clock = self.chain.params().await?.clock;
        let last_period = extended(last, extension.span, &clock)?;
        let price = price_of(&terms, miners, last_period.0 - last.0)?;
        if let FeeLimit::AtMost(limit) = extension.max_fee
            && price > limit
        {
            return Err(Error::FeeAboveMax { price, limit });
        }
        let extend = |last_period| Call::ExtendPolicy {
            terms: terms.clone(),
            last_period,
        };
        let renewal = Renewal {
            policy,
            last,
            reached: extend(last),
            last_period,
            price,
        };
        let plan = Plan::new(self.home.wallet_address(), renewal).needing(price);
        let plan = plan.step(Call::ApprovePolicies { amount: price }, None);
        Ok(plan.then(extend(last_period), Some(price)))
    }

    /// Carries out the plan of a renewal. If an earlier run was killed after it had sent the
    /// extension, that transaction is the result and no other is sent.
    ///
    /// # Errors
    /// [`Error::InsufficientFunds`], [`Error::Chain`].
    pub async fn renew(
        &self,
        plan: &Plan<Renewal>,
        spend: Spend<'_>,
        progress: &dyn Progress,
    ) -> Result<RenewalReport> {
        self.home.check(spend.lock)?;
        let sender = Sender::resume(spend.pay, progress).await?;
        let renewal = &plan.aim;
        if sender.settled(&renewal.reached).is_some() {
            let done = sender.send(&renewal.reached).await?;
            return self.renewed(renewal, renewal.last, done, None).await;
        }
        let extend = plan.steps.last();
        let extend = extend.ok_or(Error::Bug("a renewal has steps"))?;
        let (done, price) = match sender.settled(&extend.call) {
            Some(_) => (Some(sender.send(&extend.call).await?), None),
            None => (
                plan.carry_on(self.chain, &sender).await?.pop(),
                Some(renewal.price),
            ),
        };
        let done = done.ok_or(Error::Bug("a renewal has steps"))?;
        self.renewed(renewal, renewal.last_period, done, price)
            .await
    }

    async fn renewed(
        &self,
        renewal: &Renewal,
        last_period: Period,
        sent: Sent,
        price: Option<Amount>,
    ) -> Result<RenewalReport> {
        let clock = self.chain.params().await?.clock;
        let expires_at = clock
            .end_of(last_period)
            .ok_or(Error::Bug("a paid period has an end"))?;
        Ok(RenewalReport {
            policy: renewal.policy,
            tx_hash: sent.receipt.tx_hash,
            last_period,
            expires_at,
            price,
        })
    }

    /// Counts the miners that an extension pays, those whose arrangement is not revoked; fewer than
    /// a reader needs are an error.
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

/// The last period of an extension, later than `last`.
fn extended(last: Period, span: Span, clock: &PeriodClock) -> Result<Period> {
    let invalid = |field, given, why| Error::SpecInvalid { field, given, why };
    let periods = match span {
        Span::Periods(periods) => periods,
        Span::Seconds(seconds) => periods_in(seconds, clock)?,
        Span::Until(time) => {
            let until = clock.period_at(time.saturating_sub(1));
            let until = until.filter(|until| *until > last);
            return until.ok_or(invalid("until", time, "it is paid until then already"));
        }
    };
    if periods == 0 {
        return Err(invalid("periods", 0, "at least 1 is needed"));
    }
    last.checked_add(periods)
        .ok_or_else(|| invalid("periods", periods.into(), "beyond the clock"))
}

fn price_of(terms: &Terms, miners: usize, periods: u32) -> Result<Amount> {
    u128::try_from(miners)
        .ok()
        .and_then(|miners| terms.rate.checked_mul(miners))
        .and_then(|per_period| per_period.checked_mul(u128::from(periods)))
        .ok_or(Error::Protocol(kms_protocol::Error::AmountOverflow))
}
