//! What the node asks of the chain, as a trait, so that its tasks run against a chain in memory in
//! the tests. The only implementation outside tests is `kms_chain::Chain`, call for call.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use kms_chain::{
    BlockHeader, Call, Chain, ChainError, ChainParams, ChainRead, EventRecord, Fees, GasLimit,
    LastSeqs, SignedTx, Tag, TxPlan, TxReceipt,
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

    async fn broadcast(&self, raw: &[u8]) -> Result<(), ChainError> {
        Self::broadcast(self, raw).await.map(|_| ())
    }

    fn receipt(&self, hash: B256) -> impl Answer<Option<TxReceipt>> {
        Self::receipt(self, hash)
    }
}

/// A reader that remembers the last head it saw: `next_step` answers "nothing to do" both when the
/// view is the newest and when the endpoint is behind it, and only the first makes the view fresh.
pub(crate) struct HeadTap<'a, C> {
    chain: &'a C,
    seen: Mutex<Option<u64>>,
}

impl<'a, C: NodeChain> HeadTap<'a, C> {
    pub(crate) fn new(chain: &'a C) -> Self {
        Self {
            chain,
            seen: Mutex::new(None),
        }
    }

    /// Height of the head that was read, if one was.
    pub(crate) fn seen(&self) -> Option<u64> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: NodeChain> ChainRead for HeadTap<'_, C> {
    fn start_block(&self) -> u64 {
        self.chain.start_block()
    }

    async fn head(&self) -> Result<BlockHeader, ChainError> {
        let head = self.chain.head().await?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(head.number);
        Ok(head)
    }

    async fn header(&self, number: u64) -> Result<Option<BlockHeader>, ChainError> {
        self.chain.header(number).await
    }

    async fn events_in_range(&self, from: u64, to: u64) -> Result<Vec<EventRecord>, ChainError> {
        self.chain.events_in_range(from, to).await
    }

    async fn events_in_block(&self, hash: B256) -> Result<Vec<EventRecord>, ChainError> {
        self.chain.events_in_block(hash).await
    }
}
