//! The only place that writes results to stdout: JSON, one object per line, or text for people.
//! Notes and progress go to stderr. A reader that goes away ends the command quietly.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use crate::failure::{Failure, Outcome};

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Text for people.
    Human,
    /// One JSON object per line.
    Json,
}

/// How much is said beside the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chatter {
    /// Nothing.
    Quiet,
    /// Steps that were taken, progress bars.
    Normal,
    /// Waiting too.
    Verbose,
}

/// Where a command writes what it has to say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) chatter: Chatter,
}

/// One line of a list: its heading and its cells.
pub(crate) trait Row: Serialize {
    /// Headings of the columns.
    const HEAD: &'static [&'static str];
    /// One text per column.
    fn cells(&self) -> Vec<String>;
}

impl Output {
    /// Writes one result.
    pub(crate) fn emit<T: Serialize + Display>(self, result: &T) -> Outcome {
        self.emit_as(result, || result.to_string())
    }

    /// Writes one result that is a value of a library, with a text of its own for people.
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

    /// Writes a list: a table, or one object per line. An empty list says so on stderr.
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

    /// Writes one line for people that is no result of its own; nothing in JSON.
    pub(crate) fn text(self, line: &str) -> Outcome {
        match self.format {
            Format::Human => write_line(line),
            Format::Json => Ok(()),
        }
    }

    /// Writes objects for programs; nothing for people.
    pub(crate) fn objects<T: Serialize>(self, values: &[T]) -> Outcome {
        match self.format {
            Format::Human => Ok(()),
            Format::Json => values.iter().try_for_each(|value| self.json(value)),
        }
    }

    /// Tells a step on stderr, to people who have not asked for silence.
    pub(crate) fn note(self, line: &str) {
        if self.format == Format::Human && self.chatter != Chatter::Quiet {
            complain(line);
        }
    }

    /// As a note, for those who asked for more.
    pub(crate) fn detail(self, line: &str) {
        if self.chatter == Chatter::Verbose {
            self.note(line);
        }
    }

    /// The same output, with notes only for those who asked for more.
    pub(crate) fn quieter(self) -> Self {
        match self.chatter {
            Chatter::Verbose => self,
            Chatter::Quiet | Chatter::Normal => Self {
                chatter: Chatter::Quiet,
                ..self
            },
        }
    }

    /// True if a progress bar would be seen.
    pub(crate) fn shows_bars(self) -> bool {
        self.format == Format::Human && self.chatter != Chatter::Quiet && io::stderr().is_terminal()
    }

    fn json<T: Serialize>(self, value: &T) -> Outcome {
        let line = serde_json::to_string(value).map_err(Failure::bug)?;
        write_line(&line)
    }
}

/// Writes a line to stderr; there is nobody to tell if that fails.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Writes a line to stdout.
pub(crate) fn write_line(line: &str) -> Outcome {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| stdout_failure(&error))
}

/// Why stdout could not be written.
pub(crate) fn stdout_failure(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::broken_pipe(),
        _ => Failure::io("standard output", error),
    }
}

/// Columns padded to their widest cell, two spaces apart.
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
