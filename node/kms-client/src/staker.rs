//! What a miner's owner does: lock tokens, bond a worker, watch, claim, collect, leave. Plans over
//! the contracts' calls. Neighbours: `plan` carries them out, `ports` reach the chain; the node
//! itself confirms activity.

use kms_chain::{Call, Collection, MinerFees, MinerStatus};
use kms_protocol::{Address, Amount, PolicyId, SignedConsent, Terms};

use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::ports::{ChainPort, PolicyFilter};

/// Policies whose fees are collected in one transaction.
const COLLECT_BATCH: usize = 20;

/// A miner's standing, its reward due and its free tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StakeStatus {
    /// What the contracts say of it.
    pub status: MinerStatus,
    /// KMS held by the owner's account, not locked.
    pub balance: Amount,
}

/// Fees that one policy owes a miner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFees {
    /// Policy that owes the fees.
    pub policy: PolicyId,
    /// What a collection must supply to the contract.
    pub terms: Terms,
    /// What could be collected now, and what the node has yet to prove.
    pub fees: MinerFees,
}

/// Whether a lock runs out or is kept up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindDown {
    /// The unlock comes nearer with each period.
    Start,
    /// The lock keeps its length.
    Stop,
}

/// A miner's owner. Every function reads at most and gives the plan of what is to be sent.
#[derive(Clone, Copy)]
pub struct Staker<'a> {
    chain: &'a dyn ChainPort,
    miner: Address,
}

impl<'a> Staker<'a> {
    /// The owner whose account this address is.
    pub const fn new(chain: &'a dyn ChainPort, miner: Address) -> Self {
        Self { chain, miner }
    }

    /// Locks tokens, for the first time or on top; one transaction, no allowance.
    pub fn deposit(&self, amount: Amount, lock_periods: u32) -> Plan {
        let call = Call::DepositViaTransfer {
            amount,
            lock_periods,
        };
        self.plan(call, Some(amount)).needing(amount)
    }

    /// Sets a longer lock, in periods.
    pub fn extend_lock(&self, lock_periods: u32) -> Plan {
        self.plan(Call::ExtendLock { lock_periods }, None)
    }

    /// Starts or stops winding the position down.
    pub fn wind_down(&self, wind_down: WindDown) -> Plan {
        let enabled = wind_down == WindDown::Start;
        self.plan(Call::SetWindDown { enabled }, None)
    }

    /// Moves locked tokens to the unbonding tranche.
    pub fn unbond(&self, amount: Amount) -> Plan {
        self.plan(Call::Unbond { amount }, Some(amount))
    }

    /// Pays everything that is free to an account.
    pub fn withdraw(&self, recipient: Address) -> Plan {
        self.plan(Call::Withdraw { recipient }, None)
    }

    /// Lets a worker sign for the node, by its consent.
    ///
    /// # Errors
    /// [`Error::ConsentForAnother`].
    pub fn bond_worker(&self, consent: SignedConsent) -> Result<Plan> {
        let (miner, own) = (consent.consent.miner, self.miner);
        if miner != own {
            return Err(Error::ConsentForAnother { miner, own });
        }
        Ok(self.plan(Call::BondWorker { consent }, None))
    }

    /// Takes the worker's rights away.
    pub fn unbond_worker(&self) -> Plan {
        self.plan(Call::UnbondWorker, None)
    }

    /// Posts the least rate that grants must offer.
    pub fn set_min_rate(&self, rate: Amount) -> Plan {
        self.plan(Call::SetMinRate { rate }, None)
    }

    /// Lets the worker restake rewards, or forbids it.
    pub fn allow_restake(&self, enabled: bool) -> Plan {
        self.plan(Call::SetRestake { enabled }, None)
    }

    /// Locks the owner's reward on top of its stake.
    ///
    /// # Errors
    /// [`Error::Chain`].
    pub async fn restake(&self) -> Result<Plan> {
        let amount = self.chain.claimable(self.miner).await?;
        let miner = self.miner;
        Ok(self.plan(Call::Restake { miner }, Some(amount)))
    }

    /// Mints the owner's reward to an account.
    ///
    /// # Errors
    /// [`Error::Chain`].
    pub async fn claim_to(&self, recipient: Address) -> Result<Plan> {
        let amount = self.chain.claimable(self.miner).await?;
        Ok(self.plan(Call::ClaimTo { recipient }, Some(amount)))
    }

    /// Collects all fees due: one transaction for each batch of policies. A policy that was never
    /// collected from is left to the node, which holds the author's word about the delivery.
    ///
    /// # Errors
    /// [`Error::Chain`].
    pub async fn collect_fees(&self) -> Result<Plan> {
        let miner = self.miner;
        let mut plan = Plan::new(miner, ());
        let mut due = fees_of(self.chain, miner).await?;
        due.retain(|of| !of.fees.collectable.is_zero());
        for batch in due.chunks(COLLECT_BATCH) {
            let amounts = batch.iter().map(|of| of.fees.collectable.0);
            let total = amounts.fold(0_u128, u128::saturating_add);
            let proved = |of: &PolicyFees| Collection {
                terms: of.terms.clone(),
                delivery: None,
            };
            let policies = batch.iter().map(proved).collect();
            plan = plan.step(Call::Collect { policies, miner }, Some(Amount(total)));
        }
        Ok(plan)
    }

    fn plan(&self, call: Call, amount: Option<Amount>) -> Plan {
        Plan::new(self.miner, ()).step(call, amount)
    }
}

/// A miner's stake; needs no key.
///
/// # Errors
/// [`Error::Chain`].
pub async fn stake_status(chain: &dyn ChainPort, miner: Address) -> Result<StakeStatus> {
    Ok(StakeStatus {
        status: chain.miner_status(miner).await?,
        balance: chain.token_balance(miner).await?,
    })
}

/// Policies with fees that a miner could collect now, or prove to be its own, oldest first; needs
/// no key.
///
/// # Errors
/// [`Error::Chain`].
pub async fn fees_of(chain: &dyn ChainPort, miner: Address) -> Result<Vec<PolicyFees>> {
    let mut due = Vec::new();
    for created in chain.policies(PolicyFilter::All).await? {
        if !created.terms.includes(&miner) {
            continue;
        }
        let fees = chain.miner_fees(&created.terms, miner).await?;
        if !fees.collectable.is_zero() || !fees.unproven.is_zero() {
            due.push(PolicyFees {
                policy: created.id,
                terms: created.terms,
                fees,
            });
        }
    }
    Ok(due)
}
