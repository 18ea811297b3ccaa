//! What the node asks of the chain, as a trait, so that its tasks run against a chain in memory in
//! the tests. The only implementation outside tests is `kms_chain::Chain`, call for call.

use std::future::Future;

use kms_chain::{
    Call, Chain, ChainError, ChainParams, ChainRead, Fees, GasLimit, LastSeqs, SignedTx, Tag,
    TxPlan, TxReceipt,
};
use kms_protocol::{Address, Amount, B256, EthSecret, Wei};

/// Shorthand for the futures below.
pub(crate) trait Answer<T>: Future<Output = Result<T, ChainError>> + Send {}
impl<T, F: Future<Output = Result<T, ChainError>> + Send> Answer<T> for F {}

/// Reading and sending, as far as the node needs it.
pub(crate) trait NodeChain: ChainRead + Clone + Send + Sync + 'static {
    /// Parameters of the deployment.
    fn params(&self) -> impl Answer<ChainParams>;
    /// Last sequence numbers of the contracts that count their events.
    fn last_seqs(&self) -> impl Answer<LastSeqs>;
    /// Reward that `miner` could claim now.
    fn claimable(&self, miner: Address) -> impl Answer<Amount>;
    /// Ether of `account`.
    fn eth_balance(&self, account: Address) -> impl Answer<Wei>;
    /// Number of transactions `account` has in blocks.
    fn mined_nonce(&self, account: Address) -> impl Answer<u64>;
    /// Gas limit for the call, or the decoded reason why it would revert.
    fn simulate(&self, from: Address, call: &Call) -> impl Answer<GasLimit>;
    /// Fees to offer now.
    fn fees(&self) -> impl Answer<Fees>;
    /// Signs; touches no network.
    fn sign(&self, secret: &EthSecret, plan: &TxPlan) -> Result<SignedTx, ChainError>;
    /// Signs the transaction in `raw` again at other fees; touches no network.
    fn reprice(&self, secret: &EthSecret, raw: &[u8], fees: Fees) -> Result<SignedTx, ChainError>;
    /// Sends to every endpoint; "already known" counts as sent.
    fn broadcast(&self, raw: &[u8]) -> impl Answer<()>;
    /// Where a transaction was mined.
    fn receipt(&self, hash: B256) -> impl Answer<Option<TxReceipt>>;
}

impl NodeChain for Chain {
    fn params(&self) -> impl Answer<ChainParams> {
        Self::params(self)
    }

    fn last_seqs(&self) -> impl Answer<LastSeqs> {
        Self::last_seqs(self)
    }

    fn claimable(&self, miner: Address) -> impl Answer<Amount> {
        Self::claimable(self, miner)
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

    fn receipt(&self, hash: B256) -> impl Answer<Option<TxReceipt>> {
        Self::receipt(self, hash)
    }
}
