//! Carries out a quote: journal, pay, deliver. Every step is in the journal before the next one
//! begins, and the seed makes the same kfrags again: a grant that is killed at any line has cost
//! nothing, or goes on with `resume`.
//! Neighbours: `quote` before, `kfrags` and `deliver` after, `journal` below.

use kms_chain::{Call, ChainError};
use kms_protocol::{Address, Amount, B256, PairKey, PolicyId, Terms, Wei};

use super::kfrags::Kfrags;
use super::prepare::Prepared;
use super::quote::{FeeLimit, Repeat, price_of};
use super::{Owner, Quote, Schedule, Spend};
use crate::error::{Error, NodeFailure, Result};
use crate::granted::{Granted, granted};
use crate::journal::{Grant, GrantState};
use crate::plan::Plan;
use crate::ports::PayPort;
use crate::progress::{Event, Progress};
use kms_core::keys::OwnerKeys;
use kms_core::memo;

/// What a grant paid for, and which miners serve it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantReport {
    /// Id, the hash of the terms.
    pub policy: PolicyId,
    /// What was paid for: miners, rate, periods, keys.
    pub terms: Terms,
    /// Transaction that paid; zero if it was sent from elsewhere.
    pub tx_hash: B256,
    /// Miners whose acknowledgement of their kfrag is verified.
    pub delivered: Vec<Address>,
    /// The other miners, each with its failure; `resume` asks them again.
    pub pending: Vec<NodeFailure>,
}

/// What an account holds, or must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Funds {
    /// KMS.
    pub tokens: Amount,
    /// Native currency, for gas.
    pub ether: Wei,
}

impl Default for Funds {
    fn default() -> Self {
        Self {
            tokens: Amount::ZERO,
            ether: Wei::ZERO,
        }
    }
}

impl Funds {
    /// Adds a price and the most that its gas costs.
    ///
    /// # Errors
    /// [`Error::Protocol`] beyond what an amount can be.
    pub fn add(&mut self, price: Amount, fee_max: Wei) -> Result<()> {
        let overflow = Error::Protocol(kms_protocol::Error::AmountOverflow);
        self.tokens = self.tokens.checked_add(price).ok_or(overflow)?;
        self.ether = Wei(self.ether.0.saturating_add(fee_max.0));
        Ok(())
    }
}

/// Marks the plan of a grant's payment, which [`Owner::grant`] alone carries out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment(());

impl Owner<'_> {
    /// Plans the payment of a quote. Keys hash, salt and verifier of its terms and the content of
    /// its memo are not those of the grant, which needs the owner's keys for them.
    ///
    /// # Errors
    /// [`Error::QuoteStale`], [`Error::FeeAboveMax`], [`Error::Chain`].
    pub async fn plan_payment(&self, quote: &Quote) -> Result<Plan<Payment>> {
        let payer = self.home.wallet_address();
        let terms = self.draft(quote, payer).await?;
        let price = terms.price()?;
        let plan = Plan::new(payer, Payment(())).needing(price);
        let memo = memo::blank(&quote.spec.label, quote.spec.card.name());
        let call = Call::CreatePolicyViaTransfer { terms, memo };
        Ok(plan.step(call, Some(price)))
    }

    /// What the home's account holds.
    ///
    /// # Errors
    /// [`Error::Chain`].
    pub async fn funds(&self) -> Result<Funds> {
        let account = self.home.wallet_address();
        Ok(Funds {
            tokens: self.chain.token_balance(account).await?,
            ether: self.chain.eth_balance(account).await?,
        })
    }

    /// Checks that the account holds what is needed, and something for gas.
    ///
    /// # Errors
    /// [`Error::InsufficientFunds`].
    pub fn require_funds(&self, need: Funds, have: Funds) -> Result<()> {
        let address = self.home.wallet_address();
        let missing = |have: String, need: String| {
            let error = Error::InsufficientFunds {
                address,
                have,
                need,
            };
            Err(error)
        };
        if have.tokens < need.tokens {
            return missing(have.tokens.to_string(), need.tokens.to_string());
        }
        if have.ether.is_zero() || have.ether.0 < need.ether.0 {
            let need = format!("{} for gas", need.ether);
            return missing(have.ether.to_string(), need);
        }
        Ok(())
    }

    /// Pays for a quote and hands the kfrags to the miners.
    ///
    /// # Errors
    /// [`Error::GrantUnfinished`] if one of the same label and reader is unfinished,
    /// [`Error::AlreadyGranted`] if one is in force, [`Error::QuoteStale`],
    /// [`Error::InsufficientFunds`], [`Error::FeeAboveMax`], [`Error::Chain`];
    /// [`Error::ThresholdNotMet`] if paid but fewer than m miners took their kfrag: resume it.
    pub async fn grant(
        &self,
        quote: Quote,
        keys: &OwnerKeys,
        spend: Spend<'_>,
        progress: &dyn Progress,
    ) -> Result<GrantReport> {
        self.home.check(spend.lock)?;
        self.settle_grants(keys, spend.pay, progress).await?;
        self.refuse_unfinished(&quote).await?;

        let Prepared { grant, kfrags } = self.prepare(quote, keys, spend.pay).await?;
        let need = Funds {
            tokens: grant.terms.price()?,
            ether: Wei::ZERO,
        };
        self.require_funds(need, self.funds().await?)?;
        self.journal().put(&grant)?;
        let policy = grant.policy;
        progress.event(Event::Journaled { policy });

        let grant = self.pay(grant, keys, spend.pay, progress).await?;
        self.deliver(grant, &kfrags, progress).await
    }

    /// Resumes an interrupted grant: settles its payment, then makes its kfrags again and delivers
    /// those that no miner has acknowledged. Idempotent. What a reorganisation took back is paid
    /// for again: the terms are the same, and the chain takes the same terms once.
    ///
    /// # Errors
    /// [`Error::NoPolicy`] if it was never paid (the journal forgets it then),
    /// [`Error::PolicyRevoked`], [`Error::PolicyExpired`] if it was over before all was delivered,
    /// [`Error::ChainBehind`] if the endpoint cannot know, and as [`Owner::grant`].
    pub async fn resume(
        &self,
        policy: PolicyId,
        keys: &OwnerKeys,
        spend: Spend<'_>,
        progress: &dyn Progress,
    ) -> Result<GrantReport> {
        self.home.check(spend.lock)?;
        self.settle_grants(keys, spend.pay, progress).await?;
        let grant = self.journal().get(policy)?;
        let mut grant = grant.ok_or_else(|| Error::NoPolicy {
            what: policy.to_string(),
        })?;
        match grant.state {
            GrantState::Revoked => return Err(Error::PolicyRevoked { policy }),
            GrantState::Prepared => {
                let (head, seen) = (self.chain.head().await?.number, grant.seen_block);
                return Err(Error::ChainBehind { head, seen });
            }
            GrantState::Dropped => grant = self.pay(grant, keys, spend.pay, progress).await?,
            GrantState::Paid | GrantState::Delivered => self.require_time(&grant).await?,
        }
        let kfrags = Kfrags::of(&grant, keys, self.chain.domain())?;
        self.deliver(grant, &kfrags, progress).await
    }

    /// Refuses to deliver what is left of a policy that is over.
    async fn require_time(&self, grant: &Grant) -> Result<()> {
        if grant.undelivered().is_empty() {
            return Ok(());
        }
        let (policy, now) = (grant.policy, self.present_period().await?);
        match self.chain.policy_state(policy).await? {
            Some(state) if state.revoked => Err(Error::PolicyRevoked { policy }),
            Some(state) if state.effective_last < now => {
                let last = state.effective_last;
                Err(Error::PolicyExpired { policy, last })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Checks that a quote can be carried out: the label is of these keys, no grant of it to the
    /// reader is unfinished, and none is in force unless a second one is asked for. Settles
    /// nothing: one that was written down and is not on chain counts as unfinished.
    ///
    /// # Errors
    /// [`Error::GrantUnfinished`], [`Error::LabelExists`], [`Error::AlreadyGranted`] with the
    /// policy, [`Error::Chain`].
    pub async fn check_grant(&self, quote: &Quote, keys: &OwnerKeys) -> Result<()> {
        self.refuse_unfinished(quote).await?;
        self.next_of_pair(quote, keys).await.map(drop)
    }

    /// The pair that a quote is for, and the number of its next grant: no two are found by one
    /// look-up value. The journal counts beside the chain, whose search may lag behind.
    pub(super) async fn next_of_pair(
        &self,
        quote: &Quote,
        keys: &OwnerKeys,
    ) -> Result<(PairKey, u32)> {
        let spec = &quote.spec;
        let delegating = keys.delegating(&spec.label)?;
        if delegating.public_key() != quote.label_key.public_key() {
            return Err(Error::LabelExists {
                label: spec.label.clone(),
            });
        }
        let pair = PairKey::of_owner(&delegating, &spec.card.receiving_key())?;
        let granted = granted(self.chain, &pair).await?;
        let journaled = self.grants_of(quote)?;
        if let Repeat::Refuse = spec.repeat
            && let Some(policy) = self.live_of_pair(&granted, &journaled).await?
        {
            return Err(Error::AlreadyGranted {
                policy,
                label: spec.label.clone(),
                reader: spec.card.name().to_owned(),
            });
        }
        let on_chain = granted.iter().map(|granted| granted.number);
        let last = on_chain.chain(journaled.iter().map(|g| g.number)).max();
        let next = last.map_or(Some(0), |last| last.checked_add(1));
        let next = next.ok_or(Error::Bug("a pair has fewer than 2^32 grants"))?;
        Ok((pair, next))
    }

    /// A policy of the pair that is in force: the newest that the search of the chain found, or one
    /// that only the journal knows.
    async fn live_of_pair(
        &self,
        granted: &[Granted],
        journaled: &[Grant],
    ) -> Result<Option<PolicyId>> {
        if let Some(policy) = self.of_pair(granted).await?.live.pop() {
            return Ok(Some(policy));
        }
        let now = self.present_period().await?;
        for grant in journaled {
            let policy = grant.policy;
            let is_found = granted.iter().any(|granted| granted.created.id == policy);
            if is_found || matches!(grant.state, GrantState::Revoked | GrantState::Dropped) {
                continue;
            }
            let is_live = match self.chain.policy_state(policy).await? {
                Some(state) => !state.revoked && state.effective_last >= now,
                // It was paid, and the endpoint does not know of it.
                None => grant.terms.last_period >= now,
            };
            if is_live {
                return Ok(Some(policy));
            }
        }
        Ok(None)
    }

    /// What the journal holds of the label and the reader of a quote.
    fn grants_of(&self, quote: &Quote) -> Result<Vec<Grant>> {
        let spec = &quote.spec;
        let receiving = spec.card.receiving_key();
        let mut grants = self.journal().list()?;
        grants.retain(|g| g.label == spec.label && g.receiving_key == receiving);
        Ok(grants)
    }

    pub(super) async fn refuse_unfinished(&self, quote: &Quote) -> Result<()> {
        for grant in self.grants_of(quote)? {
            if !grant.is_unfinished() {
                continue;
            }
            let settled = self.settled(grant.clone()).await?;
            if settled.is_none_or(|settled| settled.is_unfinished()) {
                return Err(Error::GrantUnfinished {
                    policy: grant.policy,
                    label: grant.label,
                    reader: grant.reader,
                });
            }
        }
        Ok(())
    }

    /// Makes the terms of the quote for the present time, all but what takes the owner's keys: a
    /// quote that was confirmed late begins later, and never costs more.
    pub(super) async fn draft(&self, quote: &Quote, payer: Address) -> Result<Terms> {
        let params = self.chain.params().await?;
        let head = self.chain.head().await?;
        let spec = &quote.spec;
        let schedule = Schedule::plan(spec.span, spec.start, &params, head.timestamp)?;
        let price = price_of(quote.rate, quote.miners.len(), schedule)?;
        if price > quote.price {
            return Err(Error::QuoteStale {
                why: "the price has risen",
            });
        }
        if let FeeLimit::AtMost(limit) = quote.spec.max_fee
            && price > limit
        {
            return Err(Error::FeeAboveMax { price, limit });
        }
        let terms = Terms {
            author: payer,
            sponsor: payer,
            verifier: payer,
            keys_hash: B256::random()?,
            rate: quote.rate,
            first_period: schedule.first,
            last_period: schedule.last,
            threshold: quote.spec.threshold,
            salt: B256::random()?,
            miners: quote.miners.iter().map(|miner| miner.miner).collect(),
        };
        terms.validate()?;
        Ok(terms)
    }

    async fn pay(
        &self,
        mut grant: Grant,
        keys: &OwnerKeys,
        pay: &dyn PayPort,
        progress: &dyn Progress,
    ) -> Result<Grant> {
        match pay.send(&creation(&grant, keys)?, progress).await {
            Ok(receipt) => {
                grant.paid(receipt.tx_hash, receipt.block_number);
                self.journal().put(&grant)?;
                pay.recorded(&receipt)?;
                Ok(grant)
            }
            Err(error) => {
                if never_paid(&error) {
                    self.journal().remove(grant.policy)?;
                }
                Err(error)
            }
        }
    }
}

/// True when the contract refused, so that nothing was paid and nothing is on its way. After any
/// other failure the transaction may still be mined, and the journal must remember the grant.
pub(super) fn never_paid(error: &Error) -> bool {
    match error {
        // Somebody sees the policy, even if the endpoint that was asked for it did not.
        Error::Chain(ChainError::Reverted { name, .. }) => name != "PolicyExists",
        Error::Chain(ChainError::RevertedOnChain { .. }) => true,
        _ => false,
    }
}

/// The call that pays and creates the policy of a grant, the same each time.
pub(super) fn creation(grant: &Grant, keys: &OwnerKeys) -> Result<Call> {
    Ok(Call::CreatePolicyViaTransfer {
        terms: grant.terms.clone(),
        memo: keys.memos().seal(&grant.memo(), &grant.terms)?,
    })
}
