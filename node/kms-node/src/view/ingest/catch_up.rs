//! Reads what another node has written to the database since.

use std::sync::Arc;

use super::{Indexer, miner_view};
use crate::store::Result;

impl Indexer {
    /// Reads the blocks after the newest one that is known, and what they changed; everything, if
    /// that one is gone.
    pub(crate) async fn catch_up(&mut self) -> Result<()> {
        let Some(tip) = self.cursor.tip().copied() else {
            return self.reload().await;
        };
        let headers = self.store.headers_from(tip.number).await?;
        let Some((known, new)) = headers.split_first().filter(|(first, _)| **first == tip) else {
            return self.reload().await;
        };
        if new.is_empty() {
            return Ok(());
        }
        let changed = self.store.changed_after(known.number).await?;
        for id in changed.policies {
            if let Some(view) = self.store.policy(id).await? {
                self.index.policies.insert(id, Arc::new(view));
            }
        }
        if changed.miner {
            self.index.miner = Arc::new(miner_view(&self.store.miner_facts().await?)?);
        }
        if changed.challenges {
            self.index.challenges = Arc::new(self.store.challenges().await?);
        }
        self.cursor.append(new);
        Ok(())
    }
}
