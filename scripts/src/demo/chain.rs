//! What the demo reads from the chain itself, beside the CLI, to check what the CLI says.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use kms_chain::{Chain, Deployment, RpcConfig};
use kms_protocol::reward::{self, RewardLedger};
use kms_protocol::{Address, Amount, Period, PeriodClock, PolicyId};
use tokio::runtime::Handle;

use super::ledger::{Dated, Replay};

/// A reader of the demo's chain.
pub(super) struct ChainView {
    chain: Chain,
    clock: PeriodClock,
    runtime: Handle,
}

impl ChainView {
    /// Connects, which proves chain and contracts to be those of the deployment.
    pub(super) fn connect(rpc: &str, deployment: &Deployment, runtime: &Handle) -> Result<Self> {
        let config = RpcConfig::new(vec![rpc.to_owned()]);
        let chain = runtime.block_on(Chain::connect(&config, deployment.clone()))?;
        let clock = runtime.block_on(chain.params())?.clock;
        Ok(Self {
            chain,
            clock,
            runtime: runtime.clone(),
        })
    }

    /// Length of a period in seconds.
    pub(super) fn period_seconds(&self) -> u32 {
        self.clock.period_seconds
    }

    /// The period of the newest block.
    pub(super) fn period(&self) -> Result<Period> {
        let head = self.runtime.block_on(self.chain.head())?;
        self.clock
            .period_at(head.timestamp)
            .context("the chain is before its genesis")
    }

    /// Whether the miner's lease covers the period.
    pub(super) fn is_active(&self, miner: Address, period: Period) -> Result<bool> {
        Ok(self.runtime.block_on(self.chain.is_active(miner, period))?)
    }

    /// Whether the chain says that the policy was revoked.
    pub(super) fn is_revoked(&self, policy: PolicyId) -> Result<bool> {
        let state = self.runtime.block_on(self.chain.policy_state(policy))?;
        Ok(state.is_some_and(|state| state.revoked))
    }

    /// KMS an account holds.
    pub(super) fn balance(&self, account: Address) -> Result<Amount> {
        Ok(self.runtime.block_on(self.chain.token_balance(account))?)
    }

    /// Every event of the deployment so far, with its period.
    pub(super) fn events(&self) -> Result<Vec<Dated>> {
        self.runtime.block_on(async {
            let head = self.chain.head().await?.number;
            let first = self.chain.deployment().block;
            let mut periods = BTreeMap::new();
            let mut dated = Vec::new();
            for record in self.chain.events_in_range(first, head).await? {
                let number = record.block_number;
                let known = periods.get(&number).copied();
                let period = match known {
                    Some(period) => period,
                    None => self.period_of(number).await?,
                };
                periods.insert(number, period);
                dated.push(Dated { period, record });
            }
            Ok(dated)
        })
    }

    async fn period_of(&self, number: u64) -> Result<Period> {
        let header = self
            .chain
            .header(number)
            .await?
            .context("a block that vanished")?;
        self.clock
            .period_at(header.timestamp)
            .context("a block before genesis")
    }

    /// The formula applied to `events`. The reserve and the decay come from the parameters of the
    /// deployment, by kms-protocol's arithmetic, not from the contract.
    pub(super) fn replay(&self, events: &[Dated]) -> Result<Replay> {
        let params = &self.chain.deployment().params;
        let reserve = params
            .cap
            .checked_sub(params.initial_supply)
            .context("supply above cap")?;
        let decay = reward::decay(params.half_life_seconds, params.period_seconds)?;
        let ledger = RewardLedger::new(reserve, decay, params.warm_up_locked);
        Replay::run(ledger, events)
    }
}
