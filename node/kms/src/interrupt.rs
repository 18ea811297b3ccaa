//! Handles SIGINT, SIGTERM and SIGHUP: removes part files, turns the terminal's echo on, exits with
//! 50. Transactions under way are in a journal, and the next command resumes them.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::prompt;

/// Paths of part files: output that is renamed to its final name when complete.
#[derive(Default)]
pub(crate) struct Parts(Mutex<Vec<PathBuf>>);

/// The part files of this process.
pub(crate) static PARTS: Parts = Parts(Mutex::new(Vec::new()));

impl Parts {
    /// Registers a part file until the guard is dropped.
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

/// A registered part file, which a signal removes. Unregistered on drop.
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

/// Removes all part files, and turns the terminal's echo on if a prompt has turned it off.
pub(crate) fn clean_up() {
    PARTS.remove_all();
    prompt::show_again();
}

/// Returns at the first SIGINT, SIGTERM or SIGHUP, the last of which a closed terminal sends.
///
/// # Errors
/// If no signal handler can be installed.
pub(crate) async fn asked_to_stop() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        tokio::select! {
            outcome = tokio::signal::ctrl_c() => outcome,
            _ = terminate.recv() => Ok(()),
            _ = hang_up.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

#[cfg(test)]
mod tests;
