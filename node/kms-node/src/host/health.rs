//! The health of the node: heartbeats of its tasks, and named conditions with their reasons. A task
//! that hangs shows by the age of its heartbeat. Neighbours: `remedies` says what to do about each
//! check, `report` makes the reports of `/readyz` and `/earnz`.

mod remedies;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use remedies::{remedy, task_check};

/// Age of a heartbeat above which the node is not ready.
const HEARTBEAT_LIMIT: Duration = Duration::from_secs(60);

/// The tasks of a node that follows the chain.
const LEADING: [&str; 3] = ["chain", "duties", "sweeper"];

/// What a failing check costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Concern {
    /// Readers: the node cannot answer them rightly. `/readyz` says so.
    Serving,
    /// Pages in browsers, which some nodes need not serve: `/readyz` shows it and stays ready.
    Pages,
    /// Money: earnings or the stake are at risk, readers are answered. `/earnz` says so.
    Earning,
}

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    pub(crate) id: &'static str,
    pub(crate) ok: bool,
    #[serde(skip)]
    pub(crate) concern: Concern,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// The operator's next step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<&'static str>,
}

impl Check {
    pub(crate) fn new(id: &'static str, concern: Concern, problem: Option<String>) -> Self {
        Self {
            id,
            ok: problem.is_none(),
            concern,
            remedy: problem.is_some().then(|| remedy(id)),
            reason: problem,
        }
    }
}

/// All checks; `/readyz` and `/earnz` each show their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) ready: bool,
    pub(crate) earning: bool,
    pub(crate) checks: Vec<Check>,
}

impl Report {
    pub(crate) fn new(checks: Vec<Check>) -> Self {
        let all_ok = |concern| {
            let mut of = checks.iter().filter(|check| check.concern == concern);
            of.all(|check| check.ok)
        };
        Self {
            ready: all_ok(Concern::Serving),
            earning: all_ok(Concern::Earning),
            checks,
        }
    }

    /// The checks of some concerns.
    pub(crate) fn of(&self, concerns: &[Concern]) -> Vec<&Check> {
        let of = self.checks.iter();
        of.filter(|check| concerns.contains(&check.concern))
            .collect()
    }
}

/// Heartbeats and conditions, shared by all tasks.
#[derive(Clone)]
pub(crate) struct Health {
    start: Instant,
    beats: Arc<Mutex<BTreeMap<&'static str, Arc<AtomicU64>>>>,
    conditions: Arc<Mutex<BTreeMap<&'static str, Condition>>>,
}

/// The concern of a condition, and its reason while it fails.
type Condition = (Concern, Option<String>);

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
    pub(crate) fn set(&self, id: &'static str, concern: Concern, problem: Option<String>) {
        let mut conditions = self
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = conditions.insert(id, (concern, problem.clone()));
        let changed = before.is_none_or(|(_, old)| old.is_some() != problem.is_some());
        match problem {
            Some(reason) if changed => tracing::warn!(check = id, %reason, "now failing"),
            None if changed => tracing::info!(check = id, "now fine"),
            _ => {}
        }
    }

    /// Forgets every check of the tasks of a node that no longer leads; the others report again.
    pub(crate) fn forget(&self) {
        let mut beats = self.beats.lock().unwrap_or_else(PoisonError::into_inner);
        beats.retain(|task, _| !LEADING.contains(task));
        let conditions = &self.conditions;
        let mut conditions = conditions.lock().unwrap_or_else(PoisonError::into_inner);
        conditions.clear();
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
            .map(|(id, (concern, problem))| Check::new(id, *concern, problem.clone()))
            .collect();
        drop(conditions);
        checks.extend(self.beat_ages().into_iter().map(|(task, age)| {
            let late = age > HEARTBEAT_LIMIT;
            let reason = late.then(|| format!("no progress for {} s", age.as_secs()));
            Check::new(task_check(task), Concern::Serving, reason)
        }));
        checks
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
