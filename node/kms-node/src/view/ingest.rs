//! Turns steps of the chain into rows and snapshots. A step becomes a batch (facts, and every
//! sequence number), the batch is written with its cursor in one transaction, and the rows become
//! a new snapshot. A missing number means that an endpoint omitted an event: the index is built
//! again.

mod catch_up;
mod facts;
mod standing;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use kms_chain::{BlockHeader, Cursor, EventSource, LastSeqs, Step};
use kms_protocol::{PeriodClock, PolicyId};
use tokio::sync::watch;

use crate::store::chain::{Batch, Fact};
use crate::store::{Result, Store, StoreError};
use crate::view::snapshot::{Index, Snapshot};
pub(crate) use facts::Scope;
use facts::{batch, contract_name};
use standing::miner_view;

/// The effect of a step on the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ingested {
    /// The index has reached the step's last block.
    Applied,
    /// `depth` blocks were reverted.
    Reverted { depth: u64 },
    /// The index was deleted and starts empty.
    Restarted,
}

/// The policies that recent blocks changed: a revert reads these again and not all of them.
#[derive(Default)]
struct Recent {
    /// Every change above this block is listed.
    since: u64,
    /// Blocks, ascending, each with a policy that it changed.
    changes: VecDeque<(u64, PolicyId)>,
}

impl Recent {
    /// Lists a change, and forgets those up to block `oldest`, to which nothing reverts any more.
    fn note(&mut self, block: u64, id: PolicyId, oldest: u64) {
        self.changes.push_back((block, id));
        while let Some((forgotten, _)) = self.changes.pop_front_if(|(at, _)| *at <= oldest) {
            self.since = self.since.max(forgotten);
        }
    }

    /// Takes what changed above `block`; `None` if that is not known.
    fn take_above(&mut self, block: u64) -> Option<BTreeSet<PolicyId>> {
        let kept = self.changes.partition_point(|(at, _)| *at <= block);
        let undone = self.changes.split_off(kept);
        (self.since <= block).then(|| undone.into_iter().map(|(_, id)| id).collect())
    }
}

/// The only writer of the chain index.
pub(crate) struct Indexer {
    store: Store,
    scope: Scope,
    clock: PeriodClock,
    confirmations: u64,
    cursor: Cursor,
    index: Index,
    recent: Recent,
    publisher: watch::Sender<Option<Arc<Snapshot>>>,
    /// Whether the database may hold what the index in memory does not.
    stale: bool,
}

impl Indexer {
    /// An index that nothing has been read into.
    pub(crate) fn empty(
        store: Store,
        scope: Scope,
        clock: PeriodClock,
        confirmations: u64,
        publisher: watch::Sender<Option<Arc<Snapshot>>>,
    ) -> Self {
        Self {
            store,
            scope,
            clock,
            confirmations,
            cursor: Cursor::default(),
            index: Index::default(),
            recent: Recent::default(),
            publisher,
            stale: false,
        }
    }

    /// The cursor: the headers of the index.
    pub(crate) fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Writes a step atomically. After an error it may have been written or not: the next call
    /// reads first what there is.
    pub(crate) async fn take(&mut self, step: Step) -> Result<Ingested> {
        self.stale = true;
        let taken = self.write(step).await?;
        self.stale = false;
        Ok(taken)
    }

    /// Reads the index again if an error has left it behind the database; returns whether it had.
    pub(crate) async fn refresh(&mut self) -> Result<bool> {
        let stale = self.stale;
        if stale {
            self.reload().await?;
            self.stale = false;
        }
        Ok(stale)
    }

    async fn write(&mut self, step: Step) -> Result<Ingested> {
        match step {
            Step::Apply {
                headers, events, ..
            } => {
                let batch = batch(&self.scope, headers, &events);
                self.store.apply(&batch).await?;
                self.cursor.append(&batch.headers);
                self.follow_batch(batch).await?;
                Ok(Ingested::Applied)
            }
            Step::Revert { to } => {
                let from = self.head().unwrap_or(to.number);
                self.store.revert(to.number).await?;
                self.undo_above(to.number).await?;
                Ok(Ingested::Reverted {
                    depth: from.saturating_sub(to.number),
                })
            }
            Step::Reset => {
                self.restart().await?;
                Ok(Ingested::Restarted)
            }
        }
    }

    /// Deletes the index. Kfrags, intents and attempts stay.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.stale = true;
        self.store.reset_index().await?;
        self.reload().await?;
        self.stale = false;
        Ok(())
    }

    /// Publishes a snapshot of the index.
    pub(crate) fn publish(&self) {
        let index = self.index.clone();
        let snapshot = Snapshot::new(&self.cursor.headers, &self.clock, self.confirmations, index);
        if let Some(snapshot) = snapshot {
            self.publisher.send_replace(Some(Arc::new(snapshot)));
        }
    }

    /// The headers of the index that have their confirmations, ascending.
    pub(crate) fn confirmed(&self) -> &[BlockHeader] {
        let headers = &self.cursor.headers;
        let newest = self.head().unwrap_or(0);
        let is_confirmed =
            |header: &BlockHeader| header.number.saturating_add(self.confirmations) <= newest;
        let count = headers.partition_point(is_confirmed);
        headers.get(..count).unwrap_or_default()
    }

    /// Notes that a block of the index is settled.
    pub(crate) fn settle(&mut self, header: BlockHeader) {
        self.index.settled = Some(header);
    }

    /// The newest block that is known to be settled.
    pub(crate) fn settled(&self) -> Option<BlockHeader> {
        self.index.settled
    }

    /// Number of the newest block in the index.
    pub(crate) fn head(&self) -> Option<u64> {
        self.cursor.tip().map(|header| header.number)
    }

    /// Checks that the index has every event up to these sequence numbers.
    pub(crate) async fn require_seqs(&self, counts: LastSeqs) -> Result<()> {
        let LastSeqs {
            escrow,
            policies,
            challenges,
        } = counts;
        for (source, expected) in [
            (EventSource::Escrow, escrow),
            (EventSource::Policies, policies),
            (EventSource::Challenges, challenges),
        ] {
            let contract = contract_name(source);
            let found = self.store.last_seq(contract).await?;
            if found < expected {
                return Err(StoreError::SequenceGap {
                    contract,
                    expected,
                    found,
                });
            }
        }
        Ok(())
    }

    /// Updates the index in memory after a revert to block `number`.
    async fn undo_above(&mut self, number: u64) -> Result<()> {
        let Some(changed) = self.recent.take_above(number) else {
            return self.reload().await;
        };
        self.cursor.headers = self.store.headers().await?;
        self.index.settled = None;
        self.read_policies(changed).await?;
        self.index.miner = Arc::new(miner_view(&self.store.miner_facts().await?)?);
        self.index.challenges = Arc::new(self.store.challenges().await?);
        Ok(())
    }

    /// Reads policies of the index again.
    async fn read_policies(&mut self, ids: BTreeSet<PolicyId>) -> Result<()> {
        for id in ids {
            match self.store.policy(id).await? {
                Some(view) => self.index.policies.insert(id, Arc::new(view)),
                None => self.index.policies.remove(&id),
            };
        }
        Ok(())
    }

    /// Reads the whole index from the database.
    pub(crate) async fn reload(&mut self) -> Result<()> {
        self.cursor.headers = self.store.headers().await?;
        self.recent = Recent {
            since: self.head().unwrap_or(0),
            changes: VecDeque::new(),
        };
        let policies = self.store.policies().await?.into_iter();
        self.index = Index {
            settled: None,
            policies: policies.map(|(id, view)| (id, Arc::new(view))).collect(),
            miner: Arc::new(miner_view(&self.store.miner_facts().await?)?),
            challenges: Arc::new(self.store.challenges().await?),
        };
        Ok(())
    }

    /// Updates the index in memory after a batch: reads again only what its facts changed.
    async fn follow_batch(&mut self, batch: Batch) -> Result<()> {
        let mut changed = BTreeSet::new();
        let oldest = self
            .cursor
            .headers
            .first()
            .map_or(0, |header| header.number);
        let (mut miner_changed, mut challenges_changed) = (false, false);
        for (place, fact) in &batch.facts {
            match fact {
                Fact::Created { id, .. }
                | Fact::Extended { id, .. }
                | Fact::Revoked { id, .. }
                | Fact::Collected { id, .. } => {
                    changed.insert(*id);
                    self.recent.note(place.block_number, *id, oldest);
                }
                Fact::Miner { .. } => miner_changed = true,
                Fact::Challenged(_) | Fact::ChallengeEnded { .. } => challenges_changed = true,
                Fact::Sequence { .. } => {}
            }
        }
        self.read_policies(changed).await?;
        if miner_changed {
            self.index.miner = Arc::new(miner_view(&self.store.miner_facts().await?)?);
        }
        if challenges_changed {
            self.index.challenges = Arc::new(self.store.challenges().await?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
