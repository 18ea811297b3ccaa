//! What a terminal is shown: text, never binary data. Neighbours: `sink` writes through it,
//! `failure` knows its refusal.

use std::fmt;
use std::io::{self, Write};

/// What an output may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Any bytes: it is no terminal.
    Anything,
    /// Text alone.
    TextOnly,
}

/// Why a terminal was not written to.
#[derive(Debug)]
pub(crate) struct BinaryOnTerminal;

impl fmt::Display for BinaryOnTerminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("binary data is not written to a terminal")
    }
}

impl std::error::Error for BinaryOnTerminal {}

/// Passes bytes on, but to a terminal only as long as they are text.
pub(crate) struct Guarded<W> {
    inner: W,
    rule: Rule,
}

impl<W> Guarded<W> {
    pub(crate) const fn new(inner: W, rule: Rule) -> Self {
        Self { inner, rule }
    }
}

impl<W: Write> Write for Guarded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.rule == Rule::TextOnly && !is_text(bytes) {
            return Err(io::Error::other(BinaryOnTerminal));
        }
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// UTF-8 without control characters but for tab and line ends. A character may be cut off at
/// either end of a piece.
fn is_text(bytes: &[u8]) -> bool {
    let start = bytes
        .iter()
        .take(3)
        .take_while(|byte| **byte & 0xc0 == 0x80)
        .count();
    let rest = bytes.get(start..).unwrap_or_default();
    let text = match std::str::from_utf8(rest) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            let valid = rest.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

#[cfg(test)]
mod tests;
