//! The reserve: a file that keeps room on the disk. When the disk is full it is given up, so that
//! the node can go on following the chain and answering readers; new kfrags are refused until it is
//! back.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const FILE: &str = "reserve";
const BYTES: usize = 1024 * 1024;
/// Pause before a reserve that was given up is tried again.
const RETRY: Duration = Duration::from_secs(15);

/// The file in the data directory, held while there is room for it.
pub(crate) struct Reserve {
    path: PathBuf,
    held: AtomicBool,
    /// When it was last tried.
    tried: Mutex<Instant>,
}

impl Reserve {
    /// Takes the reserve if there is room. Blocking: writes 1 MiB.
    pub(crate) fn new(data_dir: &Path) -> Self {
        let reserve = Self {
            path: data_dir.join(FILE),
            held: AtomicBool::new(false),
            tried: Mutex::new(Instant::now()),
        };
        reserve.take();
        reserve
    }

    pub(crate) fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }

    /// Writes the file if it is not held; true if it is held now.
    pub(crate) fn take(&self) -> bool {
        if !self.is_held() {
            match self.fill() {
                Ok(()) => self.held.store(true, Ordering::Release),
                // Half a reserve only takes room from the database.
                Err(_) => self.release(),
            }
        }
        self.is_held()
    }

    /// As [`Reserve::take`], but at most once per [`RETRY`].
    pub(crate) fn retake(&self) -> bool {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        if tried.elapsed() >= RETRY {
            *tried = Instant::now();
            return self.take();
        }
        self.is_held()
    }

    /// Removes the file, which frees its room.
    pub(crate) fn release(&self) {
        self.held.store(false, Ordering::Release);
        // Absent is as good.
        let _ = std::fs::remove_file(&self.path);
    }

    /// Writes zeros: a sparse file would reserve nothing.
    fn fill(&self) -> std::io::Result<()> {
        let mut file = File::create(&self.path)?;
        file.write_all(&vec![0; BYTES])?;
        file.sync_all()
    }
}

#[cfg(test)]
mod tests;
