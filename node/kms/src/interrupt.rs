//! Handles SIGINT, SIGTERM and SIGHUP: removes part files, turns the terminal's echo on, and dies
//! by the signal. Transactions under way are in a journal, and the next command resumes them.

use std::io;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::process::Command;
use std::sync::Mutex;
#[cfg(unix)]
use std::task::Poll;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit;
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
                let _ = std::fs::remove_dir_all(part);
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

/// A signal that asks a command to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Ctrl-C.
    Interrupt,
    /// `kill`.
    Terminate,
    /// The terminal is closed.
    HangUp,
}

impl Stop {
    #[cfg(unix)]
    const ALL: [Self; 3] = [Self::Interrupt, Self::Terminate, Self::HangUp];

    #[cfg(unix)]
    const fn kind(self) -> SignalKind {
        match self {
            Self::Interrupt => SignalKind::interrupt(),
            Self::Terminate => SignalKind::terminate(),
            Self::HangUp => SignalKind::hangup(),
        }
    }

    /// Ends the process by the signal itself, so that a shell ends its loop. `sh` takes the place
    /// of this program for it: whoever has a handler cannot go back without unsafe code.
    pub(crate) fn die(self) -> ! {
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt as _;
            let number = self.kind().as_raw_value().to_string();
            let mut command = Command::new("/bin/sh");
            command.env_clear().args(["-c", "kill -$0 $$", &number]);
            // Returns only if there is no shell.
            let _ = command.exec();
        }
        std::process::exit(i32::from(exit::of("interrupted")));
    }
}

/// Handlers of the signals that ask to end; under `nohup` all but SIGHUP.
pub(crate) struct Stops {
    #[cfg(unix)]
    streams: Vec<(Stop, Signal)>,
}

impl Stops {
    /// Installs the handlers.
    ///
    /// # Errors
    /// If one cannot be installed.
    pub(crate) fn install() -> io::Result<Self> {
        #[cfg(unix)]
        {
            let heeded = Stop::ALL.into_iter();
            let heeded = heeded.filter(|stop| *stop != Stop::HangUp || !ignores_hang_up());
            let streams = heeded.map(|stop| Ok((stop, signal(stop.kind())?)));
            let streams = streams.collect::<io::Result<_>>()?;
            Ok(Self { streams })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Returns at the first signal.
    ///
    /// # Errors
    /// If no handler can be installed.
    pub(crate) async fn first(mut self) -> io::Result<Stop> {
        #[cfg(unix)]
        {
            let first = std::future::poll_fn(|context| {
                let came = self.streams.iter_mut().find_map(|(stop, stream)| {
                    stream.poll_recv(context).is_ready().then_some(*stop)
                });
                came.map_or(Poll::Pending, Poll::Ready)
            });
            Ok(first.await)
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await.map(|()| Stop::Interrupt)
    }
}

/// Whether the parent had SIGHUP ignored; false where the system does not tell.
#[cfg(unix)]
fn ignores_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Signal n is bit n - 1.
    mask.is_some_and(|mask| mask & 1 == 1)
}

/// Returns at the first SIGINT, SIGTERM or SIGHUP, the last of which a closed terminal sends.
///
/// # Errors
/// If no signal handler can be installed.
pub(crate) async fn asked_to_stop() -> io::Result<()> {
    Stops::install()?.first().await.map(drop)
}

#[cfg(test)]
mod tests;
