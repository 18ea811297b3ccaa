//! Clients of a home's chain and nodes; implements `ChainPort` over `kms-chain`.
//! Neighbours: `search` finds events by topic, `node_http` reaches the nodes, `payer` sends.

mod search;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt as _};
use kms_chain::{
    BlockHeader, Call, Chain, ChainEvent, ChainParams, Lease, MinerFees, MinerInfo, MinerStatus,
    PeriodTotals, PolicyState, RpcConfig, Service,
};
use kms_protocol::{Address, Amount, B256, Domain, Period, PolicyId, Terms, Wei};
use tokio::sync::OnceCell;

use crate::error::Result;
use crate::home::Config;
use crate::node_http::{HttpNodes, NodeLimits};
use crate::ports::{ChainPort, CreatedPolicy, GasCost, PolicyFilter, Revoked, Scope};

/// Concurrent calls of contract views.
const VIEWS_AT_ONCE: usize = 16;

/// Clients of the chain and of the nodes.
pub struct Network {
    chain: Chain,
    nodes: HttpNodes,
    /// Cached: they are fixed at deployment.
    params: OnceCell<ChainParams>,
}

impl Network {
    /// Connects, and proves that the endpoints serve the home's deployment.
    ///
    /// # Errors
    /// [`Error::Chain`](crate::Error::Chain) if no endpoint answers or one serves another chain.
    pub async fn connect(config: &Config) -> Result<Self> {
        let rpc = RpcConfig::new(config.rpc_urls.clone());
        let chain = Chain::connect(&rpc, config.deployment.clone()).await?;
        let nodes = HttpNodes::new(config.address_rule(), NodeLimits::default())?;
        Ok(Self {
            chain,
            nodes,
            params: OnceCell::new(),
        })
    }

    /// Client of the chain, for what `ChainPort` does not offer.
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Client of the nodes, under the home's address rule.
    pub const fn nodes(&self) -> &HttpNodes {
        &self.nodes
    }
}

#[async_trait]
impl ChainPort for Network {
    fn domain(&self) -> Domain {
        let deployment = self.chain.deployment();
        Domain::node(deployment.chain_id, deployment.contracts.policies.address)
    }

    async fn head(&self) -> Result<BlockHeader> {
        Ok(self.chain.head().await?)
    }

    async fn params(&self) -> Result<ChainParams> {
        let params = self.params.get_or_try_init(|| self.chain.params()).await?;
        Ok(params.clone())
    }

    async fn registered_miners(&self) -> Result<Vec<Address>> {
        self.miners_by_event().await
    }

    async fn miner_info(&self, miners: &[Address]) -> Result<Vec<MinerInfo>> {
        Ok(self.chain.miner_info(miners).await?)
    }

    async fn lease_of(&self, miner: Address) -> Result<Lease> {
        Ok(self.chain.lease_of(miner).await?)
    }

    async fn can_serve(&self, miner: Address, rate: Amount, last: Period) -> Result<Service> {
        Ok(self.chain.can_serve(miner, rate, last).await?)
    }

    async fn miner_status(&self, miner: Address) -> Result<MinerStatus> {
        Ok(self.chain.miner_status(miner).await?)
    }

    async fn extended_in(&self, block_hash: B256, id: PolicyId) -> Result<Option<Period>> {
        let events = self.chain.events_in_block(block_hash).await?;
        Ok(extension(events.into_iter().map(|record| record.event), id))
    }

    async fn policies(&self, filter: PolicyFilter) -> Result<Vec<CreatedPolicy>> {
        self.policies_by_event(filter).await
    }

    async fn policy_state(&self, id: PolicyId) -> Result<Option<PolicyState>> {
        Ok(self.chain.policy_state(id).await?)
    }

    async fn revoked_miners(&self, terms: &Terms) -> Result<Vec<Address>> {
        let ends: Vec<_> = stream::iter(terms.miners.clone())
            .map(|miner| async move { (miner, self.chain.revoked_at(terms, miner).await) })
            .buffered(VIEWS_AT_ONCE)
            .collect()
            .await;
        let mut revoked = Vec::new();
        for (miner, end) in ends {
            revoked.extend(end?.map(|_| miner));
        }
        Ok(revoked)
    }

    async fn refundable(&self, terms: &Terms) -> Result<Amount> {
        Ok(self.chain.refundable(terms).await?)
    }

    async fn miner_fees(&self, terms: &Terms, miner: Address) -> Result<MinerFees> {
        Ok(self.chain.miner_fees(terms, miner).await?)
    }

    async fn claimable(&self, miner: Address) -> Result<Amount> {
        Ok(self.chain.claimable(miner).await?)
    }

    async fn revoked_in(
        &self,
        block_hash: B256,
        id: PolicyId,
        scope: Scope,
    ) -> Result<Option<Revoked>> {
        let events = self.chain.events_in_block(block_hash).await?;
        Ok(events.into_iter().find_map(|record| {
            let (of, revoked) = revocation(record.event)?;
            (of == (id, scope)).then_some(revoked)
        }))
    }

    async fn gas_cost(&self, from: Address, call: &Call) -> Result<GasCost> {
        let gas = self.chain.simulate(from, call).await?;
        let fees = self.chain.fees().await?;
        Ok(GasCost {
            gas: gas.get(),
            fee_max: gas.cost_at_most(fees),
        })
    }

    async fn token_balance(&self, account: Address) -> Result<Amount> {
        Ok(self.chain.token_balance(account).await?)
    }

    async fn eth_balance(&self, account: Address) -> Result<Wei> {
        Ok(self.chain.eth_balance(account).await?)
    }
}

/// The last of the ends that a policy was extended to in these events.
pub(crate) fn extension(events: impl Iterator<Item = ChainEvent>, id: PolicyId) -> Option<Period> {
    let ends = events.filter_map(|event| match event {
        ChainEvent::PolicyExtended {
            policy_id,
            last_period,
            ..
        } => (policy_id == id).then_some(last_period),
        _ => None,
    });
    ends.last()
}

/// Reads the revocation out of an event, if it is one.
pub(crate) fn revocation(event: ChainEvent) -> Option<((PolicyId, Scope), Revoked)> {
    let (of, effective_last, refund) = match event {
        ChainEvent::PolicyRevoked {
            policy_id,
            effective_last,
            refund,
            ..
        } => ((policy_id, Scope::Policy), effective_last, refund),
        ChainEvent::ArrangementRevoked {
            policy_id,
            miner,
            effective_last,
            refund,
            ..
        } => {
            let of = (policy_id, Scope::Arrangement(miner));
            (of, effective_last, refund)
        }
        _ => return None,
    };
    let revoked = Revoked {
        effective_last,
        refund,
    };
    Some((of, revoked))
}

/// Miners, stake and supply of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkStatus {
    /// Newest block when the rest was read.
    pub head: BlockHeader,
    /// The present period; 0 before the first one.
    pub period: Period,
    /// The parameters of the deployment.
    pub params: ChainParams,
    /// Miners with stake, ascending, each with its lease.
    pub miners: Vec<(MinerInfo, Lease)>,
    /// Miners whose lease covers the present period.
    pub active: usize,
    /// Stake of all miners together.
    pub total_locked: Amount,
    /// Weight and stake that share the present period's reward.
    pub totals: PeriodTotals,
    /// Tokens that are left to mint.
    pub reserve: Amount,
    /// Tokens minted so far, less those burned.
    pub total_supply: Amount,
}

/// Reads the state of the network from the chain.
///
/// # Errors
/// [`Error::Chain`](crate::Error::Chain).
pub async fn network_status(network: &Network) -> Result<NetworkStatus> {
    let (head, params) = (network.head().await?, network.params().await?);
    let period = params
        .clock
        .period_at(head.timestamp)
        .unwrap_or(Period::NEVER);
    let addresses = network.registered_miners().await?;
    let mut miners = Vec::new();
    for info in network.miner_info(&addresses).await? {
        if !info.position.locked.is_zero() {
            let lease = network.lease_of(info.miner).await?;
            miners.push((info, lease));
        }
    }
    miners.sort_by_key(|(info, _)| info.miner);
    let leased = |lease: &Lease| lease.through.is_some_and(|through| through >= period);
    let chain = network.chain();
    Ok(NetworkStatus {
        active: miners.iter().filter(|(_, lease)| leased(lease)).count(),
        total_locked: chain.total_locked().await?,
        totals: chain.period_totals(period).await?,
        reserve: chain.reserve().await?,
        total_supply: chain.total_supply().await?,
        head,
        period,
        params,
        miners,
    })
}
