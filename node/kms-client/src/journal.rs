//! The journal of grants: one JSON file per policy, written before anything is paid, so that a
//! grant survives a crash at any line. It holds terms, names and what each miner has acknowledged;
//! no key, label secret or kfrag, which the seed makes again. Neighbour: `owner/grant`.

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use kms_protocol::messages::{ErasureReceipt, KfragAck};
use kms_protocol::{Address, B256, PolicyId, Terms};
use serde::{Deserialize, Serialize};
use umbral::PublicKey;

use crate::error::{Error, Result};
use crate::store::{self, Versioned};
use kms_core::label::Label;
use kms_core::memo::Memo;

/// How far a grant has come, as the home remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// Written down; only the chain tells whether it is paid.
    Prepared,
    /// Paid once, and taken back by a reorganisation of the chain: `resume` pays for it again.
    Dropped,
    /// Paid on chain; kfrags are on their way.
    Paid,
    /// Nothing is left to deliver: every miner holds its kfrag or was dismissed, or the policy is
    /// over.
    Delivered,
    /// The author revoked the policy.
    Revoked,
}

/// Where a miner's kfrag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Not known to be with the miner.
    Open,
    /// With the miner, by its word.
    Held,
    /// Nowhere: the arrangement with the miner was revoked.
    Dismissed,
}

/// The delivery of one kfrag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// Owner address, as the terms name it.
    pub miner: Address,
    /// Where the kfrag is.
    pub state: DeliveryState,
    /// Hash of the kfrag that it is given; `None` before the kfrags are made.
    pub kfrag_hash: Option<B256>,
    /// Signed by the miner's worker and verified; `None` until then, and in a home that was rebuilt
    /// from its seed.
    pub ack: Option<KfragAck>,
    /// Signed by the miner's worker and verified, once the policy or the arrangement is over.
    pub erasure: Option<ErasureReceipt>,
}

/// Terms, names and progress of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    version: u32,
    /// The policy, whether it exists yet or not.
    pub policy: PolicyId,
    /// Name of the label in this home.
    pub label: Label,
    /// Name on the reader's card.
    pub reader: String,
    /// Key of the reader that the kfrags are for.
    #[serde(with = "kms_protocol::hex_serde::umbral_key")]
    pub receiving_key: PublicKey,
    /// Number of the grant among those of label and reader.
    pub number: u32,
    /// The terms that are paid for.
    pub terms: Terms,
    /// Written before the next step begins.
    pub state: GrantState,
    /// The newest block that the home knew when the state was written. A chain that ends before it
    /// tells nothing of the grant.
    pub seen_block: u64,
    /// The transaction that paid, once known.
    pub tx_hash: Option<B256>,
    /// One per miner, in the order of the terms.
    pub deliveries: Vec<Delivery>,
}

impl Versioned for Grant {
    const VERSION: u32 = 4;
}

impl Grant {
    /// Makes the entry of a grant that is not paid yet, when the chain ends with block `head`.
    pub(crate) fn prepared(policy: PolicyId, terms: Terms, memo: Memo, head: u64) -> Self {
        let open = |miner: &Address| Delivery {
            miner: *miner,
            state: DeliveryState::Open,
            kfrag_hash: None,
            ack: None,
            erasure: None,
        };
        Self {
            version: Self::VERSION,
            policy,
            label: memo.label,
            reader: memo.reader,
            receiving_key: memo.receiving_key,
            number: memo.number,
            deliveries: terms.miners.iter().map(open).collect(),
            terms,
            state: GrantState::Prepared,
            seen_block: head,
            tx_hash: None,
        }
    }

    /// What the owner notes beside the policy.
    pub(crate) fn memo(&self) -> Memo {
        Memo {
            number: self.number,
            receiving_key: self.receiving_key,
            label: self.label.clone(),
            reader: self.reader.clone(),
        }
    }

    /// Miners that have acknowledged their kfrag, in the order of the terms.
    pub fn delivered(&self) -> Vec<Address> {
        self.miners(|delivery| delivery.ack.is_some())
    }

    /// Miners to which the kfrag is to be sent, again where only the node's word is known.
    pub(crate) fn undelivered(&self) -> Vec<Address> {
        self.miners(|delivery| delivery.ack.is_none() && delivery.state != DeliveryState::Dismissed)
    }

    fn miners(&self, fits: impl Fn(&Delivery) -> bool) -> Vec<Address> {
        let fitting = self.deliveries.iter().filter(|delivery| fits(delivery));
        fitting.map(|delivery| delivery.miner).collect()
    }

    /// Whether it must still be paid or delivered.
    pub fn is_unfinished(&self) -> bool {
        matches!(
            self.state,
            GrantState::Prepared | GrantState::Dropped | GrantState::Paid
        )
    }

    /// Notes the transaction that paid, and its block.
    pub(crate) fn paid(&mut self, tx_hash: B256, block_number: u64) {
        self.found(block_number);
        self.tx_hash = Some(tx_hash);
    }

    /// Notes that a chain that ends with this block has the policy.
    pub(crate) fn found(&mut self, head: u64) {
        self.state = GrantState::Paid;
        self.seen_block = head;
    }

    /// Notes that the chain has the payment no more.
    pub(crate) fn dropped(&mut self) {
        self.state = GrantState::Dropped;
        self.tx_hash = None;
    }

    /// Notes which kfrag each miner is given.
    pub(crate) fn gives(&mut self, hash_of: impl Fn(&Address) -> Option<B256>) {
        for delivery in &mut self.deliveries {
            delivery.kfrag_hash = hash_of(&delivery.miner);
        }
    }

    /// Stores a verified acknowledgement.
    pub(crate) fn acknowledge(&mut self, ack: KfragAck) {
        self.set(ack.miner, DeliveryState::Held, Some(ack));
    }

    /// Takes the word of a miner that it holds its kfrag.
    pub(crate) fn held(&mut self, miner: Address) {
        self.set(miner, DeliveryState::Held, None);
    }

    /// Ends the delivery to a miner whose arrangement was revoked.
    pub(crate) fn dismiss(&mut self, miner: Address) {
        self.set(miner, DeliveryState::Dismissed, None);
    }

    /// Keeps a verified receipt for an erased kfrag.
    pub(crate) fn erased(&mut self, receipt: ErasureReceipt) {
        let mut deliveries = self.deliveries.iter_mut();
        if let Some(delivery) = deliveries.find(|delivery| delivery.miner == receipt.miner) {
            delivery.erasure = Some(receipt);
        }
    }

    /// Whether every miner's receipt for its erased kfrag is here.
    pub(crate) fn is_erased(&self) -> bool {
        let mut deliveries = self.deliveries.iter();
        deliveries.all(|delivery| delivery.erasure.is_some())
    }

    /// Ends the delivery of a policy that is over.
    pub(crate) fn end(&mut self) {
        self.state = GrantState::Delivered;
    }

    /// Marks the policy as revoked.
    pub(crate) fn revoke(&mut self) {
        self.state = GrantState::Revoked;
    }

    fn set(&mut self, miner: Address, state: DeliveryState, ack: Option<KfragAck>) {
        let mut deliveries = self.deliveries.iter_mut();
        if let Some(delivery) = deliveries.find(|delivery| delivery.miner == miner) {
            delivery.state = state;
            delivery.ack = ack.or(delivery.ack);
        }
        let is_open = |delivery: &Delivery| delivery.state == DeliveryState::Open;
        if self.state == GrantState::Paid && !self.deliveries.iter().any(is_open) {
            self.state = GrantState::Delivered;
        }
    }
}

/// A directory with one file per grant.
#[derive(Debug, Clone)]
pub struct Journal {
    dir: PathBuf,
}

impl Journal {
    pub(crate) fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// The grant of a policy; `None` if it was not made from this home.
    ///
    /// # Errors
    /// [`Error::HomeCorrupt`].
    pub fn get(&self, policy: PolicyId) -> Result<Option<Grant>> {
        let path = self.path(policy);
        let Some(grant) = store::read_json::<Grant>(&path)? else {
            return Ok(None);
        };
        if grant.policy != policy {
            return Err(store::corrupt(
                &path,
                "the grant inside is of another policy",
            ));
        }
        Ok(Some(grant))
    }

    /// Every grant, in order of policy id.
    ///
    /// # Errors
    /// [`Error::HomeCorrupt`].
    pub fn list(&self) -> Result<Vec<Grant>> {
        let mut grants = Vec::new();
        for entry in std::fs::read_dir(&self.dir).map_err(|source| Error::io(&self.dir, source))? {
            let name = entry
                .map_err(|source| Error::io(&self.dir, source))?
                .file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
            // Part files of an interrupted write are no grants.
            if let Some(id) = id.and_then(|id| id.parse::<PolicyId>().ok()) {
                grants.extend(self.get(id)?);
            }
        }
        grants.sort_by_key(|grant| grant.policy);
        Ok(grants)
    }

    /// Grants that must still be paid or delivered.
    ///
    /// # Errors
    /// [`Error::HomeCorrupt`].
    pub fn unfinished(&self) -> Result<Vec<Grant>> {
        let mut grants = self.list()?;
        grants.retain(Grant::is_unfinished);
        Ok(grants)
    }

    pub(crate) fn put(&self, grant: &Grant) -> Result<()> {
        store::write_json(&self.path(grant.policy), grant)
    }

    /// Forgets a grant that was never paid.
    pub(crate) fn remove(&self, policy: PolicyId) -> Result<()> {
        let path = self.path(policy);
        std::fs::remove_file(&path).map_err(|source| Error::io(&path, source))?;
        store::sync_parent(&path)
    }

    fn path(&self, policy: PolicyId) -> PathBuf {
        self.dir.join(format!("{policy}.json"))
    }
}
