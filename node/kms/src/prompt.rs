//! Asks at the terminal with its echo off. The terminal belongs to one process group at a time:
//! from another one nothing is asked, as the kernel would stop the process.
//! Neighbours: `passphrase` asks, `interrupt` turns the echo on again when a signal ends the
//! command.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kms_client::Error;
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use zeroize::Zeroizing;

const TERMINAL: &str = "/dev/tty";
/// Longest line that a terminal gives at once, in bytes.
const LINE_BYTES: usize = 4096;

/// The terminal's settings from before a prompt, while it is hidden.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Asks a question and reads a line that is not shown.
///
/// # Errors
/// [`Error::PassphraseMissing`] without a terminal or for an empty line,
/// [`Error::PromptInBackground`] from a background job, [`Error::Interrupted`].
pub(crate) fn ask(question: &str) -> Result<Zeroizing<String>, Error> {
    let options = File::options().read(true).write(true).open(TERMINAL);
    let mut terminal = options.map_err(|_| Error::PassphraseMissing)?;
    // Without an answer there is no terminal to speak of.
    let owner = tcgetpgrp(&terminal).map_err(|_| Error::PassphraseMissing)?;
    if owner != getpgrp() {
        return Err(Error::PromptInBackground);
    }
    let failed = |source| Error::io(TERMINAL.as_ref(), source);
    let hidden = Hidden::over(&terminal).map_err(failed)?;
    terminal.write_all(question.as_bytes()).map_err(failed)?;
    let line = read_line(&mut terminal);
    drop(hidden);
    match line {
        Ok(line) if line.is_empty() => Err(Error::PassphraseMissing),
        Ok(line) => Ok(line),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Error::Interrupted),
        Err(error) => Err(failed(error)),
    }
}

/// Turns the echo on again if a prompt has turned it off.
pub(crate) fn show_again() {
    if let Some(before) = before().take()
        && let Ok(terminal) = File::options().read(true).write(true).open(TERMINAL)
    {
        let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
    }
}

fn before() -> MutexGuard<'static, Option<Termios>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A terminal whose echo is off until this is dropped.
struct Hidden;

impl Hidden {
    fn over(terminal: impl AsFd) -> io::Result<Self> {
        let modes = tcgetattr(&terminal)?;
        *before() = Some(modes.clone());
        let mut hidden = modes;
        hidden.local_modes.remove(LocalModes::ECHO);
        // The end of the line is shown, so that the next output begins on a new one.
        hidden
            .local_modes
            .insert(LocalModes::ECHONL | LocalModes::ICANON);
        tcsetattr(&terminal, OptionalActions::Now, &hidden)?;
        Ok(Self)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        show_again();
    }
}

/// Reads one line, which a terminal gives whole, without its end.
fn read_line(terminal: &mut File) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; LINE_BYTES]);
    let count = terminal.read(bytes.as_mut_slice())?;
    let line = bytes.get(..count).unwrap_or_default();
    let text = std::str::from_utf8(line).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(Zeroizing::new(
        text.trim_end_matches(['\n', '\r']).to_owned(),
    ))
}
