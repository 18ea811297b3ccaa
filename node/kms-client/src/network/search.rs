//! Searches events by indexed topic over the whole life of a deployment. A range that is too much
//! for an endpoint is halved.

use std::collections::BTreeSet;

use kms_chain::{ChainError, ChainEvent, EventRecord};
use kms_protocol::{Address, B256, PolicyId, keccak256};
use serde_json::{Value, json};

use super::Network;
use crate::error::{Error, Result};
use crate::ports::{CreatedPolicy, PolicyFilter};

/// Signature of the event in IPolicyManager.sol; topic 0 is its keccak256.
pub(super) const POLICY_CREATED: &str = "PolicyCreated(uint64,bytes32,bytes32,address,\
    (address,address,address,bytes32,uint96,uint32,uint32,uint8,bytes32,address[]),bytes)";
/// Signature of the event in IStakingEscrow.sol.
pub(super) const NODE_REGISTERED: &str = "NodeRegistered(uint64,address,string)";
/// Signatures of the events in ISilenceChallenges.sol that end a challenge.
pub(super) const CHALLENGE_ANSWERED: &str =
    "ChallengeAnswered(bytes32,address,address,bytes32,bytes32,uint64,bytes32,bytes,bytes)";
pub(super) const CHALLENGE_CLOSED: &str =
    "ChallengeClosed(bytes32,address,address,uint8,(uint96,uint96,uint96,uint96))";
/// Greatest number of requests for one search.
const MAX_REQUESTS: usize = 4_096;

impl Network {
    /// Policies created so far, oldest first.
    pub(super) async fn policies_by_event(
        &self,
        filter: PolicyFilter,
    ) -> Result<Vec<CreatedPolicy>> {
        let created = keccak256(POLICY_CREATED.as_bytes());
        let topics = match &filter {
            PolicyFilter::Id(id) => json!([created, id.0]),
            PolicyFilter::Keys(hashes) => json!([created, null, hashes]),
            PolicyFilter::Author(author) => json!([created, null, null, word(*author)]),
            PolicyFilter::All => json!([created]),
        };
        let records = self.records(&topics).await?;
        let policy = |record: EventRecord| match record.event {
            ChainEvent::PolicyCreated {
                policy_id,
                terms,
                author,
                memo,
                ..
            } if matches(&filter, policy_id, &terms, author) => {
                let (block_number, tx_hash) = (record.block_number, record.tx_hash);
                Some(CreatedPolicy {
                    id: policy_id,
                    terms,
                    memo,
                    block_number,
                    tx_hash,
                })
            }
            _ => None,
        };
        Ok(records.into_iter().filter_map(policy).collect())
    }

    /// Every miner that ever registered a node, ascending.
    pub(super) async fn miners_by_event(&self) -> Result<Vec<Address>> {
        let topics = json!([keccak256(NODE_REGISTERED.as_bytes())]);
        let records = self.records(&topics).await?;
        let miners: BTreeSet<Address> = records
            .into_iter()
            .filter_map(|record| match record.event {
                ChainEvent::NodeRegistered { miner, .. } => Some(miner),
                _ => None,
            })
            .collect();
        Ok(miners.into_iter().collect())
    }

    /// The events that ended challenges of a policy and a miner, oldest first; whoever reads them
    /// checks whose they are.
    pub(crate) async fn ends_of_challenges(
        &self,
        policy: PolicyId,
        miner: Address,
    ) -> Result<Vec<EventRecord>> {
        let ends = [CHALLENGE_ANSWERED, CHALLENGE_CLOSED];
        let ends = ends.map(|signature| keccak256(signature.as_bytes()));
        self.records(&json!([ends, policy.0, word(miner)])).await
    }

    /// All events with these topics, oldest first. The logs of the search are decoded as they are:
    /// no question more, however many blocks a stranger fills with what fits.
    async fn records(&self, topics: &Value) -> Result<Vec<EventRecord>> {
        let head = self.chain.head().await?.number;
        let mut records = Vec::new();
        let mut open = vec![(self.chain.deployment().block, head)];
        for _ in 0..MAX_REQUESTS {
            let Some((first, last)) = open.pop() else {
                return Ok(records);
            };
            match self.chain.events_by_topics(topics, first, last).await {
                Ok(some) => records.extend(some),
                Err(error) if first == last || !error.may_be_halved() => {
                    return Err(error.into());
                }
                Err(_) => {
                    let middle = first.midpoint(last);
                    open.push((middle + 1, last));
                    open.push((first, middle));
                }
            }
        }
        Err(bad_reply("the endpoint does not bear event searches"))
    }
}

/// An address as a topic.
fn word(address: Address) -> B256 {
    let mut word = [0; 32];
    word.split_at_mut(12).1.copy_from_slice(address.as_bytes());
    B256(word)
}

fn bad_reply(reason: &'static str) -> Error {
    Error::Chain(ChainError::BadReply {
        method: "eth_getLogs",
        reason,
    })
}

/// Checks an event against the filter: a block holds others too, and no index is trusted.
fn matches(
    filter: &PolicyFilter,
    id: PolicyId,
    terms: &kms_protocol::Terms,
    author: Address,
) -> bool {
    match filter {
        PolicyFilter::Id(wanted) => id == *wanted,
        PolicyFilter::Keys(hashes) => hashes.contains(&terms.keys_hash),
        PolicyFilter::Author(wanted) => author == *wanted,
        PolicyFilter::All => true,
    }
}
