//! The view of a node that answers from a database which another one fills: the index as of the
//! newest block there, and how long ago it was found up to date.

use std::sync::Arc;

use kms_protocol::PeriodClock;

use crate::host::health::Concern;
use crate::node::Node;
use crate::serve::shared;
use crate::store::Result;
use crate::view::follow::Publisher;
use crate::view::ingest::{Indexer, Scope};

pub(crate) struct Replica {
    node: Arc<Node>,
    indexer: Indexer,
    /// Number of times that the index had lost blocks when it was read whole; `None` before.
    undone: Option<i64>,
    /// Number of the newest erasure known; `None` before the first look.
    erased: Option<i64>,
}

impl Replica {
    pub(crate) fn new(node: &Arc<Node>, clock: PeriodClock, publisher: Publisher) -> Self {
        let scope = Scope {
            miner: node.miner(),
            domain: node.domain,
        };
        let (store, confirmations) = (node.store.clone(), node.config.confirmations);
        Self {
            node: node.clone(),
            indexer: Indexer::empty(store, scope, clock, confirmations, publisher),
            undone: None,
            erased: None,
        }
    }

    /// Looks at the database once.
    pub(crate) async fn poll(&mut self) -> Result<()> {
        self.look().await?;
        self.follow_others().await
    }

    /// Reads what is new in the index. What the holder says of it is read before and after: a
    /// partial index, of one that is being built again, is never decided on.
    async fn look(&mut self) -> Result<()> {
        let node = self.node.clone();
        let Some(before) = node.store.shown().await? else {
            node.age.invalidate();
            return Ok(());
        };
        let unheld = (!before.held).then(|| "no node holds the lease".to_owned());
        node.health.set("lease_held", Concern::Earning, unheld);
        if self.undone == Some(before.undone) {
            self.indexer.catch_up().await?;
        } else {
            self.undone = None;
            self.indexer.reload().await?;
            self.undone = Some(before.undone);
        }
        let after = node.store.shown().await?;
        match before.age {
            Some(age) if after.is_some_and(|after| after.undone == before.undone) => {
                node.age.refresh_from(age);
            }
            _ => node.age.invalidate(),
        }
        self.indexer.publish();
        Ok(())
    }

    /// Does what other nodes have done: drops kfrags that were erased, takes over transport keys.
    pub(crate) async fn follow_others(&mut self) -> Result<()> {
        let node = &self.node;
        let known = match self.erased {
            Some(known) => known,
            None => node.store.last_erasure().await?,
        };
        let erased = node.store.erased_after(known).await?;
        for (_, policy) in &erased {
            node.cache.remove(policy);
        }
        self.erased = Some(erased.last().map_or(known, |(newest, _)| *newest));
        if !erased.is_empty() {
            node.metrics.kfrags.set(node.store.kfrag_count().await?);
        }
        shared::take_over_keys(node).await
    }
}
