//! The handle through which an owner acts: home, chain, nodes, time limits.

use kms_protocol::{B256, PolicyId};

use crate::error::{Error, Result};
use crate::home::{Home, HomeLock};
use crate::journal::Journal;
use crate::node_http::HttpNodes;
use crate::ports::{ChainPort, CreatedPolicy, PayPort, PolicyFilter};

/// How long an owner waits for nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitLimits {
    /// Milliseconds until all miners must have stored their kfrag.
    pub deliver_ms: u64,
    /// Milliseconds in which the miners of a revoked policy may give their receipts.
    pub revoke_ms: u64,
    /// First pause before a node is asked again, in milliseconds; doubled up to sixteen-fold.
    pub first_pause_ms: u64,
}

impl Default for WaitLimits {
    fn default() -> Self {
        Self {
            deliver_ms: 120_000,
            revoke_ms: 60_000,
            first_pause_ms: 250,
        }
    }
}

/// What it takes to spend: the home's lock and the account.
#[derive(Clone, Copy)]
pub struct Spend<'a> {
    /// Keeps other processes from writing to the home.
    pub lock: &'a HomeLock,
    /// Signs the transactions and pays for them.
    pub pay: &'a dyn PayPort,
}

/// An owner: a home, with its chain and nodes.
#[derive(Clone, Copy)]
pub struct Owner<'a> {
    pub(super) home: &'a Home,
    pub(super) chain: &'a dyn ChainPort,
    pub(super) nodes: &'a HttpNodes,
    pub(super) limits: WaitLimits,
}

impl<'a> Owner<'a> {
    /// Makes an owner with the default limits.
    pub fn new(home: &'a Home, chain: &'a dyn ChainPort, nodes: &'a HttpNodes) -> Self {
        Self {
            home,
            chain,
            nodes,
            limits: WaitLimits::default(),
        }
    }

    /// The same owner with other limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: WaitLimits) -> Self {
        self.limits = limits;
        self
    }

    pub(crate) const fn home(&self) -> &'a Home {
        self.home
    }

    pub(super) fn journal(&self) -> Journal {
        self.home.journal()
    }

    /// Finds a policy by its id, in the journal or else on the chain.
    pub(super) async fn find(&self, policy: PolicyId) -> Result<CreatedPolicy> {
        if let Some(grant) = self.journal().get(policy)? {
            let tx_hash = grant.tx_hash.unwrap_or(B256::ZERO);
            return Ok(CreatedPolicy {
                id: policy,
                terms: grant.terms,
                memo: Vec::new(),
                block_number: 0,
                tx_hash,
            });
        }
        let mut found = self.chain.policies(PolicyFilter::Id(policy)).await?;
        found.pop().ok_or_else(|| Error::NoPolicy {
            what: policy.to_string(),
        })
    }
}
