//! Keeps binary data off terminals. Neighbours: `sink` writes through it, `failure` reports its
//! error.

use std::fmt;
use std::io::{self, Write};

/// The bytes that an output accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// All bytes; for outputs that are not terminals.
    Anything,
    /// UTF-8 text without control characters but tab and line ends.
    TextOnly,
}

/// The error of binary data on a terminal.
#[derive(Debug)]
pub(crate) struct BinaryOnTerminal;

impl fmt::Display for BinaryOnTerminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("binary data is not written to a terminal")
    }
}

impl std::error::Error for BinaryOnTerminal {}

/// A writer that refuses bytes its [`Rule`] does not accept.
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

/// True for text by [`Rule::TextOnly`]; a character may be cut off at either end of `bytes`.
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
