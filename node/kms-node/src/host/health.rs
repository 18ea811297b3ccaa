//! The health of the node: heartbeats of its tasks, and named conditions with their reasons. A task
//! that hangs shows by the age of its heartbeat. Neighbour: `report` makes the readiness report.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

/// Age of a heartbeat above which the node is not ready.
const HEARTBEAT_LIMIT: Duration = Duration::from_secs(60);

/// Whether a failing condition makes the node unready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    /// Makes the node unready: requests cannot be answered.
    Critical,
    /// Is shown only: earnings are at risk, requests are answered.
    Warning,
}

/// One line of the readiness report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) ok: bool,
    pub(crate) severity: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl Check {
    pub(crate) fn new(name: &str, severity: Severity, problem: Option<String>) -> Self {
        Self {
            name: name.into(),
            ok: problem.is_none(),
            severity,
            reason: problem,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    pub(crate) ready: bool,
    pub(crate) checks: Vec<Check>,
}

impl Report {
    pub(crate) fn new(checks: Vec<Check>) -> Self {
        let ready = checks
            .iter()
            .all(|check| check.ok || check.severity == Severity::Warning);
        Self { ready, checks }
    }
}

/// Heartbeats and conditions, shared by all tasks.
#[derive(Clone)]
pub(crate) struct Health {
    start: Instant,
    beats: Arc<Mutex<BTreeMap<&'static str, Arc<AtomicU64>>>>,
    conditions: Arc<Mutex<BTreeMap<&'static str, Condition>>>,
}

/// The severity of a condition, and its reason while it fails.
type Condition = (Severity, Option<String>);

/// The heartbeat of one task.
#[derive(Clone)]
pub(crate) struct Heartbeat {
    start: Instant,
    last_ms: Arc<AtomicU64>,
}

impl Heartbeat {
    /// Records that the task has made progress.
    pub(crate) fn beat(&self) {
        self.last_ms
            .store(millis(self.start.elapsed()), Ordering::Relaxed);
    }
}

impl Health {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            beats: Arc::default(),
            conditions: Arc::default(),
        }
    }

    /// Registers a task; its first beat is now.
    pub(crate) fn heartbeat(&self, task: &'static str) -> Heartbeat {
        let last_ms = Arc::new(AtomicU64::new(millis(self.start.elapsed())));
        let mut beats = self.beats.lock().unwrap_or_else(PoisonError::into_inner);
        beats.insert(task, last_ms.clone());
        Heartbeat {
            start: self.start,
            last_ms,
        }
    }

    /// Sets a condition: `None` if it holds, or the reason why it fails.
    pub(crate) fn set(&self, name: &'static str, severity: Severity, problem: Option<String>) {
        let mut conditions = self
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = conditions.insert(name, (severity, problem.clone()));
        let changed = before.is_none_or(|(_, old)| old.is_some() != problem.is_some());
        match problem {
            Some(reason) if changed => tracing::warn!(condition = name, %reason, "now failing"),
            None if changed => tracing::info!(condition = name, "now fine"),
            _ => {}
        }
    }

    /// Time since each task's last beat.
    pub(crate) fn beat_ages(&self) -> Vec<(&'static str, Duration)> {
        let now = millis(self.start.elapsed());
        let beats = self.beats.lock().unwrap_or_else(PoisonError::into_inner);
        beats
            .iter()
            .map(|(task, last)| {
                let age = now.saturating_sub(last.load(Ordering::Relaxed));
                (*task, Duration::from_millis(age))
            })
            .collect()
    }

    /// Lists every condition and heartbeat for the report.
    pub(crate) fn checks(&self) -> Vec<Check> {
        let conditions = self
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut checks: Vec<Check> = conditions
            .iter()
            .map(|(name, (severity, problem))| Check::new(name, *severity, problem.clone()))
            .collect();
        drop(conditions);
        checks.extend(self.beat_ages().into_iter().map(|(task, age)| {
            let late = age > HEARTBEAT_LIMIT;
            let reason = late.then(|| format!("no progress for {} s", age.as_secs()));
            Check::new(&format!("task_{task}"), Severity::Critical, reason)
        }));
        checks
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
