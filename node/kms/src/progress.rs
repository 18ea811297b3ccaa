//! Progress on stderr: a bar for bytes or files, on a terminal and after half a second; a line per
//! step for grants and reads.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kms_client::{Event, Progress};

use crate::output::Output;
use crate::text::utc;

/// Time after which the bar is drawn.
const QUIET_TIME: Duration = Duration::from_millis(500);
const WITH_LENGTH: &str = "{msg} {bytes}/{total_bytes} [{wide_bar}] {bytes_per_sec} {eta}";
const WITHOUT_LENGTH: &str = "{msg} {bytes} {bytes_per_sec} {spinner}";
const FILES: &str = "{msg} {pos} files {spinner}";

/// A progress bar in bytes or files, of a total that may be unknown.
pub(crate) struct Bar {
    verb: &'static str,
    template: &'static str,
    total: Option<u64>,
    started: Instant,
    /// Whether anybody sees a bar; asked once, as it is a call of the system.
    visible: bool,
    bar: Option<ProgressBar>,
}

impl Bar {
    /// Creates a bar of bytes, which is drawn by `set`.
    pub(crate) fn bytes(out: Output, verb: &'static str, total: Option<u64>) -> Self {
        let template = total.map_or(WITHOUT_LENGTH, |_| WITH_LENGTH);
        Self::new(out, verb, template, total)
    }

    /// Creates a bar of files, of which nobody knows how many there are.
    pub(crate) fn files(out: Output, verb: &'static str) -> Self {
        Self::new(out, verb, FILES, None)
    }

    fn new(out: Output, verb: &'static str, template: &'static str, total: Option<u64>) -> Self {
        Self {
            verb,
            template,
            total,
            started: Instant::now(),
            visible: out.shows_bars(),
            bar: None,
        }
    }

    /// Sets the number of bytes or files done; draws the bar once [`QUIET_TIME`] is over.
    pub(crate) fn set(&mut self, done: u64) {
        if self.bar.is_none() && self.visible && self.started.elapsed() > QUIET_TIME {
            self.bar = Some(self.draw());
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }

    fn draw(&self) -> ProgressBar {
        let style = ProgressStyle::with_template(self.template)
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::with_draw_target(self.total, ProgressDrawTarget::stderr())
            .with_style(style)
            .with_message(self.verb)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
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
            Event::TxRefused { kind, words } => {
                out.note(&format!("{kind}: no endpoint takes it yet: {words}"));
            }
            Event::NonceFilled { nonce } => out.note(&format!(
                "nonce {nonce} was missing, so a transfer of nothing to yourself takes its place"
            )),
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
            Event::EvidenceKept { miner } => out.note(&format!(
                "{miner} answered falsely; its answer is kept: `kms accuse` shows what it is worth"
            )),
            Event::EvidenceLost { miner, code } => {
                out.note(&format!(
                    "{miner} answered falsely; its answer is not kept: {code}"
                ));
            }
            Event::WaitingForStart { starts_at } => {
                out.note(&format!(
                    "waiting for the policy to begin at {}",
                    utc(starts_at)
                ));
            }
        }
    }
}
