//! Event logs: in ranges that adapt to what endpoints answer, and of single blocks by hash.
//!
//! ethers' paginated logs and filters are not used: the first ignores its upper end, the others
//! lose errors.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use kms_protocol::{Address, B256};
use serde_json::{Value, json};

use super::{Chain, ZERO_HASH};
use crate::contracts::events::{EventRecord, EventSource, Undecodable, decode};
use crate::error::ChainError;
use crate::types::wire::{Quantity, WireLog};

const METHOD: &str = "eth_getLogs";

/// Blocks of the first request; later ones grow up to `WIDEST_RANGE`.
pub(super) const FIRST_RANGE: u64 = 2_000;
const WIDEST_RANGE: u64 = 10_000;

impl Chain {
    /// Reads all events of the contracts in the blocks `from..=to`, in order. Starts with the range
    /// that was last answered, widens it by half on success and halves it on any error, down to one
    /// block.
    ///
    /// # Errors
    /// As `Rpc::request` for a single block; at once when no endpoint can be connected to.
    pub async fn events_in_range(
        &self,
        from: u64,
        to: u64,
    ) -> Result<Vec<EventRecord>, ChainError> {
        let mut events = Vec::new();
        let mut next = from;
        let mut width = self.inner.range_blocks.load(Ordering::Relaxed).max(1);
        while next <= to {
            let last = next.saturating_add(width - 1).min(to);
            match self.range(next, last).await {
                Ok(mut some) => {
                    events.append(&mut some);
                    next = last.saturating_add(1);
                    width = width.saturating_add(width.div_ceil(2)).min(WIDEST_RANGE);
                }
                Err(error) if last == next || !error.may_be_halved() => return Err(error),
                Err(error) => {
                    tracing::debug!(from = next, to = last, %error, "halving the log range");
                    width = (last - next).div_ceil(2);
                }
            }
            self.inner.range_blocks.store(width, Ordering::Relaxed);
        }
        Ok(events)
    }

    /// Reads all events of the contracts in one block, by its hash: no other block of the same
    /// height can answer.
    ///
    /// # Errors
    /// As `Rpc::request`; `BadReply` for logs of another block.
    pub async fn events_in_block(&self, hash: B256) -> Result<Vec<EventRecord>, ChainError> {
        let logs = self.logs(json!({ "blockHash": hash })).await?;
        if logs.iter().any(|log| log.block_hash != hash) {
            return Err(bad("a log of another block than asked for"));
        }
        self.records(logs)
    }

    /// Reads the events whose topics fit in the blocks `from..=to`, in order, with one request:
    /// `topics` has one entry per place, null for any value, a list for one of several.
    ///
    /// # Errors
    /// As `Rpc::request`; `BadReply` for logs outside the range.
    pub async fn events_by_topics(
        &self,
        topics: &Value,
        from: u64,
        to: u64,
    ) -> Result<Vec<EventRecord>, ChainError> {
        let (first, last) = (Quantity(from), Quantity(to));
        let filter = json!({ "fromBlock": first, "toBlock": last, "topics": topics });
        self.within(filter, from, to).await
    }

    async fn range(&self, from: u64, to: u64) -> Result<Vec<EventRecord>, ChainError> {
        let filter = json!({ "fromBlock": Quantity(from), "toBlock": Quantity(to) });
        self.within(filter, from, to).await
    }

    async fn within(
        &self,
        filter: Value,
        from: u64,
        to: u64,
    ) -> Result<Vec<EventRecord>, ChainError> {
        let logs = self.logs(filter).await?;
        if logs
            .iter()
            .any(|log| !(from..=to).contains(&log.block_number.0))
        {
            return Err(bad("a log outside the range asked for"));
        }
        self.records(logs)
    }

    async fn logs(&self, mut filter: Value) -> Result<Vec<WireLog>, ChainError> {
        let addresses = self.sources().map(|(address, _)| address);
        if let Value::Object(fields) = &mut filter {
            fields.insert("address".to_owned(), json!(addresses));
        }
        self.inner.rpc.request(METHOD, &[filter]).await
    }

    fn records(&self, logs: Vec<WireLog>) -> Result<Vec<EventRecord>, ChainError> {
        check_order(&logs)?;
        let sources = self.sources();
        let mut records = Vec::with_capacity(logs.len());
        for log in logs {
            let source = sources.iter().find(|(address, _)| *address == log.address);
            let (_, source) = source.ok_or(bad("a log of another contract"))?;
            let event = decode(*source, &log).map_err(|fault| match fault {
                Undecodable::Shape => bad("a log that is no event of its contract"),
                Undecodable::Range => bad("an event with a value out of range"),
            })?;
            records.extend(event.map(|event| EventRecord {
                block_number: log.block_number.0,
                block_hash: log.block_hash,
                tx_hash: log.transaction_hash,
                log_index: log.log_index.0,
                event,
            }));
        }
        Ok(records)
    }

    /// The contracts whose events are read.
    fn sources(&self) -> [(Address, EventSource); 5] {
        let contracts = &self.inner.deployment.contracts;
        [
            (contracts.escrow.address, EventSource::Escrow),
            (contracts.rewards.address, EventSource::Rewards),
            (contracts.policies.address, EventSource::Policies),
            (contracts.adjudicator.address, EventSource::Adjudicator),
            (contracts.challenges.address, EventSource::Challenges),
        ]
    }
}

/// Checks that logs are mined, in strictly ascending order, and agree on the hash of each block.
fn check_order(logs: &[WireLog]) -> Result<(), ChainError> {
    let mut hashes: HashMap<u64, B256> = HashMap::new();
    let mut previous = None;
    for log in logs {
        if log.removed {
            return Err(bad("a removed log"));
        }
        if log.block_hash == ZERO_HASH || log.transaction_hash == ZERO_HASH {
            return Err(bad("a log that is not mined"));
        }
        let place = (log.block_number.0, log.log_index.0);
        if previous.is_some_and(|previous| previous >= place) {
            return Err(bad("logs out of order"));
        }
        previous = Some(place);
        if *hashes.entry(log.block_number.0).or_insert(log.block_hash) != log.block_hash {
            return Err(bad("logs of two blocks of one height"));
        }
    }
    Ok(())
}

fn bad(reason: &'static str) -> ChainError {
    ChainError::BadReply {
        method: METHOD,
        reason,
    }
}

#[cfg(test)]
mod tests;
