//! Carries out a quote: journal, pay, deliver. Every step is in the journal before the next one
//! begins, and the seed makes the same kfrags again: a grant that is killed at any line has cost
//! nothing, or goes on with `resume`.
//! Neighbours: `quote` before, `kfrags` and `deliver` after, `journal` below.

use kms_chain::{Call, ChainError};
use kms_protocol::{Address, B256, PairKey, PolicyId, Terms};

use super::kfrags::Kfrags;
use super::quote::{FeeLimit, price_of};
use super::{Owner, Quote, Schedule, Spend};
use crate::error::{Error, NodeFailure, Result};
use crate::granted::granted;
use crate::journal::{Grant, GrantState};
use crate::keys::OwnerKeys;
use crate::memo::{self, Memo};
use crate::plan::{Plan, require_tokens};
use crate::ports::{PayPort, Settled};
use crate::progress::{Event, Progress};

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

    /// Pays for a quote and hands the kfrags to the miners.
    ///
    /// # Errors
    /// [`Error::GrantUnfinished`] if one of the same label and reader is unfinished,
    /// [`Error::QuoteStale`], [`Error::InsufficientFunds`], [`Error::FeeAboveMax`],
    /// [`Error::Chain`]; [`Error::ThresholdNotMet`] if paid but fewer than m miners took their
    /// kfrag: resume it.
    pub async fn grant(
        &self,
        quote: Quote,
        keys: &OwnerKeys,
        spend: Spend<'_>,
        progress: &dyn Progress,
    ) -> Result<GrantReport> {
        self.home.check(spend.lock)?;
        let settled = spend.pay.resume(progress).await?;
        self.settle_unpaid(&settled, keys, spend.pay).await?;
        self.refuse_unfinished(&quote)?;

        let domain = self.chain.domain();
        let signer = keys.signer(&quote.spec.label)?;
        let delegating = keys.delegating(&quote.spec.label)?;
        if delegating.public_key() != quote.label_key.public_key() {
            return Err(Error::LabelExists {
                label: quote.spec.label.clone(),
            });
        }
        let receiving = quote.spec.card.receiving_key();
        let pair = PairKey::of_owner(&delegating, &receiving)?;
        let number = self.next_number(&pair).await?;
        let terms = Terms {
            verifier: signer.eth.address(),
            keys_hash: pair.keys_hash(number),
            ..self.draft(&quote, spend.pay.address()).await?
        };
        let terms = pair.tagged(terms, domain.chain_id, &domain.contract);
        self.require_funds(spend.pay, &terms).await?;

        let policy = terms.id(domain.chain_id, &domain.contract);
        let memo = Memo {
            number,
            receiving_key: receiving,
            label: quote.spec.label,
            reader: quote.spec.card.name().to_owned(),
        };
        let grant = Grant::prepared(policy, terms, memo);
        // Fails before anything is paid, if ever.
        let kfrags = Kfrags::of(&grant, keys, domain)?;
        self.journal().put(&grant)?;
        progress.event(Event::Journaled { policy });

        let grant = self.pay(grant, keys, spend.pay, progress).await?;
        self.deliver(grant, &kfrags, progress).await
    }

    /// Resumes an interrupted grant: settles its payment, then makes its kfrags again and delivers
    /// those that no miner has acknowledged. Idempotent.
    ///
    /// # Errors
    /// [`Error::NoPolicy`] if it was never paid (the journal forgets it then), and as
    /// [`Owner::grant`].
    pub async fn resume(
        &self,
        policy: PolicyId,
        keys: &OwnerKeys,
        spend: Spend<'_>,
        progress: &dyn Progress,
    ) -> Result<GrantReport> {
        self.home.check(spend.lock)?;
        let settled = spend.pay.resume(progress).await?;
        self.settle_unpaid(&settled, keys, spend.pay).await?;
        let grant = self.journal().get(policy)?;
        let grant = grant.ok_or_else(|| Error::NoPolicy {
            what: policy.to_string(),
        })?;
        match grant.state {
            GrantState::Revoked => Err(Error::PolicyRevoked { policy }),
            GrantState::Prepared | GrantState::Paid | GrantState::Delivered => {
                let kfrags = Kfrags::of(&grant, keys, self.chain.domain())?;
                self.deliver(grant, &kfrags, progress).await
            }
        }
    }

    /// Settles the grants in the journal: with no transaction pending, a prepared grant is either
    /// paid, or never will be and is forgotten. A receipt counts even where the endpoint that is
    /// asked for the policy lags behind.
    async fn settle_unpaid(
        &self,
        settled: &[Settled],
        keys: &OwnerKeys,
        pay: &dyn PayPort,
    ) -> Result<()> {
        for mut grant in self.journal().unfinished()? {
            let call = pay.fingerprint(&creation(&grant, keys)?);
            let state = self.chain.policy_state(grant.policy).await?;
            if let Some(paid) = settled.iter().find(|settled| settled.call == call) {
                grant.paid(paid.receipt.tx_hash);
            }
            match state {
                Some(state) if state.revoked => grant.state = GrantState::Revoked,
                Some(_) => grant.state = GrantState::Paid,
                None if grant.state == GrantState::Paid => {}
                None => {
                    self.journal().remove(grant.policy)?;
                    continue;
                }
            }
            self.journal().put(&grant)?;
        }
        Ok(())
    }

    /// The number of the pair's next grant: no two are found by one look-up value.
    async fn next_number(&self, pair: &PairKey) -> Result<u32> {
        let numbers = granted(self.chain, pair).await?.into_iter();
        let last = numbers.map(|granted| granted.number).max();
        let next = last.map_or(Some(0), |last| last.checked_add(1));
        next.ok_or(Error::Bug("a pair has fewer than 2^32 grants"))
    }

    fn refuse_unfinished(&self, quote: &Quote) -> Result<()> {
        let spec = &quote.spec;
        let receiving = spec.card.receiving_key();
        let same = |g: &Grant| g.label == spec.label && g.receiving_key == receiving;
        match self.journal().unfinished()?.into_iter().find(same) {
            Some(grant) => Err(Error::GrantUnfinished {
                policy: grant.policy,
                label: grant.label,
                reader: grant.reader,
            }),
            None => Ok(()),
        }
    }

    /// Makes the terms of the quote for the present time, all but what takes the owner's keys: a
    /// quote that was confirmed late begins later, and never costs more.
    async fn draft(&self, quote: &Quote, payer: Address) -> Result<Terms> {
        let params = self.chain.params().await?;
        let head = self.chain.head().await?;
        let schedule = Schedule::plan(quote.spec.span, &params, head.timestamp)?;
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

    async fn require_funds(&self, pay: &dyn PayPort, terms: &Terms) -> Result<()> {
        let (address, need) = (pay.address(), terms.price()?);
        require_tokens(self.chain, address, need).await?;
        let wei = self.chain.eth_balance(address).await?;
        if wei.is_zero() {
            let (have, need) = (wei.to_string(), "some ETH for gas".to_owned());
            return Err(Error::InsufficientFunds {
                address,
                have,
                need,
            });
        }
        Ok(())
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
                grant.paid(receipt.tx_hash);
                self.journal().put(&grant)?;
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
fn never_paid(error: &Error) -> bool {
    matches!(
        error,
        Error::Chain(ChainError::Reverted { .. } | ChainError::RevertedOnChain { .. })
    )
}

/// The call that pays and creates the policy of a grant, the same each time.
fn creation(grant: &Grant, keys: &OwnerKeys) -> Result<Call> {
    Ok(Call::CreatePolicyViaTransfer {
        terms: grant.terms.clone(),
        memo: keys.memos().seal(&grant.memo(), &grant.terms)?,
    })
}
