//! Polling for conditions, with a deadline: the only place of the tests where time passes idly.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

/// Far beyond what any condition takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const POLL: Duration = Duration::from_millis(40);

/// Asks `look` until it finds something.
///
/// # Panics
/// After [`PATIENCE`].
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{what} took too long");
        tokio::time::sleep(POLL).await;
    }
}

/// Asks `look` on this thread until it finds something.
///
/// # Errors
/// What `look` fails with, and that it took longer than `limit`.
pub fn poll<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().with_context(|| format!("waiting for {what}"))? {
            return Ok(found);
        }
        let seconds = limit.as_secs();
        ensure!(
            begun.elapsed() < limit,
            "{what} took longer than {seconds} s"
        );
        std::thread::sleep(POLL);
    }
}
