//! The trait by which the node reads the chain and sends transactions, so that tests can put a
//! chain in memory in its place. Outside tests the one implementation is `kms_chain::Chain`.

use std::future::Future;

use kms_chain::{
    BlockHeader, Call, Chain, ChainError, ChainParams, ChainRead, Collection, EndpointHealth, Fees,
    GasLimit, LastSeqs, SignedTx, Tag, TxPlan, TxReceipt,
};
use kms_protocol::reward::decay;
use kms_protocol::{Address, Amount, B256, EthSecret, Period, PolicyId, Terms, Wei};

/// A future of the chain's answer, as [`NodeChain`] returns it.
pub(crate) trait Answer<T>: Future<Output = Result<T, ChainError>> + Send {}
impl<T, F: Future<Output = Result<T, ChainError>> + Send> Answer<T> for F {}

/// What a miner earned and earns by, as of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Income {
    /// Period of the block.
    pub(crate) period: Period,
    /// Reward of the periods before it that a claim would mint.
    pub(crate) claimable: Amount,
    /// Weight of the lease.
    pub(crate) weight: Amount,
}

/// What the emission of a period is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Emission {
    /// Sums of the weights and of the locked tokens of the miners active in it.
    pub(crate) weights: Amount,
    pub(crate) locked: Amount,
    /// Tokens that were left to mint when it began.
    pub(crate) reserve: Amount,
    /// Part of the reserve that is emitted, times 2^64.
    pub(crate) decay: u64,
    /// Threshold of the warm-up.
    pub(crate) warm_up: Amount,
}

/// The calls of `kms_chain::Chain` that the node uses.
pub(crate) trait NodeChain: ChainRead + Clone + Send + Sync + 'static {
    fn params(&self) -> impl Answer<ChainParams>;
    /// Last sequence numbers of the contracts that count their events.
    fn last_seqs(&self) -> impl Answer<LastSeqs>;
    /// What `miner` earned and earns by, as of the newest block.
    fn income(&self, miner: Address) -> impl Answer<Income>;
    /// What the emission of `period`, which has begun, is computed from.
    fn emission(&self, period: Period) -> impl Answer<Emission>;
    /// Fees that `miner` can collect from each of these policies as of the newest block.
    fn collectable_each(&self, policies: &[Collection], miner: Address)
    -> impl Answer<Vec<Amount>>;
    /// Has another endpoint read than the present one, for a while.
    fn pass_over(&self);
    /// Health of every endpoint, in the configured order.
    fn endpoints(&self) -> Vec<EndpointHealth>;
    /// Passes over endpoints that are far behind another one.
    fn check_heads(&self) -> impl Answer<()>;
    /// The highest counts of events that several endpoints show as of the block of this hash;
    /// `None` with one.
    fn last_seqs_at(&self, hash: B256) -> impl Answer<Option<LastSeqs>>;
    /// Proves again that an endpoint serves the deployment.
    fn prove_again(&self) -> impl Answer<()>;
    /// The newest of `headers`, ascending, that two endpoints agree on, or that is final where
    /// there is one endpoint.
    fn settled(&self, headers: &[BlockHeader]) -> impl Answer<Option<BlockHeader>>;
    /// Whether the contract says, at two endpoints if there are as many, that a miner's access
    /// under a policy is over as of a period. Without terms, a policy that does not exist is over.
    fn is_access_over(
        &self,
        id: PolicyId,
        terms: Option<&Terms>,
        miner: Address,
        now: Period,
    ) -> impl Answer<bool>;
    fn eth_balance(&self, account: Address) -> impl Answer<Wei>;
    /// Number of mined transactions of `account`, which is its next nonce on chain.
    fn mined_nonce(&self, account: Address) -> impl Answer<u64>;
    /// Gas limit for the call, or the decoded reason why it would revert.
    fn simulate(&self, from: Address, call: &Call) -> impl Answer<GasLimit>;
    /// Fees per gas for a transaction signed now.
    fn fees(&self) -> impl Answer<Fees>;
    /// Signs a transaction, without network access.
    fn sign(&self, secret: &EthSecret, plan: &TxPlan) -> Result<SignedTx, ChainError>;
    /// Signs the transaction in `raw` again at other fees, without network access.
    fn reprice(&self, secret: &EthSecret, raw: &[u8], fees: Fees) -> Result<SignedTx, ChainError>;
    /// Sends signed bytes to every endpoint; "already known" counts as success.
    fn broadcast(&self, raw: &[u8]) -> impl Answer<()>;
    /// The receipt of a mined transaction; `None` while it is in no block. Every endpoint is asked
    /// if its nonce is `used`; fails only if none answers, since a duty may be done again.
    fn receipt(&self, hash: B256, used: bool) -> impl Answer<Option<TxReceipt>>;
}

impl NodeChain for Chain {
    fn params(&self) -> impl Answer<ChainParams> {
        Self::params(self)
    }

    fn last_seqs(&self) -> impl Answer<LastSeqs> {
        Self::last_seqs(self)
    }

    async fn income(&self, miner: Address) -> Result<Income, ChainError> {
        let status = self.miner_status(miner).await?;
        Ok(Income {
            period: status.period,
            claimable: status.claimable,
            weight: status.lease.weight,
        })
    }

    async fn emission(&self, period: Period) -> Result<Emission, ChainError> {
        let totals = self.period_totals(period).await?;
        let params = &self.deployment().params;
        Ok(Emission {
            weights: totals.weight,
            locked: totals.locked,
            reserve: self.reserve().await?,
            decay: decay(params.half_life_seconds, params.period_seconds)?,
            warm_up: params.warm_up_locked,
        })
    }

    fn collectable_each(
        &self,
        policies: &[Collection],
        miner: Address,
    ) -> impl Answer<Vec<Amount>> {
        Self::collectable_each(self, policies, miner)
    }

    fn pass_over(&self) {
        Self::pass_over(self);
    }

    fn endpoints(&self) -> Vec<EndpointHealth> {
        self.rpc().health()
    }

    fn check_heads(&self) -> impl Answer<()> {
        Self::check_heads(self)
    }

    fn last_seqs_at(&self, hash: B256) -> impl Answer<Option<LastSeqs>> {
        Self::last_seqs_at(self, hash)
    }

    fn prove_again(&self) -> impl Answer<()> {
        Self::prove_again(self)
    }

    fn settled(&self, headers: &[BlockHeader]) -> impl Answer<Option<BlockHeader>> {
        Self::settled(self, headers)
    }

    fn is_access_over(
        &self,
        id: PolicyId,
        terms: Option<&Terms>,
        miner: Address,
        now: Period,
    ) -> impl Answer<bool> {
        Self::is_access_over(self, id, terms, miner, now)
    }

    fn eth_balance(&self, account: Address) -> impl Answer<Wei> {
        Self::eth_balance(self, account)
    }

    fn mined_nonce(&self, account: Address) -> impl Answer<u64> {
        self.nonce(account, Tag::Latest)
    }

    fn simulate(&self, from: Address, call: &Call) -> impl Answer<GasLimit> {
        Self::simulate(self, from, call)
    }

    fn fees(&self) -> impl Answer<Fees> {
        Self::fees(self)
    }

    fn sign(&self, secret: &EthSecret, plan: &TxPlan) -> Result<SignedTx, ChainError> {
        Ok(Self::sign(self, secret, plan))
    }

    fn reprice(&self, secret: &EthSecret, raw: &[u8], fees: Fees) -> Result<SignedTx, ChainError> {
        kms_chain::reprice(secret, raw, fees)
    }

    async fn broadcast(&self, raw: &[u8]) -> Result<(), ChainError> {
        Self::broadcast(self, raw).await.map(|_| ())
    }

    fn receipt(&self, hash: B256, used: bool) -> impl Answer<Option<TxReceipt>> {
        self.receipt_shown(hash, used)
    }
}
