//! The three seams to the outside: the chain, the nodes, the account that pays. Everything above
//! works on these traits; `network`, `node_http` and `payer` implement them, tests fake them.

use async_trait::async_trait;
use kms_chain::{BlockHeader, Call, ChainParams, Lease, MinerInfo, PolicyState, TxReceipt};
use kms_protocol::messages::{
    KfragAck, KfragUpload, NodeInfo, PolicyStatus, Problem, ReencryptReply, ReencryptRequest,
};
use kms_protocol::{Address, Amount, B256, Domain, PolicyId, Terms, Wei};

use crate::error::Result;
use crate::node_url::NodeUrl;
use crate::progress::Progress;

/// A policy as its creation event tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedPolicy {
    /// Its id.
    pub id: PolicyId,
    /// Its terms, which hash to the id.
    pub terms: Terms,
    /// Block of the event.
    pub block_number: u64,
    /// Transaction of the event.
    pub tx_hash: B256,
}

/// Which policies are looked for; each is an indexed topic of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyFilter {
    /// One id.
    Id(PolicyId),
    /// Everything an author made.
    Author(Address),
    /// One pair of label key and reader key.
    Keys(B256),
    /// Every policy; miners are not indexed.
    All,
}

/// What a revocation says in its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// Last period that stays paid.
    pub effective_last: kms_protocol::Period,
    /// Paid back to the sponsor.
    pub refund: Amount,
}

/// What owners, readers and stakers ask the chain.
#[async_trait]
pub trait ChainPort: Send + Sync {
    /// Domain of the messages between clients and nodes: names chain and policy manager.
    fn domain(&self) -> Domain;

    /// The newest block.
    async fn head(&self) -> Result<BlockHeader>;

    /// The parameters of the deployment.
    async fn params(&self) -> Result<ChainParams>;

    /// Every miner that ever registered a node, without repetition.
    async fn registered_miners(&self) -> Result<Vec<Address>>;

    /// What is known of each miner asked for, in the same order.
    async fn miner_info(&self, miners: &[Address]) -> Result<Vec<MinerInfo>>;

    /// A miner's activity lease.
    async fn lease_of(&self, miner: Address) -> Result<Lease>;

    /// Policies created so far, oldest first.
    async fn policies(&self, filter: PolicyFilter) -> Result<Vec<CreatedPolicy>>;

    /// What the chain stores of a policy; `None` if it does not exist.
    async fn policy_state(&self, id: PolicyId) -> Result<Option<PolicyState>>;

    /// Those of a policy's miners whose access its author took back, alone or with the policy; in
    /// the order of the terms.
    async fn revoked_miners(&self, terms: &Terms) -> Result<Vec<Address>>;

    /// What `refund` would pay the sponsor now.
    async fn refundable(&self, terms: &Terms) -> Result<Amount>;

    /// What a miner could collect from a policy now.
    async fn collectable(&self, terms: &Terms, miner: Address) -> Result<Amount>;

    /// Reward that a miner's claim would mint now.
    async fn claimable(&self, miner: Address) -> Result<Amount>;

    /// The revocation of a policy in a block.
    async fn revoked_in(&self, block_hash: B256, id: PolicyId) -> Result<Option<Revoked>>;

    /// The revocation of one miner's arrangement in a block.
    async fn arrangement_revoked_in(
        &self,
        block_hash: B256,
        (id, miner): (PolicyId, Address),
    ) -> Result<Option<Revoked>>;

    /// KMS held by an account.
    async fn token_balance(&self, account: Address) -> Result<Amount>;

    /// Native currency held by an account.
    async fn eth_balance(&self, account: Address) -> Result<Wei>;
}

/// A transaction of an earlier run that is mined by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The call, in the form [`PayPort::fingerprint`] gives it.
    pub call: B256,
    /// Its hash.
    pub tx_hash: B256,
}

/// The account that pays.
#[async_trait]
pub trait PayPort: Send + Sync {
    /// Its address.
    fn address(&self) -> Address;

    /// Tells calls apart: the hash of what is signed, price and nonce aside.
    fn fingerprint(&self, call: &Call) -> B256;

    /// Sends a call and waits until it is mined; a revert is an error. If an earlier run was killed
    /// while it sent this very call, the outcome of that one is returned.
    async fn send(&self, call: &Call, progress: &dyn Progress) -> Result<TxReceipt>;

    /// Sees every transaction of an earlier run through, before anything new is decided. Returns
    /// those that succeeded.
    async fn resume(&self, progress: &dyn Progress) -> Result<Vec<Settled>>;
}

/// Why a node gave no usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeError {
    /// The node refused, with its reason.
    Refused(Box<Problem>),
    /// No connection.
    Unreachable(String),
    /// No complete answer in time.
    Timeout,
    /// The answer is longer than the limit.
    TooLarge,
    /// The answer sends the client elsewhere, which is never followed.
    Redirected,
    /// The answer is not of the protocol.
    BadReply(String),
}

/// What clients ask a node.
#[async_trait]
pub trait NodePort: Send + Sync {
    /// Checks a URL from the chain against this client's rules.
    fn parse_url(&self, url: &str) -> Result<NodeUrl>;

    /// Hands over a key fragment.
    async fn upload(
        &self,
        node: &NodeUrl,
        policy: PolicyId,
        upload: &KfragUpload,
    ) -> Result<KfragAck, NodeError>;

    /// Asks for re-encryption.
    async fn reencrypt(
        &self,
        node: &NodeUrl,
        request: &ReencryptRequest,
    ) -> Result<ReencryptReply, NodeError>;

    /// Asks what a node holds of a policy.
    async fn policy_status(
        &self,
        node: &NodeUrl,
        policy: PolicyId,
    ) -> Result<PolicyStatus, NodeError>;

    /// Asks a node who it is.
    async fn info(&self, node: &NodeUrl) -> Result<NodeInfo, NodeError>;
}

impl NodeError {
    /// The code of a [`NodeFailure`](crate::NodeFailure).
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(problem) => problem.code.code(),
            Self::Unreachable(_) => "unreachable",
            Self::Timeout => "timeout",
            Self::TooLarge => "too_large_reply",
            Self::Redirected => "redirected",
            Self::BadReply(_) => "bad_reply",
        }
    }

    /// One line for people.
    pub fn detail(&self) -> String {
        match self {
            Self::Refused(problem) if problem.detail.is_empty() => problem.title.clone(),
            Self::Refused(problem) => problem.detail.clone(),
            Self::Unreachable(detail) | Self::BadReply(detail) => detail.clone(),
            Self::Timeout => "no complete answer in time".to_owned(),
            Self::TooLarge => "the answer is longer than the limit".to_owned(),
            Self::Redirected => "the answer is a redirect, which is not followed".to_owned(),
        }
    }
}
