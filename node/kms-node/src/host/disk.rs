//! Room kept for bad times. When the disk is full the reserve is given up, so that the node can go
//! on following the chain and answering readers; new fragments are refused until it is back.

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

/// A file of ballast in the data directory.
pub(crate) struct Reserve {
    path: PathBuf,
    held: AtomicBool,
    /// The last try to have it.
    tried: Mutex<Instant>,
}

impl Reserve {
    /// Takes the reserve if there is room. Blocking, one small file.
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

    /// Tries to have the reserve; true if it is held now.
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

    /// Tries again if the last try is long enough ago; true if the reserve is held now.
    pub(crate) fn retake(&self) -> bool {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        if tried.elapsed() >= RETRY {
            *tried = Instant::now();
            return self.take();
        }
        self.is_held()
    }

    /// Gives the room up.
    pub(crate) fn release(&self) {
        self.held.store(false, Ordering::Release);
        // Absent is as good.
        let _ = std::fs::remove_file(&self.path);
    }

    /// Zeros that are really there: a sparse file would reserve nothing.
    fn fill(&self) -> std::io::Result<()> {
        let mut file = File::create(&self.path)?;
        file.write_all(&vec![0; BYTES])?;
        file.sync_all()
    }
}

#[cfg(test)]
mod tests;
