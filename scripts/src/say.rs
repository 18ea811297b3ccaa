//! Printing, in one place: lines for people on stdout, errors on stderr. A closed pipe is no error.

use std::io::Write;

/// Prints one line.
pub(crate) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _closed = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Prints one line of error, marked as such.
pub(crate) fn error(text: &str) {
    let _closed = writeln!(std::io::stderr().lock(), "error: {text}");
}
