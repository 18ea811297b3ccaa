//! The disk reserve: a file that keeps room. When the disk is full it is removed, so that the node
//! goes on following the chain and answering readers; new kfrags are refused until it is written
//! again.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const FILE: &str = "reserve";
const BYTES: usize = 1024 * 1024;
/// Least time between two tries to write the reserve.
const RETRY: Duration = Duration::from_secs(15);

/// The reserve file in the data directory, kept while there is room for it.
pub(crate) struct Reserve {
    path: PathBuf,
    held: AtomicBool,
    /// Time of the last try to write it.
    tried: Mutex<Instant>,
}

impl Reserve {
    /// Writes the reserve if there is room. Blocking: writes 1 MiB.
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

    /// Writes the file unless it is held; returns whether it is held now. Blocking.
    pub(crate) fn take(&self) -> bool {
        if !self.is_held() {
            match self.fill() {
                Ok(()) => self.held.store(true, Ordering::Release),
                // An incomplete reserve only takes room from the database.
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

    /// Removes the file, to free its room.
    pub(crate) fn release(&self) {
        self.held.store(false, Ordering::Release);
        // Fails if there is no such file.
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
