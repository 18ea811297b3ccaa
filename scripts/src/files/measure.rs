//! What one process used.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use wait4::Wait4 as _;

/// CPU time and memory of one process, with those it waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    pub(super) cpu_s: f64,
    pub(super) rss_mib: f64,
}

/// Runs a command to its end.
pub(super) fn measured(command: &mut Command) -> Result<Used> {
    let what = format!("{command:?}");
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let used = child.and_then(|child| child.wait4());
    let used = used.with_context(|| what.clone())?;
    ensure!(used.status.success(), "{what} ended with {}", used.status);
    let usage = used.rusage;
    let kib = u32::try_from(usage.maxrss / 1024)?;
    Ok(Used {
        cpu_s: (usage.utime + usage.stime).as_secs_f64(),
        rss_mib: f64::from(kib) / 1024.0,
    })
}

/// The middle one of some figures; 0 of none.
pub(super) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(0.0)
}
