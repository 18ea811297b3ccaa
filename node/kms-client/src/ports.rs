//! The two ports that tests fake: the chain and the account that pays. `network` and `payer`
//! implement them.

use async_trait::async_trait;
use kms_chain::{
    BlockHeader, Call, ChainParams, Lease, MinerFees, MinerInfo, MinerStatus, PolicyState, Service,
    TxReceipt,
};
use kms_protocol::{Address, Amount, B256, Domain, Period, PolicyId, Terms, Wei};

use crate::error::Result;
use crate::progress::Progress;

/// A policy, as its creation event gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedPolicy {
    /// Id, the hash of the terms.
    pub id: PolicyId,
    /// What is paid for; the endpoint's word until it is hashed.
    pub terms: Terms,
    /// What its creator put into the event for itself; empty if the policy comes from the journal.
    pub memo: Vec<u8>,
    /// Height of the event's block; 0 if the policy comes from the journal.
    pub block_number: u64,
    /// Transaction that created the policy; zero if the journal does not know it.
    pub tx_hash: B256,
}

/// Filter of a search for policies, by the indexed topics of their events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyFilter {
    /// The policy of this id.
    Id(PolicyId),
    /// Every policy of this author.
    Author(Address),
    /// Every policy of one of these look-up values.
    Keys(Vec<B256>),
    /// Every policy; miners are not indexed.
    All,
}

/// Content of a revocation's event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// Last period that stays paid.
    pub effective_last: Period,
    /// Paid back to the sponsor.
    pub refund: Amount,
}

/// How much a revocation takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every arrangement of the policy.
    Policy,
    /// The arrangement with one miner; the others go on.
    Arrangement(Address),
}

/// Gas of a transaction and what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasCost {
    /// Gas limit, with its margin.
    pub gas: u64,
    /// The most it costs at the present fees.
    pub fee_max: Wei,
}

/// Reads of the chain that owners, readers and stakers need.
#[async_trait]
pub trait ChainPort: Send + Sync {
    /// Domain of the messages between clients and nodes: names chain and policy manager.
    fn domain(&self) -> Domain;

    /// Header of the newest block.
    async fn head(&self) -> Result<BlockHeader>;

    /// The parameters of the deployment.
    async fn params(&self) -> Result<ChainParams>;

    /// Every miner that ever registered a node, without repetition.
    async fn registered_miners(&self) -> Result<Vec<Address>>;

    /// What is known of each miner asked for, in the same order.
    async fn miner_info(&self, miners: &[Address]) -> Result<Vec<MinerInfo>>;

    /// The lease that a miner confirmed last.
    async fn lease_of(&self, miner: Address) -> Result<Lease>;

    /// Whether a miner could serve a policy that is created or extended now.
    async fn can_serve(&self, miner: Address, rate: Amount, last: Period) -> Result<Service>;

    /// All that the contracts say of a miner.
    async fn miner_status(&self, miner: Address) -> Result<MinerStatus>;

    /// The new last period of a policy, if it was extended in a block.
    async fn extended_in(&self, block_hash: B256, id: PolicyId) -> Result<Option<Period>>;

    /// Policies created so far, oldest first.
    async fn policies(&self, filter: PolicyFilter) -> Result<Vec<CreatedPolicy>>;

    /// What the chain stores of a policy; `None` if it does not exist.
    async fn policy_state(&self, id: PolicyId) -> Result<Option<PolicyState>>;

    /// Miners whose arrangement the author revoked, alone or with the policy; in the order of the
    /// terms.
    async fn revoked_miners(&self, terms: &Terms) -> Result<Vec<Address>>;

    /// What `refund` would pay the sponsor now.
    async fn refundable(&self, terms: &Terms) -> Result<Amount>;

    /// What a policy owes a miner now.
    async fn miner_fees(&self, terms: &Terms, miner: Address) -> Result<MinerFees>;

    /// Reward that a miner's claim would mint now.
    async fn claimable(&self, miner: Address) -> Result<Amount>;

    /// The revocation of a policy, or of an arrangement of it, in a block.
    async fn revoked_in(
        &self,
        block_hash: B256,
        id: PolicyId,
        scope: Scope,
    ) -> Result<Option<Revoked>>;

    /// What a call would cost now.
    async fn gas_cost(&self, from: Address, call: &Call) -> Result<GasCost>;

    /// KMS held by an account.
    async fn token_balance(&self, account: Address) -> Result<Amount>;

    /// Native currency held by an account.
    async fn eth_balance(&self, account: Address) -> Result<Wei>;
}

/// A transaction of an earlier run that is mined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The call, in the form [`PayPort::fingerprint`] gives it.
    pub call: B256,
    /// Its block, gas and fee.
    pub receipt: TxReceipt,
}

/// An account that signs transactions and pays for them.
#[async_trait]
pub trait PayPort: Send + Sync {
    /// Address that transactions are sent from.
    fn address(&self) -> Address;

    /// Idempotency key of a call: a hash of target, value and data.
    fn fingerprint(&self, call: &Call) -> B256;

    /// Sends a call and waits until it is mined; a revert is an error. Sends nothing if an earlier
    /// run has sent this very call and was killed before it told the result.
    async fn send(&self, call: &Call, progress: &dyn Progress) -> Result<TxReceipt>;

    /// Forgets the result of a call that moves tokens: the caller has recorded it.
    fn recorded(&self, receipt: &TxReceipt) -> Result<()>;

    /// Waits for every transaction that an earlier run left pending. Returns those that
    /// succeeded, and earlier ones whose result was never told.
    async fn resume(&self, progress: &dyn Progress) -> Result<Vec<Settled>>;
}
