//! The pool for computation, with backpressure: a bounded number of jobs, a bounded queue, and a
//! refusal beyond. No policy takes more than its part of what the others leave. Jobs run on
//! blocking threads, not on those of the HTTP server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kms_protocol::messages::Problem;
use kms_protocol::{PolicyId, Refusal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::gate::Verdict;
use crate::serve::quota::Quota;

/// Seconds to wait before a place is asked for again.
const RETRY_S: u32 = 1;

/// The workers and their queue.
pub(crate) struct Pool {
    /// One permit per running or queued job.
    admitted: Arc<Semaphore>,
    /// One permit per running job.
    workers: Arc<Semaphore>,
    total: usize,
    /// Limit of running and queued jobs of one policy.
    per_policy: usize,
    policies: Jobs,
}

/// Number of running and queued jobs by policy; a policy without any has no entry.
type Jobs = Arc<Mutex<HashMap<PolicyId, usize>>>;

/// A place in the queue.
pub(crate) struct Ticket {
    _admitted: OwnedSemaphorePermit,
    _part: Option<Part>,
    workers: Arc<Semaphore>,
}

/// One of a policy's places.
struct Part {
    policy: PolicyId,
    policies: Jobs,
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut jobs = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = jobs.get_mut(&self.policy) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                jobs.remove(&self.policy);
            }
        }
    }
}

impl Pool {
    pub(crate) fn new(workers: usize, queue: usize, per_policy: usize) -> Self {
        let total = workers.saturating_add(queue).min(Semaphore::MAX_PERMITS);
        Self {
            admitted: Arc::new(Semaphore::new(total)),
            workers: Arc::new(Semaphore::new(workers.min(Semaphore::MAX_PERMITS))),
            total,
            per_policy,
            policies: Jobs::default(),
        }
    }

    /// Takes a place in the queue, or refuses with a retry hint.
    pub(crate) fn admit(&self) -> Verdict<Ticket> {
        self.ticket(None)
    }

    /// Takes a place for a request of `policy`. Refuses if it has as many as its quota, which falls
    /// with the places that other policies hold: however many flood, some places stay free.
    pub(crate) fn admit_for(&self, policy: PolicyId) -> Verdict<Ticket> {
        let part = self.part(policy)?;
        self.ticket(Some(part))
    }

    fn part(&self, policy: PolicyId) -> Verdict<Part> {
        let mut jobs = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        let own = jobs.get(&policy).copied().unwrap_or_default();
        let others = self.depth().saturating_sub(own).min(self.total);
        let left = self.total.saturating_sub(others);
        let part = self.per_policy.saturating_mul(left) / self.total.max(1);
        let quota = part.clamp(1, self.per_policy.max(1));
        if own >= quota {
            let spent = "requests are being answered";
            return Err(Quota::InFlight.used_up(quota, spent, RETRY_S));
        }
        let count = jobs.entry(policy).or_default();
        *count += 1;
        let policies = self.policies.clone();
        Ok(Part { policy, policies })
    }

    fn ticket(&self, part: Option<Part>) -> Verdict<Ticket> {
        match self.admitted.clone().try_acquire_owned() {
            Ok(admitted) => Ok(Ticket {
                _admitted: admitted,
                _part: part,
                workers: self.workers.clone(),
            }),
            Err(_) => {
                let detail = "every worker is busy and the queue is full";
                Err(Problem::new(Refusal::TooMany, detail).retry_after(RETRY_S))
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
