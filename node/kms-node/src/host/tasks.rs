//! The node's critical tasks by name. The first that ends before it is asked to, by an error or a
//! panic, stops the node.

use std::collections::HashMap;
use std::future::Future;

use tokio::task::{Id, JoinError, JoinSet};

use crate::error::NodeError;
use crate::store::StoreError;

/// Result of a task that did not panic.
pub(crate) type Ended = Result<(), StoreError>;

/// The running tasks; dropping it aborts them.
#[derive(Default)]
pub(crate) struct Tasks {
    set: JoinSet<Ended>,
    names: HashMap<Id, &'static str>,
}

/// A task that has ended.
pub(crate) struct Finished {
    pub(crate) name: &'static str,
    outcome: Result<Ended, JoinError>,
}

impl Tasks {
    pub(crate) fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Ended> + Send + 'static,
    ) {
        let id = self.set.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Waits for the next task to end; `None` if none is left.
    pub(crate) async fn next(&mut self) -> Option<Finished> {
        let (id, outcome) = match self.set.join_next_with_id().await? {
            Ok((id, ended)) => (id, Ok(ended)),
            Err(error) => (error.id(), Err(error)),
        };
        let name = self.names.remove(&id).unwrap_or("unknown");
        Some(Finished { name, outcome })
    }

    /// Waits for all tasks to end, and aborts those left after `limit`.
    pub(crate) async fn end_within(&mut self, limit: std::time::Duration) {
        let ended = async { while self.next().await.is_some() {} };
        if tokio::time::timeout(limit, ended).await.is_err() {
            self.set.shutdown().await;
        }
    }
}

impl Finished {
    /// Converts the end of the task into the error that stops the node.
    pub(crate) fn into_error(self) -> NodeError {
        let reason = match self.outcome {
            Ok(Ok(())) => "it ended without an error".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        NodeError::TaskStopped {
            task: self.name,
            reason,
        }
    }
}

#[cfg(test)]
mod tests;
