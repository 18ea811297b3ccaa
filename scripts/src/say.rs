//! Prints lines on stdout and errors on stderr. A closed pipe is not an error.

use std::io::Write;

/// Prints one line on stdout.
pub(crate) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _closed = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Prints one line on stderr after `error: `.
pub(crate) fn error(text: &str) {
    let _closed = writeln!(std::io::stderr().lock(), "error: {text}");
}

/// Joins an error and its causes, outermost first, without causes that the text already contains.
pub(crate) fn causes(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};

    use super::causes;

    #[test]
    fn tells_every_cause_once() {
        for quotes_or_not in ["cannot read: disk", "cannot read"] {
            let failed = Err::<(), _>(anyhow!("disk")).context(quotes_or_not);
            let error = failed.context("params.toml").unwrap_err();
            assert_eq!(causes(&error), "params.toml: cannot read: disk");
        }
    }
}
