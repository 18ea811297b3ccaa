//! Searches events by indexed topic over the whole life of a deployment: the endpoint's index names
//! the blocks, and `kms-chain` then reads and decodes each block's events. A range that is too much
//! for an endpoint is halved.

use std::collections::BTreeSet;

use kms_chain::{ChainError, ChainEvent, EventRecord};
use kms_protocol::{Address, B256, keccak256};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Network;
use crate::error::{Error, Result};
use crate::ports::{CreatedPolicy, PolicyFilter};

/// Signature of the event in IPolicyManager.sol; topic 0 is its keccak256.
pub(super) const POLICY_CREATED: &str = "PolicyCreated(uint64,bytes32,bytes32,address,\
    (address,address,address,bytes32,uint96,uint32,uint32,uint8,bytes32,address[]),bytes)";
/// Signature of the event in IStakingEscrow.sol.
pub(super) const NODE_REGISTERED: &str = "NodeRegistered(uint64,address,string,bytes)";
/// Greatest number of requests for one search.
const MAX_REQUESTS: usize = 4_096;

/// Block of a log; its events are read again by block hash.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    block_hash: B256,
    block_number: String,
}

impl Network {
    /// Policies created so far, oldest first.
    pub(super) async fn policies_by_event(
        &self,
        filter: PolicyFilter,
    ) -> Result<Vec<CreatedPolicy>> {
        let word = |address: Address| {
            let mut word = [0; 32];
            word.split_at_mut(12).1.copy_from_slice(address.as_bytes());
            B256(word)
        };
        let created = keccak256(POLICY_CREATED.as_bytes());
        let topics = match filter {
            PolicyFilter::Id(id) => json!([created, id.0]),
            PolicyFilter::Keys(hash) => json!([created, null, hash]),
            PolicyFilter::Author(author) => json!([created, null, null, word(author)]),
            PolicyFilter::All => json!([created]),
        };
        let contract = self.chain.deployment().contracts.policies.address;
        let records = self.records(contract, topics).await?;
        let policy = |record: EventRecord| match record.event {
            ChainEvent::PolicyCreated {
                policy_id,
                terms,
                author,
                memo,
                ..
            } if matches(filter, policy_id, &terms, author) => {
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
        let contract = self.chain.deployment().contracts.escrow.address;
        let records = self.records(contract, topics).await?;
        let miners: BTreeSet<Address> = records
            .into_iter()
            .filter_map(|record| match record.event {
                ChainEvent::NodeRegistered { miner, .. } => Some(miner),
                _ => None,
            })
            .collect();
        Ok(miners.into_iter().collect())
    }

    /// All events of the blocks that hold a log with these topics, oldest first.
    async fn records(&self, contract: Address, topics: Value) -> Result<Vec<EventRecord>> {
        let head = self.chain.head().await?.number;
        let from = self.chain.deployment().block;
        let blocks = self.blocks(contract, &topics, from, head).await?;
        let mut records = Vec::new();
        for (_, hash) in blocks {
            records.extend(self.chain.events_in_block(hash).await?);
        }
        Ok(records)
    }

    /// Number and hash of each block that holds such a log, ascending.
    async fn blocks(
        &self,
        contract: Address,
        topics: &Value,
        from: u64,
        to: u64,
    ) -> Result<BTreeSet<(u64, B256)>> {
        let mut blocks = BTreeSet::new();
        let mut open = vec![(from, to)];
        for _ in 0..MAX_REQUESTS {
            let Some((first, last)) = open.pop() else {
                return Ok(blocks);
            };
            let range = json!([{
                "address": contract,
                "topics": topics,
                "fromBlock": format!("{first:#x}"),
                "toBlock": format!("{last:#x}"),
            }]);
            match self
                .chain
                .rpc()
                .request::<_, Vec<Place>>("eth_getLogs", &range)
                .await
            {
                Ok(places) => {
                    for place in places {
                        blocks.insert((number_of(&place)?, place.block_hash));
                    }
                }
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

fn number_of(place: &Place) -> Result<u64> {
    let digits = place.block_number.strip_prefix("0x");
    digits
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or_else(|| bad_reply("a log without a block number"))
}

fn bad_reply(reason: &'static str) -> Error {
    Error::Chain(ChainError::BadReply {
        method: "eth_getLogs",
        reason,
    })
}

/// Checks an event against the filter: a block holds others too, and no index is trusted.
fn matches(
    filter: PolicyFilter,
    id: kms_protocol::PolicyId,
    terms: &kms_protocol::Terms,
    author: Address,
) -> bool {
    match filter {
        PolicyFilter::Id(wanted) => id == wanted,
        PolicyFilter::Keys(hash) => terms.keys_hash == hash,
        PolicyFilter::Author(wanted) => author == wanted,
        PolicyFilter::All => true,
    }
}
