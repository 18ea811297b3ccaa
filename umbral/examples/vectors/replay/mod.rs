//! Runs the cases of a vector file against the crate. Shared by the example and by the test.

mod input;
mod kinds;
mod tape;

use serde_json::Value;
use umbral::{Error, compat};

/// What came of a file.
pub(crate) struct Report {
    /// Cases that did what was expected.
    pub(crate) passed: usize,
    /// One line for each of the others.
    pub(crate) failures: Vec<String>,
}

/// Why a case did not produce a value.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The crate refused, which may be what is expected.
    Refused(compat::Error),
    /// The case cannot be run, or the crate contradicts itself or the input: never expected.
    Broken(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error.into())
    }
}

impl From<compat::Error> for Failure {
    fn from(error: compat::Error) -> Self {
        Self::Refused(error)
    }
}

impl Failure {
    pub(crate) fn broken<T>(reason: impl Into<String>) -> Result<T, Self> {
        Err(Self::Broken(reason.into()))
    }
}

/// Runs every case of a file. An error means the file itself cannot be understood.
pub(crate) fn replay(text: &str) -> Result<Report, String> {
    let file: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if file.get("format") != Some(&Value::from(1)) {
        return Err("format is not 1".into());
    }
    let cases = file
        .get("cases")
        .and_then(Value::as_array)
        .ok_or("no list of cases")?;
    let failures: Vec<String> = cases.iter().filter_map(|case| run(case).err()).collect();
    Ok(Report {
        passed: cases.len() - failures.len(),
        failures,
    })
}

fn run(case: &Value) -> Result<(), String> {
    let text = |field| case.get(field).and_then(Value::as_str).unwrap_or("?");
    let (id, kind, note) = (text("id"), text("kind"), text("note"));
    let outcome = match case.get("in") {
        Some(input) => kinds::run(kind, input),
        None => Failure::broken("no input"),
    };
    judge(&outcome, case.get("expect")).map_err(|reason| format!("{id} {kind} ({note}): {reason}"))
}

/// Compares an outcome with `{"ok": value}` or `{"err": name}`.
fn judge(outcome: &Result<Value, Failure>, expect: Option<&Value>) -> Result<(), String> {
    let field = |name| expect.and_then(|expect| expect.get(name));
    match (outcome, field("ok"), field("err").and_then(Value::as_str)) {
        (Err(Failure::Broken(reason)), _, _) => Err(reason.clone()),
        (Ok(value), Some(expected), None) if value == expected => Ok(()),
        (Err(Failure::Refused(_)), None, Some("reject")) => Ok(()),
        (Err(Failure::Refused(error)), None, Some(name)) if names(*error).contains(&name) => Ok(()),
        (Ok(value), Some(expected), None) => Err(format!("expected {expected}, got {value}")),
        (Ok(value), None, Some(name)) => Err(format!("expected {name}, got {value}")),
        (Err(Failure::Refused(error)), Some(_), None) => Err(format!("refused: {error}")),
        (Err(Failure::Refused(error)), None, Some(name)) => {
            Err(format!("expected {name}, refused with: {error}"))
        }
        (_, Some(_), Some(_)) | (_, None, None) => Err("expects neither ok nor err".into()),
    }
}

/// What umbral-pre calls the same refusal. Several names where this crate refuses while decoding
/// what umbral-pre refuses in a later check.
fn names(error: compat::Error) -> &'static [&'static str] {
    match error {
        compat::Error::Umbral(error) => common_names(error),
        compat::Error::Framing { .. } | compat::Error::InvalidFlag { .. } => &["Decode"],
        compat::Error::ForeignParameters => &["Decode", "IncorrectCommitment"],
        compat::Error::DelegatingKeyNotProvided => &["DelegatingKeyNotProvided"],
        compat::Error::ReceivingKeyNotProvided => &["ReceivingKeyNotProvided"],
        compat::Error::ProxySignature => &["IncorrectSignature"],
        // umbral-pre does not check it: it counts as "reject" only.
        compat::Error::ReceiverSignature => &[],
    }
}

fn common_names(error: Error) -> &'static [&'static str] {
    match error {
        Error::Length { .. }
        | Error::InvalidPoint { .. }
        | Error::InvalidScalar { .. }
        | Error::InvalidSignature { .. }
        | Error::CapsuleInvalid => &["Decode"],
        Error::PointOutOfRange { .. } => &["Decode", "IncorrectReencryption"],
        Error::ZeroScalar { .. } => &["Decode", "IncorrectCommitment", "IncorrectReencryption"],
        Error::HighS { .. } => &["IncorrectSignature", "IncorrectKeyFragSignature"],
        Error::CommitmentMismatch => &["IncorrectCommitment"],
        Error::CapsuleFragSignature => &["IncorrectKeyFragSignature"],
        Error::Reencryption(_) => &["IncorrectReencryption"],
        Error::NoCapsuleFrags => &["OnOpen(NoCapsuleFrags)"],
        Error::MismatchedCapsuleFrag { .. } => &["OnOpen(MismatchedCapsuleFrags)"],
        Error::RepeatedCapsuleFrag { .. } => &["OnOpen(RepeatingCapsuleFrags)"],
        Error::ValidationFailed => &["OnOpen(ValidationFailed)"],
        Error::CiphertextTooShort { .. } => {
            &["CiphertextTooShort", "OnDecryption(CiphertextTooShort)"]
        }
        Error::AuthenticationFailed => {
            &["AuthenticationFailed", "OnDecryption(AuthenticationFailed)"]
        }
        // Refusals that umbral-pre does not know: they count as "reject" only.
        _ => &[],
    }
}
