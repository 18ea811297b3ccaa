//! Moves the end of a grant: more periods for the same policy, kfrags and rate, by one transaction
//! that brings the exact price and leaves no allowance. Miners that would not serve on are named
//! before, and left out on demand.

use kms_chain::{Call, MinerInfo, Service, TxReceipt};
use kms_protocol::{Address, Amount, B256, Period, PeriodClock, PolicyId, Terms};
use serde::Serialize;

use super::quote::FeeLimit;
use super::schedule::periods_in;
use super::{Owner, Span, Spend};
use crate::error::{Error, NodeFailure, Result};
use crate::plan::{Plan, Sender};
use crate::progress::Progress;

/// More time for a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension {
    /// How much is added after the last paid period; an end before it adds nothing.
    pub span: Span,
    /// The most they may cost.
    pub max_fee: FeeLimit,
    /// What becomes of miners that would not serve the new periods.
    pub unwilling: Unwilling,
}

/// What a renewal does if a miner would not serve the new periods: it asks for a higher rate by
/// now, its lock is too short, or its stake too small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwilling {
    /// Nothing is renewed.
    Refuse,
    /// Its arrangement is revoked with the renewal, if enough others are left: what it would have
    /// been paid for coming periods goes back to the sponsor.
    LeaveOut,
}

/// What a renewal added, and its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    /// Miners whose arrangement ended with it.
    pub left_out: Vec<Address>,
}

/// The extension of one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    policy: PolicyId,
    last_period: Period,
    price: Amount,
    left_out: Vec<NodeFailure>,
}

impl Renewal {
    /// Miners whose arrangement ends with it, each with its reason.
    #[must_use]
    pub fn left_out(&self) -> &[NodeFailure] {
        &self.left_out
    }
}

impl Owner<'_> {
    /// Plans to add periods to a policy that is in force or about to begin. Asks the chain about
    /// each miner first.
    ///
    /// # Errors
    /// [`Error::NoPolicy`], [`Error::PolicyRevoked`], [`Error::ArrangementsRevoked`] if too few
    /// miners are left, [`Error::PolicyExpired`], [`Error::RenewalRefused`] with each miner that
    /// does not serve on and its reason, [`Error::FeeAboveMax`], [`Error::Chain`].
    pub async fn plan_renewal(
        &self,
        policy: PolicyId,
        extension: Extension,
    ) -> Result<Plan<Renewal>> {
        let terms = self.find(policy).await?.terms;
        let last = self.last_paid(policy).await?;
        let standing = self.standing_miners(policy, &terms).await?;
        let clock = self.chain.params().await?.clock;
        let last_period = extended(last, extension.span, &clock)?;
        let left_out = self.unwilling(&terms, &standing, last_period).await?;
        let left = standing.len().saturating_sub(left_out.len());
        let is_enough = left >= usize::from(terms.threshold);
        if !left_out.is_empty() && (extension.unwilling == Unwilling::Refuse || !is_enough) {
            return Err(Error::RenewalRefused {
                policy,
                refuse: left_out.len(),
                of: standing.len(),
                nodes: left_out,
            });
        }
        let price = price_of(&terms, left, last_period.0 - last.0)?;
        if let FeeLimit::AtMost(limit) = extension.max_fee
            && price > limit
        {
            return Err(Error::FeeAboveMax { price, limit });
        }
        let call = Call::ExtendPolicyViaTransfer {
            terms,
            last_period,
            without: left_out.iter().map(|failure| failure.miner).collect(),
            price,
        };
        let renewal = Renewal {
            policy,
            last_period,
            price,
            left_out,
        };
        let plan = Plan::new(self.home.wallet_address(), renewal).needing(price);
        Ok(plan.step(call, Some(price)))
    }

    /// Carries out the plan of a renewal. If an earlier run was killed after it had sent an
    /// extension of the policy, that transaction is the result and no other is sent.
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
        for receipt in sender.receipts() {
            let (block, policy) = (receipt.block_hash, renewal.policy);
            if let Some(last_period) = self.chain.extended_in(block, policy).await? {
                sender.recorded(&receipt)?;
                return self.renewed(renewal, last_period, receipt, None).await;
            }
        }
        let sent = plan.carry_on(self.chain, &sender).await?.pop();
        let sent = sent.ok_or(Error::Bug("a renewal has a step"))?;
        let price = Some(renewal.price);
        self.renewed(renewal, renewal.last_period, sent.receipt, price)
            .await
    }

    async fn renewed(
        &self,
        renewal: &Renewal,
        last_period: Period,
        receipt: TxReceipt,
        price: Option<Amount>,
    ) -> Result<RenewalReport> {
        let clock = self.chain.params().await?.clock;
        let expires_at = clock
            .end_of(last_period)
            .ok_or(Error::Bug("a paid period has an end"))?;
        let left_out = match price {
            Some(_) => renewal.left_out.iter().map(|left| left.miner).collect(),
            // The earlier run told whom it left out when it planned.
            None => Vec::new(),
        };
        Ok(RenewalReport {
            policy: renewal.policy,
            tx_hash: receipt.tx_hash,
            last_period,
            expires_at,
            price,
            left_out,
        })
    }

    /// The miners that an extension pays, those whose arrangement is not revoked; fewer than a
    /// reader needs are an error.
    async fn standing_miners(&self, policy: PolicyId, terms: &Terms) -> Result<Vec<Address>> {
        let revoked = self.chain.revoked_miners(terms).await?;
        let stands = |miner: &&Address| !revoked.contains(miner);
        let standing: Vec<_> = terms.miners.iter().filter(stands).copied().collect();
        let (left, need) = (standing.len(), terms.threshold.into());
        if left < need {
            let nodes = Vec::new();
            return Err(Error::ArrangementsRevoked {
                policy,
                need,
                left,
                nodes,
            });
        }
        Ok(standing)
    }

    /// The miners that would not serve through `last` at the policy's rate, each with its reason.
    async fn unwilling(
        &self,
        terms: &Terms,
        standing: &[Address],
        last: Period,
    ) -> Result<Vec<NodeFailure>> {
        let mut unwilling = Vec::new();
        for miner in standing {
            let service = self.chain.can_serve(*miner, terms.rate, last).await?;
            if service != Service::Able {
                unwilling.push((*miner, service));
            }
        }
        if unwilling.is_empty() {
            return Ok(Vec::new());
        }
        let miners: Vec<_> = unwilling.iter().map(|(miner, _)| *miner).collect();
        let infos = self.chain.miner_info(&miners).await?;
        let named = unwilling.into_iter().zip(infos);
        Ok(named
            .filter_map(|((_, service), info)| refusal_of(service, terms.rate, last, info))
            .collect())
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

/// Why a miner would not serve on; `None` if it would.
fn refusal_of(
    service: Service,
    rate: Amount,
    last: Period,
    info: MinerInfo,
) -> Option<NodeFailure> {
    let (code, detail) = match service {
        Service::Able => return None,
        Service::RateTooLow => {
            let asks = info.min_rate;
            let detail = format!("it asks for {asks} per period now, the grant pays {rate}");
            ("rate_too_low", detail)
        }
        Service::LockTooShort => {
            let detail = format!("its lock may end before period {last} is over");
            ("lock_too_short", detail)
        }
        Service::StakeTooSmall => {
            let detail = format!("its stake is {}, below the least", info.position.locked);
            ("stake_missing", detail)
        }
        Service::Suspended => {
            let detail = "it is suspended, or has not come back since".to_owned();
            ("suspended", detail)
        }
    };
    Some(NodeFailure {
        miner: info.miner,
        url: info.url,
        code: code.to_owned(),
        detail,
    })
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
