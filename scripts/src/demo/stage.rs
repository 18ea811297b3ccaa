//! Where the demo plays: a private directory, free ports, every process it started. Each process
//! leads a group of its own, so that stopping it also stops what it started; nothing outlives the
//! stage, whether the demo succeeds, fails or is interrupted.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Between two looks at a condition.
const POLL: Duration = Duration::from_millis(50);
/// A process has this long to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// The processes by name; shared with whoever waits for a signal.
#[derive(Clone, Default)]
pub(super) struct Processes(Arc<Mutex<BTreeMap<String, Child>>>);

impl Processes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Child>> {
        // A map of children is whole whatever a panicking thread did.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts `command` as `name`, its output in `log`.
    pub(super) fn start(&self, name: &str, mut command: Command, log: &Path) -> Result<()> {
        let out = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("opening {}", log.display()))?;
        command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .process_group(0);
        let child = command
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        self.lock().insert(name.to_owned(), child);
        Ok(())
    }

    /// Ends `name` as a crash would: no warning, nothing flushed.
    pub(super) fn kill(&self, name: &str) -> Result<()> {
        let mut child = self.take(name)?;
        signal(&child, "KILL");
        child
            .wait()
            .with_context(|| format!("waiting for {name}"))?;
        Ok(())
    }

    /// Asks `name` to end and waits for it; kills it after a while.
    pub(super) fn stop(&self, name: &str) -> Result<()> {
        let child = self.take(name)?;
        end(child);
        Ok(())
    }

    fn take(&self, name: &str) -> Result<Child> {
        self.lock()
            .remove(name)
            .with_context(|| format!("{name} does not run"))
    }

    /// Fails if `name` has ended.
    pub(super) fn check(&self, name: &str, log: &Path) -> Result<()> {
        let mut children = self.lock();
        let child = children
            .get_mut(name)
            .with_context(|| format!("{name} does not run"))?;
        if let Some(status) = child.try_wait()? {
            bail!("{name} ended ({status}); its last words:\n{}", tail(log));
        }
        Ok(())
    }

    /// Stops everything, what depends on others first.
    pub(super) fn stop_all(&self) {
        let children = std::mem::take(&mut *self.lock());
        for child in children.values() {
            signal(child, "TERM");
        }
        children.into_values().for_each(end);
    }
}

/// Asks the child's group to end, and returns when it is gone, with everything it started.
fn end(mut child: Child) {
    signal(&child, "TERM");
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline {
        let leader_ended = !matches!(child.try_wait(), Ok(None));
        if leader_ended && !signal(&child, "0") {
            return;
        }
        std::thread::sleep(POLL);
    }
    signal(&child, "KILL");
    let _gone = child.wait();
}

/// Signals the child's whole group; false if nobody is left in it. The shell's own `kill` is on
/// every system.
fn signal(child: &Child, name: &str) -> bool {
    let script = format!("kill -s {name} -- -{}", child.id());
    let status = Command::new("sh")
        .args(["-c", &script])
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// The last lines of a log.
pub(super) fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(12)..)
        .unwrap_or_default()
        .join("\n")
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
    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.path("logs").join(format!("{name}.log"))
    }

    /// Everything that runs.
    pub(super) fn processes(&self) -> &Processes {
        &self.processes
    }

    /// Starts `command` as `name`.
    pub(super) fn start(&self, name: &str, command: Command) -> Result<()> {
        self.processes.start(name, command, &self.log(name))
    }

    /// Waits until `look` finds something; fails at the deadline, or when `process` ends before.
    pub(super) fn wait<T>(
        &self,
        what: &str,
        process: &str,
        limit: Duration,
        mut look: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(found) = look().with_context(|| format!("waiting for {what}"))? {
                return Ok(found);
            }
            let log = self.log(process);
            self.processes.check(process, &log)?;
            if Instant::now() >= deadline {
                bail!(
                    "{what} took longer than {} s; {process} says:\n{}",
                    limit.as_secs(),
                    tail(&log)
                );
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.processes.stop_all();
    }
}

/// A port nobody listens on at this moment.
pub(super) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("finding a free port")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests;
