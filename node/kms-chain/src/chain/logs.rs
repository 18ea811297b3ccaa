//! Event logs: in ranges that adapt to what endpoints answer, and of single blocks by hash.
//!
//! ethers' paginated logs and filters are not used: the first ignores its upper end, the others
//! lose errors.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use kms_protocol::{Address, B256};
use serde_json::{Value, json};

use super::{Chain, ZERO_HASH, blooms};
use crate::contracts::events::{EventRecord, EventSource, Undecodable, decode};
use crate::error::ChainError;
use crate::rpc::Judgement;
use crate::types::bloom::Bloom;
use crate::types::wire::{Quantity, WireLog};

const METHOD: &str = "eth_getLogs";
const LEFT_OUT: &str = "an event is left out that the header holds";

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
    /// height can answer. Its header, if it was read before, tells whether there are any, and shows
    /// which endpoint leaves some out or makes some up.
    ///
    /// # Errors
    /// As `Rpc::request`; `BadReply` for logs of another block, or that the header contradicts.
    pub async fn events_in_block(&self, hash: B256) -> Result<Vec<EventRecord>, ChainError> {
        if self.is_void(hash) {
            return Ok(Vec::new());
        }
        let (bloom, sources) = (self.inner.blooms.of(hash), self.sources());
        let judge = |logs: Vec<WireLog>| {
            if logs.iter().any(|log| log.block_hash != hash) {
                return Judgement::Refused("a log of another block than asked for");
            }
            let made_up = |bloom: Bloom| !logs.iter().all(|log| blooms::holds(&bloom, log));
            if bloom.is_some_and(made_up) {
                return Judgement::Refused("a log that is not in the filter of its block");
            }
            let lacks = bloom.is_some_and(|bloom| blooms::lacks(&bloom, &logs, &sources));
            match self.records(logs) {
                Err(reason) => Judgement::Refused(reason),
                Ok(records) if lacks => Judgement::Doubtful(records, LEFT_OUT),
                Ok(records) => Judgement::Sound(records),
            }
        };
        let filter = self.filter(json!({ "blockHash": hash }));
        let rpc = &self.inner.rpc;
        let judged = rpc.request_judged(METHOD, &[filter], judge).await?;
        match judged.doubt {
            Some((reason, witnesses)) if !self.inner.blooms.is_believed(hash, witnesses) => {
                Err(bad(reason))
            }
            Some(_) | None => Ok(judged.value),
        }
    }

    /// Whether the header of a block, if it was read before, proves that none of the contracts'
    /// events are in it.
    #[must_use]
    pub fn is_void(&self, hash: B256) -> bool {
        let bloom = self.inner.blooms.of(hash);
        bloom.is_some_and(|bloom| blooms::is_void(&bloom, &self.sources()))
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
        let read = |logs: Vec<WireLog>| {
            let inside = |log: &WireLog| (from..=to).contains(&log.block_number.0);
            match logs.iter().all(inside) {
                true => self.records(logs),
                false => Err("a log outside the range asked for"),
            }
        };
        let filter = self.filter(filter);
        self.inner.rpc.request_read(METHOD, &[filter], read).await
    }

    fn filter(&self, mut filter: Value) -> Value {
        let addresses = self.sources().map(|(address, _)| address);
        if let Value::Object(fields) = &mut filter {
            fields.insert("address".to_owned(), json!(addresses));
        }
        filter
    }

    fn records(&self, logs: Vec<WireLog>) -> Result<Vec<EventRecord>, &'static str> {
        check_order(&logs)?;
        let sources = self.sources();
        let mut records = Vec::with_capacity(logs.len());
        for log in logs {
            let source = sources.iter().find(|(address, _)| *address == log.address);
            let (_, source) = source.ok_or("a log of another contract")?;
            let event = decode(*source, &log).map_err(|fault| match fault {
                Undecodable::Shape => "a log that is no event of its contract",
                Undecodable::Range => "an event with a value out of range",
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
fn check_order(logs: &[WireLog]) -> Result<(), &'static str> {
    let mut hashes: HashMap<u64, B256> = HashMap::new();
    let mut previous = None;
    for log in logs {
        if log.removed {
            return Err("a removed log");
        }
        if log.block_hash == ZERO_HASH || log.transaction_hash == ZERO_HASH {
            return Err("a log that is not mined");
        }
        let place = (log.block_number.0, log.log_index.0);
        if previous.is_some_and(|previous| previous >= place) {
            return Err("logs out of order");
        }
        previous = Some(place);
        if *hashes.entry(log.block_number.0).or_insert(log.block_hash) != log.block_hash {
            return Err("logs of two blocks of one height");
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
