//! The report of a failed command, as text and as JSON. Code, cause and remedy come from the error
//! type of the crate that failed.
//! Neighbours: every verb returns it, `exit` gives its exit code, `main` prints it.

use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::io;

use kms_client::{NodeFailure, PolicyFailure};
use kms_protocol::PolicyId;
use serde::Serialize;

use crate::exit;
use crate::terminal::BinaryOnTerminal;

pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// The report of a failed command. Boxed, to keep every `Result` small.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(crate) struct Failure(Box<Report>);

#[derive(Debug, Clone, Serialize)]
struct Report {
    code: &'static str,
    exit: u8,
    message: String,
    cause: Option<String>,
    hint: &'static str,
    policy: Option<PolicyId>,
    nodes: Vec<NodeFailure>,
    /// Of a read that tried several policies, each with its reason.
    policies: Vec<PolicyFailure>,
    /// Failures of the same command that stand beside this one.
    #[serde(skip)]
    others: Vec<Failure>,
}

impl Failure {
    /// Creates a failure of this crate.
    pub(crate) fn new(code: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Self(Box::new(Report {
            code,
            exit: exit::of(code),
            message: message.into(),
            cause: None,
            hint,
            policy: None,
            nodes: Vec::new(),
            policies: Vec::new(),
            others: Vec::new(),
        }))
    }

    /// Creates a failure from an error of a library crate.
    fn below(code: &'static str, error: &dyn StdError, remedy: &'static str) -> Self {
        let mut failure = Self::new(code, error.to_string(), remedy);
        failure.0.cause = cause_of(error, &failure.0.message);
        failure
    }

    /// Creates a failure for wrong use of the command line.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        let hint = "add --help to the command to see its flags";
        Self::new("usage", message, hint)
    }

    /// Creates the failure for a closed output pipe; it is not printed.
    pub(crate) fn broken_pipe() -> Self {
        let hint = "read the output to its end";
        Self::new("broken_pipe", "the reader of the output has gone", hint)
    }

    /// Creates the failure of a command that a signal stopped.
    pub(crate) fn interrupted() -> Self {
        let hint = "files are as they were; what was begun on chain goes on with the next command";
        Self::new("interrupted", "interrupted", hint)
    }

    /// Creates the failure of a file or stream that the command itself uses.
    pub(crate) fn io(what: impl fmt::Display, source: &io::Error) -> Self {
        let message = format!("{what}: {source}");
        match source.kind() {
            io::ErrorKind::NotFound => Self::new("not_found", message, "check the path"),
            _ => Self::new("io", message, "check the disk and its permissions"),
        }
    }

    /// The same for the owner of a grant, whom no owner can help.
    #[must_use]
    pub(crate) fn for_owner(self) -> Self {
        let hint = match self.0.code {
            "no_policy" => "`kms policies list` shows what you have granted",
            "policy_expired" => "its time is over; `kms grant` makes a new one",
            "policy_revoked" => "it was taken back; `kms grant` makes a new one",
            "arrangements_revoked" => "make a new one with `kms grant`",
            "threshold_not_met" => "`kms grant --resume` asks the miners again",
            _ => return self,
        };
        self.hint(hint)
    }

    /// Replaces the next step by a better one.
    #[must_use]
    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.0.hint = hint;
        self
    }

    /// Names the policy that the command failed for, unless the error names one.
    #[must_use]
    pub(crate) fn about(mut self, policy: PolicyId) -> Self {
        self.0.policy = self.0.policy.or(Some(policy));
        self
    }

    /// The failure of a command that went on after each of these: all are told, the first gives the
    /// exit code.
    pub(crate) fn of_several(failures: Vec<Self>) -> Outcome {
        let mut failures = failures.into_iter();
        let Some(mut first) = failures.next() else {
            return Ok(());
        };
        first.0.others.extend(failures);
        Err(first)
    }

    /// Creates the failure for a violated invariant of this program.
    pub(crate) fn bug(what: impl fmt::Display) -> Self {
        let hint = "report this with the message";
        Self::new("bug", format!("BUG: {what}"), hint)
    }

    /// What happened, in one line with the code.
    pub(crate) fn what_happened(&self) -> String {
        format!("{} [{}]", self.0.message, self.0.code)
    }

    /// What to do next.
    pub(crate) fn next_step(&self) -> &'static str {
        self.0.hint
    }

    /// The exit code of the process.
    pub(crate) fn exit(&self) -> u8 {
        self.0.exit
    }

    /// True for a closed output pipe, which is not reported.
    pub(crate) fn is_silent(&self) -> bool {
        self.0.code == "broken_pipe"
    }

    /// Formats the report as one JSON object on one line.
    ///
    /// Failures that stand beside it follow, one line each.
    pub(crate) fn to_json(&self) -> String {
        let json = serde_json::to_string(self);
        let mut text = json.unwrap_or_else(|_| format!("{{\"code\":{:?}}}", self.0.code));
        for other in &self.0.others {
            let _ = write!(text, "\n{}", other.to_json());
        }
        text
    }

    pub(crate) fn to_text(&self) -> String {
        let report = &self.0;
        let mut text = format!("error: {} [{}]", report.message, report.code);
        if let Some(policy) = report
            .policy
            .filter(|policy| !text.contains(&policy.to_string()))
        {
            let _ = write!(text, "\npolicy: {policy}");
        }
        if let Some(cause) = &report.cause {
            let _ = write!(text, "\ncause: {cause}");
        }
        // The miners of several policies stand beside their policy.
        let alone = report.policies.is_empty().then_some(&report.nodes);
        let nodes = alone.into_iter().flatten().map(ToString::to_string);
        let policies = report.policies.iter().map(ToString::to_string);
        for reason in nodes.chain(policies) {
            let _ = write!(text, "\n  {}", reason.replace('\n', "\n  "));
        }
        let _ = write!(text, "\nhint: {}", report.hint);
        for other in &report.others {
            let _ = write!(text, "\n{}", other.to_text());
        }
        text
    }
}

impl From<kms_client::Error> for Failure {
    fn from(error: kms_client::Error) -> Self {
        if let Some(failure) = output_failure(&error) {
            return failure;
        }
        let mut failure = Self::below(error.code(), &error, error.remedy());
        if let Some(choice) = ambiguity(&error) {
            failure.0.cause = Some(choice);
        }
        failure.0.policy = error.policy();
        failure.0.nodes = error.nodes().to_vec();
        failure.0.policies = error.tried().to_vec();
        failure
    }
}

impl From<kms_client::CoreError> for Failure {
    fn from(error: kms_client::CoreError) -> Self {
        kms_client::Error::from(error).into()
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
        Self::below(error.code(), &error, error.remedy())
    }
}

impl From<kms_node::ConfigError> for Failure {
    fn from(error: kms_node::ConfigError) -> Self {
        kms_node::NodeError::from(error).into()
    }
}

/// Joins the texts of the error's sources; `None` if the message already contains them.
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

/// Recognises failures of our own output that kms-client passes on as I/O errors.
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

/// Lists the policies that an ambiguous label and reader stand for.
fn ambiguity(error: &kms_client::Error) -> Option<String> {
    let kms_client::Error::PolicyAmbiguous { policies } = error else {
        return None;
    };
    let names: Vec<String> = policies.iter().map(ToString::to_string).collect();
    Some(names.join(", "))
}

#[cfg(test)]
mod tests;
