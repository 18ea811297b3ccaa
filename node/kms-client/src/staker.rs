//! What a miner's owner does: lock tokens, bond a worker, watch, claim, collect, leave. A thin,
//! typed layer over the contracts' calls. Neighbours: `ports` reach chain and account; the node
//! itself confirms activity.

use kms_chain::{Call, Lease, MinerInfo, TxReceipt};
use kms_protocol::{Address, Amount, B256, Period, PolicyId, Terms};

use crate::error::{Error, Result};
use crate::ports::{ChainPort, PayPort, PolicyFilter};
use crate::progress::Progress;

/// Policies whose fees are collected in one transaction.
const COLLECT_BATCH: usize = 20;

/// A stake and everything that hangs on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StakeStatus {
    /// Stake, worker, node record, least rate.
    pub info: MinerInfo,
    /// The activity lease.
    pub lease: Lease,
    /// Reward that a claim would mint now.
    pub claimable: Amount,
    /// The present period.
    pub period: Period,
    /// KMS held by the owner's account, not locked.
    pub balance: Amount,
}

/// Fees of one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFees {
    /// The policy.
    pub policy: PolicyId,
    /// Its terms.
    pub terms: Terms,
    /// What could be collected now.
    pub amount: Amount,
}

/// What was paid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payout {
    /// What was due when the transaction was sent.
    pub amount: Amount,
    /// The transaction.
    pub tx_hash: B256,
}

/// Whether a position leads to its unlock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindDown {
    /// The lock runs out.
    Start,
    /// The lock keeps its length.
    Stop,
}

/// A miner's owner, or the worker for what a worker may do.
#[derive(Clone, Copy)]
pub struct Staker<'a> {
    chain: &'a dyn ChainPort,
    pay: &'a dyn PayPort,
    progress: &'a dyn Progress,
}

impl<'a> Staker<'a> {
    /// A staker who pays from this account.
    pub const fn new(
        chain: &'a dyn ChainPort,
        pay: &'a dyn PayPort,
        progress: &'a dyn Progress,
    ) -> Self {
        Self {
            chain,
            pay,
            progress,
        }
    }

    /// Locks tokens, for the first time or on top; one transaction, no allowance.
    ///
    /// # Errors
    /// [`Error::InsufficientFunds`], [`Error::Chain`] with the contract's reason.
    pub async fn deposit(&self, amount: Amount, lock_periods: u32) -> Result<TxReceipt> {
        let address = self.pay.address();
        let have = self.chain.token_balance(address).await?;
        if have < amount {
            let (have, need) = (have.to_string(), amount.to_string());
            return Err(Error::InsufficientFunds {
                address,
                have,
                need,
            });
        }
        self.send(Call::DepositViaTransfer {
            amount,
            lock_periods,
        })
        .await
    }

    /// Lengthens the lock.
    ///
    /// # Errors
    /// [`Error::Chain`].
    pub async fn extend_lock(&self, lock_periods: u32) -> Result<TxReceipt> {
        self.send(Call::ExtendLock { lock_periods }).await
    }

    /// Starts or stops winding the position down.
    ///
    /// # Errors
    /// [`Error::Chain`].
    pub async fn wind_down(&self, wind_down: WindDown) -> Result<TxReceipt> {
        self.send(Call::SetWindDown {
            enabled: wind_down == WindDown::Start,
        })
        .await
    }

    /// Moves locked tokens to the unbonding tranche.
    ///
    /// # Errors
    /// [`Error::Chain`].
    pub async fn unbond(&self, amount: Amount) -> Result<TxReceipt> {
        self.send(Call::Unbond { amount }).await
    }

    /// Pays everything that is free to an account.
    ///
    /// # Errors
    /// [`Error::Chain`].
    pub async fn withdraw(&self, recipient: Address) -> Result<TxReceipt> {
        self.send(Call::Withdraw { recipient }).await
    }

    /// Lets a worker sign for the node.
    ///
    /// # Errors
    /// [`Error::Chain`].
    pub async fn bond_worker(&self, worker: Address) -> Result<TxReceipt> {
        self.send(Call::BondWorker {
            worker: Some(worker),
        })
        .await
    }

    /// Takes the worker's rights away.
    ///
    /// # Errors
    /// [`Error::Chain`].
    pub async fn unbond_worker(&self) -> Result<TxReceipt> {
        self.send(Call::BondWorker { worker: None }).await
    }

    /// Posts the least rate that grants must offer.
    ///
    /// # Errors
    /// [`Error::Chain`].
    pub async fn set_min_rate(&self, rate: Amount) -> Result<TxReceipt> {
        self.send(Call::SetMinRate { rate }).await
    }

    /// Mints the owner's reward to an account.
    ///
    /// # Errors
    /// [`Error::Chain`] with `RewardsNothingToClaim`.
    pub async fn claim_to(&self, recipient: Address) -> Result<Payout> {
        let amount = self.chain.claimable(self.pay.address()).await?;
        let receipt = self.send(Call::ClaimTo { recipient }).await?;
        Ok(Payout {
            amount,
            tx_hash: receipt.tx_hash,
        })
    }

    /// Policies with fees that could be collected now, oldest first.
    ///
    /// # Errors
    /// [`Error::Chain`].
    pub async fn fees(&self) -> Result<Vec<PolicyFees>> {
        fees_of(self.chain, self.pay.address()).await
    }

    /// Collects all fees due, in batches; one payout per transaction.
    ///
    /// # Errors
    /// [`Error::Chain`].
    pub async fn collect_fees(&self) -> Result<Vec<Payout>> {
        let miner = self.pay.address();
        let mut payouts = Vec::new();
        for batch in self.fees().await?.chunks(COLLECT_BATCH) {
            let total = batch
                .iter()
                .map(|fees| fees.amount.0)
                .fold(0_u128, u128::saturating_add);
            let terms = batch.iter().map(|fees| fees.terms.clone()).collect();
            let receipt = self.send(Call::Collect { terms, miner }).await?;
            payouts.push(Payout {
                amount: Amount(total),
                tx_hash: receipt.tx_hash,
            });
        }
        Ok(payouts)
    }

    /// Sends tokens.
    ///
    /// # Errors
    /// [`Error::Chain`].
    pub async fn transfer(&self, to: Address, amount: Amount) -> Result<TxReceipt> {
        self.send(Call::TransferToken { to, amount }).await
    }

    async fn send(&self, call: Call) -> Result<TxReceipt> {
        self.pay.send(&call, self.progress).await
    }
}

/// A miner's stake; needs no key.
///
/// # Errors
/// [`Error::Chain`].
pub async fn stake_status(chain: &dyn ChainPort, miner: Address) -> Result<StakeStatus> {
    let info = chain.miner_info(&[miner]).await?.pop();
    let info = info.ok_or(Error::Bug("one entry per miner asked for"))?;
    let head = chain.head().await?;
    let clock = chain.params().await?.clock;
    Ok(StakeStatus {
        info,
        lease: chain.lease_of(miner).await?,
        claimable: chain.claimable(miner).await?,
        period: clock.period_at(head.timestamp).unwrap_or(Period::NEVER),
        balance: chain.token_balance(miner).await?,
    })
}

/// Policies with fees that a miner could collect now, oldest first; needs no key.
///
/// # Errors
/// [`Error::Chain`].
pub async fn fees_of(chain: &dyn ChainPort, miner: Address) -> Result<Vec<PolicyFees>> {
    let mut due = Vec::new();
    for created in chain.policies(PolicyFilter::All).await? {
        if !created.terms.includes(&miner) {
            continue;
        }
        let amount = chain.collectable(&created.terms, miner).await?;
        if !amount.is_zero() {
            due.push(PolicyFees {
                policy: created.id,
                terms: created.terms,
                amount,
            });
        }
    }
    Ok(due)
}
