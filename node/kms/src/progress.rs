//! Progress on stderr: a bar for bytes, on a terminal and after half a second; a line per step for
//! grants and reads.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kms_client::{Event, Progress};

use crate::output::Output;
use crate::text::utc;

/// Time after which the bar is drawn.
const QUIET_TIME: Duration = Duration::from_millis(500);
const WITH_LENGTH: &str = "{msg} {bytes}/{total_bytes} [{wide_bar}] {bytes_per_sec} {eta}";
const WITHOUT_LENGTH: &str = "{msg} {bytes} {bytes_per_sec} {spinner}";

/// A progress bar in bytes, of a total that may be unknown.
pub(crate) struct ByteBar {
    out: Output,
    verb: &'static str,
    total: Option<u64>,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl ByteBar {
    /// Creates a bar, which is drawn by `set`.
    pub(crate) fn new(out: Output, verb: &'static str, total: Option<u64>) -> Self {
        Self {
            out,
            verb,
            total,
            started: Instant::now(),
            bar: None,
        }
    }

    /// Sets the number of bytes done; draws the bar once [`QUIET_TIME`] is over.
    pub(crate) fn set(&mut self, done: u64) {
        if self.bar.is_none() && self.out.shows_bars() && self.started.elapsed() > QUIET_TIME {
            self.bar = Some(draw(self.verb, self.total));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }
}

impl Drop for ByteBar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn draw(verb: &'static str, total: Option<u64>) -> ProgressBar {
    let template = if total.is_some() {
        WITH_LENGTH
    } else {
        WITHOUT_LENGTH
    };
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr())
        .with_style(style)
        .with_message(verb)
}

/// Writes a note per completed step.
pub(crate) struct Steps {
    out: Output,
    /// Text after the name of a miner that has finished its part, such as "has answered".
    done: &'static str,
}

impl Steps {
    /// Creates the progress of a command in which each miner ends with `done`.
    pub(crate) const fn new(out: Output, done: &'static str) -> Self {
        Self { out, done }
    }
}

impl Progress for Steps {
    fn event(&self, event: Event) {
        let out = self.out;
        match event {
            Event::Journaled { policy } => out.note(&format!("policy {policy} written down")),
            Event::TxSent { kind } => out.note(&format!("{kind}: sent, waiting for a block")),
            Event::TxMined { kind, block_number } => {
                out.note(&format!("{kind}: mined in block {block_number}"));
            }
            Event::NodeDone { miner, done, of } => {
                out.note(&format!("{miner} {} ({done} of {of})", self.done));
            }
            Event::NodeWaiting { miner, code } => {
                out.detail(&format!("{miner} will be asked again: {code}"));
            }
            Event::NodeFailed { miner, code } => out.note(&format!("{miner} failed: {code}")),
            Event::WaitingForStart { starts_at } => {
                out.note(&format!(
                    "waiting for the policy to begin at {}",
                    utc(starts_at)
                ));
            }
        }
    }
}
