//! Reads what anvil prints: where it listens, and the lines that an error shows.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::ChainError;

/// Longest time until anvil listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Last lines of anvil's output that an error shows.
const KEPT_LINES: usize = 10;
/// Beginning of the line that anvil prints once it listens.
const LISTENING: &str = "Listening on ";

/// Reads the process's output until it listens, and goes on reading so that it never blocks on a
/// full pipe.
pub(super) async fn listening_url(process: &mut Child) -> Result<String, ChainError> {
    let lines = Arc::new(Mutex::new(VecDeque::new()));
    let (sender, receiver) = oneshot::channel();
    if let Some(output) = process.stdout.take() {
        read_lines(output, &lines, Some(sender));
    }
    if let Some(errors) = process.stderr.take() {
        read_lines(errors, &lines, None);
    }
    match tokio::time::timeout(START_TIMEOUT, receiver).await {
        Ok(Ok(address)) => Ok(format!("http://{address}")),
        _ => {
            let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            let detail = Vec::from(lines.clone()).join("; ");
            Err(ChainError::AnvilFailed { detail })
        }
    }
}

fn read_lines(
    output: impl Read + Send + 'static,
    lines: &Arc<Mutex<VecDeque<String>>>,
    mut listening: Option<oneshot::Sender<String>>,
) {
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(address) = line.strip_prefix(LISTENING)
                && let Some(sender) = listening.take()
            {
                // The receiver is gone when the start has timed out.
                let _ = sender.send(address.trim().to_owned());
            }
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push_back(line);
            if lines.len() > KEPT_LINES {
                lines.pop_front();
            }
        }
    });
}
