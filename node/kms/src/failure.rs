//! What a failed command says: one shape for people and for programs, and the exit code. The codes
//! are those of the crates below; `codes` of kms-client and FORMAT.md list them.
//! Neighbours: every verb returns it, `main` prints it.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::io;

use kms_client::NodeFailure;
use kms_protocol::{Address, PolicyId};
use serde::Serialize;

use crate::sink::BinaryOnTerminal;

/// Wrong use of the command line.
pub(crate) const EXIT_USAGE: u8 = 2;
/// A thing that was named is not there.
pub(crate) const EXIT_NOT_FOUND: u8 = 3;
/// A file of ours cannot be used.
pub(crate) const EXIT_BAD_FILE: u8 = 20;
/// A signal, or somebody closed our output.
pub(crate) const EXIT_INTERRUPTED: u8 = 50;
/// Everything the person cannot change.
pub(crate) const EXIT_INTERNAL: u8 = 70;

/// What every verb returns.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why one miner did not do its part.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NodeReason {
    addr: Address,
    url: String,
    code: String,
    detail: String,
}

impl From<&NodeFailure> for NodeReason {
    fn from(node: &NodeFailure) -> Self {
        Self {
            addr: node.miner,
            url: node.url.clone(),
            code: node.code.clone(),
            detail: node.detail.clone(),
        }
    }
}

impl fmt::Display for NodeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = if self.url.is_empty() {
            "no URL"
        } else {
            &self.url
        };
        write!(f, "{} {url}: {} ({})", self.addr, self.detail, self.code)
    }
}

/// A failed command. Boxed, for it travels in every result.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(crate) struct Failure(Box<Report>);

#[derive(Debug, Clone, Serialize)]
struct Report {
    code: Cow<'static, str>,
    exit: u8,
    message: String,
    cause: Option<String>,
    hint: Option<Cow<'static, str>>,
    policy: Option<PolicyId>,
    nodes: Vec<NodeReason>,
}

impl Failure {
    /// A failure of the command itself.
    pub(crate) fn new(code: &'static str, exit: u8, message: impl Into<String>) -> Self {
        Self(Box::new(Report {
            code: code.into(),
            exit,
            message: message.into(),
            cause: None,
            hint: None,
            policy: None,
            nodes: Vec::new(),
        }))
    }

    /// Wrong use of the command line.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new("usage", EXIT_USAGE, message)
    }

    /// The reader of our output has gone: nothing is printed.
    pub(crate) fn broken_pipe() -> Self {
        Self::new(
            BROKEN_PIPE,
            EXIT_INTERRUPTED,
            "the reader of the output has gone",
        )
    }

    /// A signal stopped the command.
    pub(crate) fn interrupted() -> Self {
        Self::new("interrupted", EXIT_INTERRUPTED, "interrupted")
            .hint("files are as they were; what was begun on chain goes on with the next command")
    }

    /// A file or stream that the command itself uses.
    pub(crate) fn io(what: impl fmt::Display, source: &io::Error) -> Self {
        let not_found = source.kind() == io::ErrorKind::NotFound;
        let exit = if not_found {
            EXIT_NOT_FOUND
        } else {
            EXIT_INTERNAL
        };
        let code = if not_found { "not_found" } else { "io" };
        Self::new(code, exit, format!("{what}: {source}"))
    }

    /// Adds the next step.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The exit code of the process.
    pub(crate) fn exit(&self) -> u8 {
        self.0.exit
    }

    /// True if nobody is there to be told.
    pub(crate) fn is_silent(&self) -> bool {
        self.0.code == BROKEN_PIPE
    }

    /// One JSON object on one line.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| format!("{{\"code\":{:?}}}", self.0.code))
    }

    /// Lines for people.
    pub(crate) fn to_text(&self) -> String {
        let report = &self.0;
        let mut text = format!("error: {} [{}]", report.message, report.code);
        if let Some(cause) = &report.cause {
            let _ = write!(text, "\ncause: {cause}");
        }
        for node in &report.nodes {
            let _ = write!(text, "\n  {node}");
        }
        if let Some(hint) = &report.hint {
            let _ = write!(text, "\nhint: {hint}");
        }
        text
    }
}

const BROKEN_PIPE: &str = "broken_pipe";

impl From<kms_client::Error> for Failure {
    fn from(error: kms_client::Error) -> Self {
        if let Some(failure) = output_failure(&error) {
            return failure;
        }
        let message = error.to_string();
        Self(Box::new(Report {
            code: error.code().into(),
            exit: u8::try_from(error.exit()).unwrap_or(EXIT_INTERNAL),
            cause: ambiguity(&error).or_else(|| cause_of(&error, &message)),
            message,
            hint: error.hint().map(Cow::Borrowed),
            policy: error.policy(),
            nodes: error.nodes().iter().map(NodeReason::from).collect(),
        }))
    }
}

impl From<kms_format::Error> for Failure {
    fn from(error: kms_format::Error) -> Self {
        kms_client::Error::from(error).into()
    }
}

impl From<kms_chain::ChainError> for Failure {
    fn from(error: kms_chain::ChainError) -> Self {
        kms_client::Error::from(error).into()
    }
}

impl From<kms_node::NodeError> for Failure {
    fn from(error: kms_node::NodeError) -> Self {
        use kms_node::NodeError as Node;
        let exit = match &error {
            Node::Config(_) | Node::AlreadyInitialised { .. } => EXIT_USAGE,
            Node::Permissions { .. } | Node::Keystore { .. } | Node::Deployment { .. } => {
                EXIT_BAD_FILE
            }
            Node::ForeignDatabase { .. } => EXIT_BAD_FILE,
            Node::WrongPassphrase { .. } => 21,
            Node::WrongChain { .. } => 30,
            Node::AlreadyRunning { .. } => EXIT_INTERRUPTED,
            _ => EXIT_INTERNAL,
        };
        let message = error.to_string();
        let mut failure = Self::new(error.code(), exit, message.clone()).hint(error.remedy());
        failure.0.cause = cause_of(&error, &message);
        failure
    }
}

impl From<kms_node::ConfigError> for Failure {
    fn from(error: kms_node::ConfigError) -> Self {
        kms_node::NodeError::from(error).into()
    }
}

/// What the errors below say, where the message does not say it already.
fn cause_of(error: &dyn StdError, message: &str) -> Option<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        let said = message.contains(&text) || causes.iter().any(|cause| cause.contains(&text));
        if !said {
            causes.push(text);
        }
        next = cause.source();
    }
    if causes.is_empty() {
        None
    } else {
        Some(causes.join(": "))
    }
}

/// Failures of our own output that are not the system's.
fn output_failure(error: &kms_client::Error) -> Option<Failure> {
    let kms_client::Error::Format(kms_format::Error::Write(source)) = error else {
        return None;
    };
    if source.kind() == io::ErrorKind::BrokenPipe {
        return Some(Failure::broken_pipe());
    }
    source
        .get_ref()
        .filter(|inner| inner.is::<BinaryOnTerminal>())
        .map(|inner| {
            Failure::usage(inner.to_string()).hint("name a file with -o FILE, or use a pipe")
        })
}

/// The policies to choose from.
fn ambiguity(error: &kms_client::Error) -> Option<String> {
    let kms_client::Error::PolicyAmbiguous { policies } = error else {
        return None;
    };
    let names: Vec<String> = policies.iter().map(ToString::to_string).collect();
    Some(names.join(", "))
}

#[cfg(test)]
mod tests;
