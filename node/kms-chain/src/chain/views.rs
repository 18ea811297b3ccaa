//! State of the contracts, read with `eth_call` at the newest block; of policies in `policy`.

mod policy;

use ethers::types::{H160, U256};
use kms_protocol::{Address, Amount, Period, PeriodClock};

use super::Chain;
use crate::contracts::bindings::staking_escrow as escrow;
use crate::contracts::bindings::{
    kms_token, mining_rewards as rewards, policy_manager as policies,
    silence_challenges as challenges,
};
use crate::convert;
use crate::error::ChainError;
use crate::types::{
    ChainParams, LastSeqs, Lease, MinerInfo, MinerStatus, PeriodTotals, Position, Service,
};

const TOO_LARGE: ChainError = ChainError::BadReply {
    method: "eth_call",
    reason: "an amount above 128 bits",
};

fn amount(value: U256) -> Result<Amount, ChainError> {
    convert::amount(value).ok_or(TOO_LARGE)
}

/// Views of the contracts. Each fails with `Unreachable`, `Rpc` or `BadReply`, as `Rpc::request`.
impl Chain {
    fn token(&self) -> Address {
        self.inner.deployment.contracts.token.address
    }

    fn escrow(&self) -> Address {
        self.inner.deployment.contracts.escrow.address
    }

    fn rewards(&self) -> Address {
        self.inner.deployment.contracts.rewards.address
    }

    fn policies(&self) -> Address {
        self.inner.deployment.contracts.policies.address
    }

    /// The parameters all contracts were deployed with, read from them.
    pub async fn params(&self) -> Result<ChainParams, ChainError> {
        let (escrow, rewards) = (self.escrow(), self.rewards());
        let genesis: u64 = self.view(escrow, escrow::GenesisTimeCall {}).await?;
        let length: u32 = self.view(escrow, escrow::PeriodSecondsCall {}).await?;
        let kappa: bool = self.view(rewards, rewards::KappaEnabledCall {}).await?;
        let kappa_periods: u32 = self.view(rewards, rewards::KappaPeriodsCall {}).await?;
        let min_locked: u128 = self.view(escrow, escrow::MinLockedCall {}).await?;
        Ok(ChainParams {
            clock: PeriodClock::new(genesis, length)?,
            max_lease_periods: self.view(rewards, rewards::MaxLeasePeriodsCall {}).await?,
            decay: self.view(rewards, rewards::DecayCall {}).await?,
            kappa_periods: kappa.then_some(kappa_periods),
            min_locked: Amount(min_locked),
            min_lock_periods: self.view(escrow, escrow::MinLockPeriodsCall {}).await?,
            max_lock_periods: self.view(escrow, escrow::MaxLockPeriodsCall {}).await?,
            worker_cooldown_periods: self.view(escrow, escrow::WorkerCooldownCall {}).await?,
            evidence_periods: self.view(escrow, escrow::EvidencePeriodsCall {}).await?,
            max_policy_periods: self
                .view(self.policies(), policies::MaxPolicyPeriodsCall {})
                .await?,
        })
    }

    /// The period of the newest block, as the contracts count.
    pub async fn current_period(&self) -> Result<Period, ChainError> {
        self.view(self.escrow(), escrow::CurrentPeriodCall {})
            .await
            .map(Period)
    }

    /// Number of the last numbered event of each contract.
    pub async fn last_seqs(&self) -> Result<LastSeqs, ChainError> {
        let silence = self.inner.deployment.contracts.challenges.address;
        Ok(LastSeqs {
            escrow: self.view(self.escrow(), escrow::LastSeqCall {}).await?,
            policies: self.view(self.policies(), policies::LastSeqCall {}).await?,
            challenges: self.view(silence, challenges::LastSeqCall {}).await?,
        })
    }

    /// Stake of a miner; zeros for an address that is none.
    pub async fn position(&self, miner: Address) -> Result<Position, ChainError> {
        let call = escrow::PositionCall {
            miner: convert::h160(miner),
        };
        let position: escrow::Position = self.view(self.escrow(), call).await?;
        Ok(position_of(&position))
    }

    /// Stake, worker and record of each address, in the order given; zeros for one that is no
    /// miner.
    ///
    /// # Errors
    /// Besides those of every view: `BadReply` when the entries are not those asked for.
    pub async fn miner_info(&self, miners: &[Address]) -> Result<Vec<MinerInfo>, ChainError> {
        let call = escrow::MinerInfoCall {
            miners: miners.iter().copied().map(convert::h160).collect(),
        };
        let entries: Vec<escrow::MinerInfo> = self.view(self.escrow(), call).await?;
        if !entries
            .iter()
            .map(|entry| convert::address(entry.miner))
            .eq(miners.iter().copied())
        {
            return Err(ChainError::BadReply {
                method: "eth_call",
                reason: "other miners than asked for",
            });
        }
        Ok(entries.into_iter().map(miner_info_of).collect())
    }

    /// Whether a miner could serve a policy of this rate and last period that is created or
    /// extended now.
    pub async fn can_serve(
        &self,
        miner: Address,
        rate: Amount,
        last_period: Period,
    ) -> Result<Service, ChainError> {
        let call = escrow::CanServeCall {
            miner: convert::h160(miner),
            rate: rate.0,
            last_period: last_period.0,
        };
        let service: u8 = self.view(self.escrow(), call).await?;
        match service {
            0 => Ok(Service::Able),
            1 => Ok(Service::StakeTooSmall),
            2 => Ok(Service::LockTooShort),
            3 => Ok(Service::RateTooLow),
            4 => Ok(Service::Suspended),
            _ => Err(ChainError::BadReply {
                method: "eth_call",
                reason: "a reason that the contract does not have",
            }),
        }
    }

    /// All that the contracts say of a miner, of one block.
    ///
    /// # Errors
    /// Besides those of every view: `BadReply` when it is another miner's.
    pub async fn miner_status(&self, miner: Address) -> Result<MinerStatus, ChainError> {
        let call = rewards::MinerStatusCall {
            miner: convert::h160(miner),
        };
        let answer: rewards::MinerStatusReturn = self.view(self.rewards(), call).await?;
        let status = answer.status;
        let info = miner_info_of(rewards_info(status.info));
        if info.miner != miner {
            return Err(ChainError::BadReply {
                method: "eth_call",
                reason: "another miner than asked for",
            });
        }
        Ok(MinerStatus {
            info,
            period: Period(status.current_period),
            lease: Lease {
                through: convert::some_period(status.leased_through),
                weight: Amount(status.weight),
            },
            suspended_through: convert::some_period(status.suspended_through),
            claimable: amount(status.claimable)?,
        })
    }

    /// Worker bonded to a miner; `None` if there is none.
    pub async fn worker_of(&self, miner: Address) -> Result<Option<Address>, ChainError> {
        let call = escrow::WorkerOfCall {
            miner: convert::h160(miner),
        };
        let worker: H160 = self.view(self.escrow(), call).await?;
        Ok(convert::some_address(worker))
    }

    /// Miner that a worker is bonded to; `None` if there is none.
    pub async fn miner_of(&self, worker: Address) -> Result<Option<Address>, ChainError> {
        let call = escrow::MinerOfCall {
            worker: convert::h160(worker),
        };
        let miner: H160 = self.view(self.escrow(), call).await?;
        Ok(convert::some_address(miner))
    }

    /// Sum of all locked and all unbonding tokens.
    pub async fn total_locked(&self) -> Result<Amount, ChainError> {
        amount(self.view(self.escrow(), escrow::TotalLockedCall {}).await?)
    }

    /// Current lease of a miner, weight included.
    pub async fn lease_of(&self, miner: Address) -> Result<Lease, ChainError> {
        let call = rewards::LeaseOfCall {
            miner: convert::h160(miner),
        };
        let lease: rewards::LeaseOfReturn = self.view(self.rewards(), call).await?;
        Ok(Lease {
            through: convert::some_period(lease.through_period),
            weight: Amount(lease.weight),
        })
    }

    /// Reward that a claim would mint now.
    pub async fn claimable(&self, miner: Address) -> Result<Amount, ChainError> {
        let call = rewards::ClaimableCall {
            miner: convert::h160(miner),
        };
        amount(self.view(self.rewards(), call).await?)
    }

    /// Whether a miner's lease covers a period.
    pub async fn is_active(&self, miner: Address, period: Period) -> Result<bool, ChainError> {
        let call = rewards::IsActiveCall {
            miner: convert::h160(miner),
            period: period.0,
        };
        self.view(self.rewards(), call).await
    }

    /// Number of the completed periods `first..=last` in which a miner was active.
    ///
    /// # Errors
    /// Besides those of every view: `Reverted` when `last` is not complete.
    pub async fn active_periods(
        &self,
        miner: Address,
        first: Period,
        last: Period,
    ) -> Result<u32, ChainError> {
        let (miner, first, last) = (convert::h160(miner), first.0, last.0);
        self.view(
            self.rewards(),
            rewards::ActivePeriodsCall { miner, first, last },
        )
        .await
    }

    /// Sums over all miners for a period that has begun.
    ///
    /// # Errors
    /// Besides those of every view: `Reverted` for a period to come.
    pub async fn period_totals(&self, period: Period) -> Result<PeriodTotals, ChainError> {
        let call = rewards::PeriodTotalsCall { period: period.0 };
        let totals: rewards::PeriodTotalsReturn = self.view(self.rewards(), call).await?;
        Ok(PeriodTotals {
            weight: amount(totals.weight)?,
            locked: amount(totals.locked)?,
        })
    }

    /// Reserve: tokens that are left to mint.
    pub async fn reserve(&self) -> Result<Amount, ChainError> {
        amount(self.view(self.rewards(), rewards::ReserveCall {}).await?)
    }

    /// Pool: tokens emitted and not yet claimed.
    pub async fn pool(&self) -> Result<Amount, ChainError> {
        amount(self.view(self.rewards(), rewards::PoolCall {}).await?)
    }

    /// Balance of an account in KMS tokens.
    pub async fn token_balance(&self, account: Address) -> Result<Amount, ChainError> {
        let call = kms_token::BalanceOfCall {
            account: convert::h160(account),
        };
        amount(self.view(self.token(), call).await?)
    }

    /// Supply of KMS tokens, without those burned.
    pub async fn total_supply(&self) -> Result<Amount, ChainError> {
        amount(
            self.view(self.token(), kms_token::TotalSupplyCall {})
                .await?,
        )
    }
}

fn position_of(position: &escrow::Position) -> Position {
    Position {
        locked: Amount(position.locked),
        lock_periods: position.lock_periods,
        unlock_period: convert::some_period(position.unlock_period),
        unbonding: Amount(position.unbonding),
        release_period: convert::some_period(position.release_period),
    }
}

/// The bindings have one type of the same struct for each contract.
fn rewards_info(info: rewards::MinerInfo) -> escrow::MinerInfo {
    let position = info.position;
    escrow::MinerInfo {
        miner: info.miner,
        worker: info.worker,
        position: escrow::Position {
            locked: position.locked,
            lock_periods: position.lock_periods,
            unlock_period: position.unlock_period,
            unbonding: position.unbonding,
            release_period: position.release_period,
        },
        min_rate: info.min_rate,
        suspended: info.suspended,
        url: info.url,
    }
}

fn miner_info_of(info: escrow::MinerInfo) -> MinerInfo {
    MinerInfo {
        miner: convert::address(info.miner),
        worker: convert::some_address(info.worker),
        position: position_of(&info.position),
        min_rate: Amount(info.min_rate),
        suspended: info.suspended,
        url: info.url,
    }
}
