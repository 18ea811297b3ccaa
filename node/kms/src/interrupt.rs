//! SIGINT and SIGTERM: part files are removed, the terminal echoes again, the exit code is 50.
//! What is under way on chain is in a journal and is resumed by the next command.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Files that are not complete yet.
#[derive(Default)]
pub(crate) struct Parts(Mutex<Vec<PathBuf>>);

/// The part files of this process.
pub(crate) static PARTS: Parts = Parts(Mutex::new(Vec::new()));
/// True while a passphrase is being typed, with the terminal's echo off.
static PROMPTING: AtomicBool = AtomicBool::new(false);

impl Parts {
    /// Remembers a part file until the guard is dropped.
    pub(crate) fn guard(&self, part: &Path) -> PartGuard<'_> {
        if let Ok(mut parts) = self.0.lock() {
            parts.push(part.to_path_buf());
        }
        PartGuard {
            parts: self,
            part: part.to_path_buf(),
        }
    }

    fn remove_all(&self) {
        if let Ok(parts) = self.0.lock() {
            for part in parts.iter() {
                let _ = std::fs::remove_file(part);
            }
        }
    }
}

/// A part file that a signal removes. Forgotten when dropped.
pub(crate) struct PartGuard<'a> {
    parts: &'a Parts,
    part: PathBuf,
}

impl Drop for PartGuard<'_> {
    fn drop(&mut self) {
        if let Ok(mut parts) = self.parts.0.lock() {
            parts.retain(|part| *part != self.part);
        }
    }
}

/// Runs a prompt that switches the echo off.
pub(crate) fn prompting<T>(prompt: impl FnOnce() -> T) -> T {
    PROMPTING.store(true, Ordering::SeqCst);
    let answer = prompt();
    PROMPTING.store(false, Ordering::SeqCst);
    answer
}

/// Leaves nothing half-done behind.
pub(crate) fn clean_up() {
    PARTS.remove_all();
    if PROMPTING.load(Ordering::SeqCst) {
        let _ = Command::new("stty")
            .arg("echo")
            .stdin(std::fs::File::open("/dev/tty").map_or_else(|_| Stdio::null(), Stdio::from))
            .status();
    }
}

/// Returns when the process is asked to stop.
///
/// # Errors
/// If the system does not let us listen.
pub(crate) async fn asked_to_stop() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            outcome = tokio::signal::ctrl_c() => outcome,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

#[cfg(test)]
mod tests;
