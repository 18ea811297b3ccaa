//! The pool for computation, with backpressure: a bounded number of jobs, a bounded queue, and a
//! refusal beyond. Jobs run on blocking threads, not on those of the HTTP server.

use std::sync::Arc;

use kms_protocol::Refusal;
use kms_protocol::messages::Problem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::gate::Verdict;

/// The workers and their queue.
pub(crate) struct Pool {
    /// One permit per running or queued job.
    admitted: Arc<Semaphore>,
    /// One permit per running job.
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

    /// Takes a place in the queue, or refuses with a retry hint.
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

    /// Number of running and queued jobs.
    pub(crate) fn depth(&self) -> usize {
        self.total.saturating_sub(self.admitted.available_permits())
    }
}

impl Ticket {
    /// Runs a job once a worker is free. A panic of the job refuses its own request only.
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
