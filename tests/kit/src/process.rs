//! Processes that end with their value, whatever happens. A command that was told to lead a process
//! group (`Command::process_group(0)`) is signalled as a group, with everything it started; then
//! somebody must watch for Ctrl-C, which the terminal no longer sends to it.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::wait::poll;

/// A process has this long to end by itself.
const GRACE: Duration = Duration::from_secs(30);
/// Lines of a log that an error quotes.
const QUOTED: usize = 12;

/// A running process and its log.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a command; its output is appended to `log`.
    ///
    /// # Errors
    /// The log or the program cannot be opened.
    pub fn start(mut command: Command, log: &Path) -> Result<Self> {
        let out = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("opening {}", log.display()))?;
        command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out);
        let child = command
            .spawn()
            .with_context(|| format!("starting {}", command.get_program().display()))?;
        Ok(Self {
            child,
            log: log.to_owned(),
        })
    }

    /// Fails if the process has ended; quotes its last words.
    ///
    /// # Errors
    /// It has ended.
    pub fn check(&mut self) -> Result<()> {
        let ended = self.child.try_wait()?;
        ensure!(
            ended.is_none(),
            "ended ({}); its last words:\n{}",
            ended.unwrap_or_default(),
            tail(&self.log)
        );
        Ok(())
    }

    /// Id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks the process to end; does not wait.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Asks the process to end, and returns when it is gone with everything it started; kills it
    /// after a while.
    pub fn stop(mut self) {
        self.terminate();
        // Past the deadline the drop kills it.
        let _late = poll("the end of a process", GRACE, || {
            let ended = !matches!(self.child.try_wait(), Ok(None));
            Ok((ended && !self.signal("0")).then_some(()))
        });
    }

    /// Ends the process as a crash or a power cut would: no warning, nothing flushed.
    pub fn kill(self) {
        drop(self);
    }

    /// Signals the group the process leads, or else the process; false if nobody is left. The
    /// shell's own `kill` is on every system.
    fn signal(&self, name: &str) -> bool {
        let id = self.child.id();
        let script = format!("kill -s {name} -- -{id} || kill -s {name} {id}");
        let status = Command::new("sh")
            .args(["-c", &script])
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal("KILL");
        let _gone = self.child.wait();
    }
}

/// The last lines of a log.
pub fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(QUOTED)..].join("\n")
}

/// A port nobody listens on at this moment.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

#[cfg(test)]
mod tests;
