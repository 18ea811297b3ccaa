//! The pool that computes, with backpressure: a bounded number of jobs at once, a bounded queue,
//! and a refusal beyond. Jobs run on blocking threads; the threads of the HTTP server never
//! compute.

use std::sync::Arc;

use kms_protocol::Refusal;
use kms_protocol::messages::Problem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::gate::Verdict;

/// The workers and their queue.
pub(crate) struct Pool {
    /// One permit per job working or waiting.
    admitted: Arc<Semaphore>,
    /// One permit per job working.
    workers: Arc<Semaphore>,
    total: usize,
}

/// A place in the queue.
pub(crate) struct Ticket {
    _admitted: OwnedSemaphorePermit,
    workers: Arc<Semaphore>,
}

impl Pool {
    pub(crate) fn new(workers: usize, queue: usize) -> Self {
        let total = workers.saturating_add(queue).min(Semaphore::MAX_PERMITS);
        Self {
            admitted: Arc::new(Semaphore::new(total)),
            workers: Arc::new(Semaphore::new(workers.min(Semaphore::MAX_PERMITS))),
            total,
        }
    }

    /// Takes a place in the queue, or refuses with a time to wait.
    pub(crate) fn admit(&self) -> Verdict<Ticket> {
        match self.admitted.clone().try_acquire_owned() {
            Ok(admitted) => Ok(Ticket {
                _admitted: admitted,
                workers: self.workers.clone(),
            }),
            Err(_) => {
                let detail = "every worker is busy and the queue is full";
                Err(Problem::new(Refusal::TooMany, detail).retry_after(1))
            }
        }
    }

    /// Number of jobs working or waiting.
    pub(crate) fn depth(&self) -> usize {
        self.total.saturating_sub(self.admitted.available_permits())
    }
}

impl Ticket {
    /// Runs a job when a worker is free. A job that panics refuses its own request only.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        job: impl FnOnce() -> Verdict<T> + Send + 'static,
    ) -> Verdict<T> {
        let internal = |detail: &str| Problem::new(Refusal::Internal, detail);
        let worker = self.workers.clone().acquire_owned().await;
        let worker = worker.map_err(|_| internal("the workers are closed"))?;
        let done = tokio::task::spawn_blocking(move || {
            let verdict = job();
            drop((worker, self));
            verdict
        });
        done.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a worker failed");
            Err(internal("a worker failed"))
        })
    }
}

#[cfg(test)]
mod tests;
