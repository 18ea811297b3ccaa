//! The figures of drills, and RELIABILITY.md.

use std::fmt;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// What a drill did.
pub(super) struct Figures {
    name: &'static str,
    seconds: u64,
    /// What was done, in a sentence or two.
    pub(super) done: String,
    /// A table of Markdown, head first; may be empty.
    pub(super) rows: Vec<String>,
}

impl Figures {
    pub(super) fn new(done: String, rows: Vec<String>) -> Self {
        Self {
            name: "",
            seconds: 0,
            done,
            rows,
        }
    }

    pub(super) fn named(self, name: &'static str, took: Duration) -> Self {
        let seconds = took.as_secs();
        Self {
            name,
            seconds,
            ..self
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} s)", self.done, self.seconds)?;
        if !self.rows.is_empty() {
            write!(f, "\n\n{}", self.rows.join("\n"))?;
        }
        Ok(())
    }
}

/// The whole of RELIABILITY.md.
pub(super) fn document(told: &[Figures], commit: &str, seed: u64) -> Result<String> {
    let date = first_line("date", &["-u", "+%F"])?;
    let mut text = format!(
        "# Reliability\n\n\
         What `scripts/chaos` measured on {date} at {commit}, with `--seed {seed}`. It ends with \
         an error at the first broken promise, so each line below is of a run in which none was \
         broken. Repeat it with the same seed, or one drill of it with `--only TEXT`; \
         `scripts/chaos --help` tells how to bound count and time. `scripts/test` runs the short \
         form. The seconds are those of a machine with other work to do.\n"
    );
    for figures in told {
        text += &format!("\n## {}\n{figures}\n", capitalised(figures.name));
    }
    Ok(text)
}

/// The commit that is measured.
pub(super) fn commit() -> Result<String> {
    first_line("git", &["rev-parse", "--short=10", "HEAD"])
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn first_line(program: &str, args: &[&str]) -> Result<String> {
    let mut command = Command::new(program);
    let output = command.args(args).current_dir(crate::workspace::root());
    let output = output.output().with_context(|| program.to_owned())?;
    ensure!(output.status.success(), "{program} {args:?} failed");
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_tells_every_drill_with_its_seed() {
        let rows = vec!["| a |".to_owned(), "|---|".to_owned(), "| 1 |".to_owned()];
        let kills = Figures::new("12 kills.".to_owned(), rows);
        let told = [
            kills.named("kills", Duration::from_secs(3)),
            Figures::new("4 reorgs.".to_owned(), Vec::new()).named("reorgs", Duration::ZERO),
        ];
        let text = document(&told, "0700dff", 42).unwrap();
        assert!(text.contains("--seed 42"), "{text}");
        assert!(
            text.contains("\n## Kills\n12 kills. (3 s)\n\n| a |\n|---|\n| 1 |\n"),
            "{text}"
        );
        assert!(text.ends_with("\n## Reorgs\n4 reorgs. (0 s)\n"), "{text}");
    }
}
