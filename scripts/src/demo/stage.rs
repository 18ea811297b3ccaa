//! Where the demo plays: a private directory and every process it started. Each process leads a
//! group of its own, so that stopping it also stops what it started; nothing outlives the stage,
//! whether the demo succeeds, fails or is interrupted.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use kms_kit::process::{Process, tail};
use kms_kit::wait::poll;

/// The processes by name; shared with whoever waits for a signal.
#[derive(Clone, Default)]
pub(super) struct Processes(Arc<Mutex<BTreeMap<String, Process>>>);

impl Processes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Process>> {
        // A map of processes is whole whatever a panicking thread did.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends `name` as a crash would: no warning, nothing flushed.
    pub(super) fn kill(&self, name: &str) -> Result<()> {
        self.take(name)?.kill();
        Ok(())
    }

    /// Asks `name` to end and waits for it; kills it after a while.
    pub(super) fn stop(&self, name: &str) -> Result<()> {
        self.take(name)?.stop();
        Ok(())
    }

    fn take(&self, name: &str) -> Result<Process> {
        self.lock()
            .remove(name)
            .with_context(|| format!("{name} does not run"))
    }

    /// Fails if `name` has ended.
    fn check(&self, name: &str) -> Result<()> {
        let mut processes = self.lock();
        let process = processes.get_mut(name);
        let process = process.with_context(|| format!("{name} does not run"))?;
        process.check().with_context(|| name.to_owned())
    }

    /// Stops everything; what takes its time does so beside the others.
    pub(super) fn stop_all(&self) {
        let processes = std::mem::take(&mut *self.lock());
        processes.values().for_each(Process::terminate);
        processes.into_values().for_each(Process::stop);
    }
}

/// A private directory and its processes.
pub(super) struct Stage {
    folder: tempfile::TempDir,
    processes: Processes,
}

impl Stage {
    /// An empty stage.
    pub(super) fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("kms-demo-").tempdir()?;
        std::fs::create_dir(folder.path().join("logs"))?;
        Ok(Self {
            folder,
            processes: Processes::default(),
        })
    }

    /// A path below the private directory.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The log of a process.
    fn log(&self, name: &str) -> PathBuf {
        self.path("logs").join(format!("{name}.log"))
    }

    /// Everything that runs.
    pub(super) fn processes(&self) -> &Processes {
        &self.processes
    }

    /// Starts `command` as `name`.
    pub(super) fn start(&self, name: &str, mut command: Command) -> Result<()> {
        command.process_group(0);
        let process = Process::start(command, &self.log(name))?;
        self.processes.lock().insert(name.to_owned(), process);
        Ok(())
    }

    /// Waits until `look` finds something; fails at the deadline, or when `process` ends before.
    pub(super) fn wait<T>(
        &self,
        what: &str,
        process: &str,
        limit: Duration,
        mut look: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        poll(what, limit, || {
            let found = look()?;
            if found.is_none() {
                self.processes.check(process)?;
            }
            Ok(found)
        })
        .with_context(|| format!("{process} says:\n{}", tail(&self.log(process))))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.processes.stop_all();
    }
}

#[cfg(test)]
mod tests;
