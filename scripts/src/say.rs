//! Prints lines on stdout and errors on stderr. A closed pipe is not an error.

use std::io::Write;

use kms_chain::ChainError;

/// Prints one line on stdout.
pub(crate) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _closed = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Prints one line on stderr after `error: `.
pub(crate) fn error(text: &str) {
    let _closed = writeln!(std::io::stderr().lock(), "error: {text}");
}

/// Prints on stderr what to do after an error.
pub(crate) fn next(text: &str) {
    let _closed = writeln!(std::io::stderr().lock(), "next: {text}");
}

/// What to do about an error: the remedy of the first cause that has one.
pub(crate) fn next_step(error: &anyhow::Error) -> &'static str {
    let remedies = error.chain().filter_map(|cause| {
        let chain = cause.downcast_ref::<ChainError>().map(ChainError::remedy);
        let protocol = cause.downcast_ref::<kms_protocol::Error>();
        chain.or_else(|| protocol.map(kms_protocol::Error::remedy))
    });
    let usual = "correct what the message names, then repeat the command; `--help` tells its flags";
    remedies.into_iter().next().unwrap_or(usual)
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

    use kms_chain::ChainError;

    use super::{causes, next_step};

    #[test]
    fn tells_every_cause_once() {
        for quotes_or_not in ["cannot read: disk", "cannot read"] {
            let failed = Err::<(), _>(anyhow!("disk")).context(quotes_or_not);
            let error = failed.context("params.toml").unwrap_err();
            assert_eq!(causes(&error), "params.toml: cannot read: disk");
        }
    }

    #[test]
    fn every_error_tells_what_to_do_next() {
        let typed = || ChainError::NoEndpoint;
        let expected = typed().remedy();
        for error in [
            anyhow::Error::from(typed()),
            anyhow::Error::from(typed())
                .context("deploying")
                .context("mainnet"),
        ] {
            assert_eq!(next_step(&error), expected);
        }
        let amount = anyhow::Error::from(kms_protocol::Error::AmountOverflow);
        assert_eq!(
            next_step(&amount),
            kms_protocol::Error::AmountOverflow.remedy()
        );
        assert!(next_step(&anyhow!("disk")).contains("--help"));
    }
}
