//! The only place that writes results to stdout: JSON, one object per line, or text. Notes and
//! progress go to stderr. A closed stdout pipe ends the command without a message.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use serde::{Serialize, Serializer};

use crate::failure::{Failure, Outcome};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Text, tables for lists.
    Human,
    /// One JSON object per line.
    Json,
}

/// How much is written to stderr beside errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chatter {
    /// No notes, no progress.
    Quiet,
    /// Completed steps, progress bars.
    Normal,
    /// Also what the command waits for.
    Verbose,
}

/// The format of results and the amount of notes that the command line asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) chatter: Chatter,
}

/// A value that is one row of a list.
pub(crate) trait Row: Serialize {
    const HEAD: &'static [&'static str];
    /// The texts of the row, as many as `HEAD` has columns.
    fn cells(&self) -> Vec<String>;
}

impl Output {
    pub(crate) fn emit<T: Serialize + Display>(self, result: &T) -> Outcome {
        self.emit_as(result, || result.to_string())
    }

    /// Writes one result: `value` as JSON, or the given text.
    pub(crate) fn emit_as<T: Serialize>(
        self,
        result: &T,
        text: impl FnOnce() -> String,
    ) -> Outcome {
        match self.format {
            Format::Human => write_line(&text()),
            Format::Json => self.json(result),
        }
    }

    /// Writes a list: a table, or one JSON object per line. For an empty table notes `empty`.
    pub(crate) fn list<T: Row>(self, rows: &[T], empty: &str) -> Outcome {
        if self.format == Format::Json {
            return rows.iter().try_for_each(|row| self.json(row));
        }
        if rows.is_empty() {
            self.note(empty);
            return Ok(());
        }
        write_line(&table(
            T::HEAD,
            &rows.iter().map(Row::cells).collect::<Vec<_>>(),
        ))
    }

    /// Writes one line of text that is no result of its own; nothing in JSON.
    pub(crate) fn text(self, line: &str) -> Outcome {
        match self.format {
            Format::Human => write_line(line),
            Format::Json => Ok(()),
        }
    }

    /// Writes one JSON object per line; nothing in text format.
    pub(crate) fn objects<T: Serialize>(self, values: &[T]) -> Outcome {
        match self.format {
            Format::Human => Ok(()),
            Format::Json => values.iter().try_for_each(|value| self.json(value)),
        }
    }

    /// Writes a note on stderr, unless `--quiet` or `--json` is given.
    pub(crate) fn note(self, line: &str) {
        if self.format == Format::Human && self.chatter != Chatter::Quiet {
            complain(line);
        }
    }

    /// Writes a note on stderr under `--verbose` only.
    pub(crate) fn detail(self, line: &str) {
        if self.chatter == Chatter::Verbose {
            self.note(line);
        }
    }

    /// Returns this output with notes under `--verbose` only.
    pub(crate) fn quieter(self) -> Self {
        match self.chatter {
            Chatter::Verbose => self,
            Chatter::Quiet | Chatter::Normal => Self {
                chatter: Chatter::Quiet,
                ..self
            },
        }
    }

    /// True if progress bars are drawn: text format, not quiet, stderr is a terminal.
    pub(crate) fn shows_bars(self) -> bool {
        self.format == Format::Human && self.chatter != Chatter::Quiet && io::stderr().is_terminal()
    }

    fn json<T: Serialize>(self, value: &T) -> Outcome {
        let line = serde_json::to_string(value).map_err(Failure::bug)?;
        write_line(&line)
    }
}

/// Serialises a path as text. JSON has no other bytes: what is not UTF-8 becomes U+FFFD.
pub(crate) fn path_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// Writes a line to stderr; a failure of that is ignored.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

pub(crate) fn write_line(line: &str) -> Outcome {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| stdout_failure(&error))
}

/// The failure for an error of stdout: silent for a closed pipe.
pub(crate) fn stdout_failure(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::broken_pipe(),
        _ => Failure::io("standard output", error),
    }
}

/// Formats a table: columns padded to their widest cell, two spaces apart.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|text| (*text).to_owned()).collect();
    let width = |column: usize| {
        let cells = std::iter::once(&head)
            .chain(rows)
            .filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    std::iter::once(&head)
        .chain(rows)
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests;
