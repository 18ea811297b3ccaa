//! An error as the daemon answers it: the code, the message and the remedy are those of the command
//! line, with the exit code that it would end with.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kms_protocol::PolicyId;
use serde::Serialize;

use crate::error::{Error, NodeFailure, PolicyFailure};

/// Answers that no other surface has: code, message, remedy.
pub(super) const OWN: [(&str, &str, &str); 8] = [
    (
        "host_refused",
        "the request is addressed to another host",
        "use the address that `kms serve` printed",
    ),
    (
        "origin_refused",
        "web pages may not use this daemon",
        "call it from a program",
    ),
    (
        "token_missing",
        "the token is missing or wrong",
        "send `Authorization: Bearer TOKEN` from the file that `kms serve` printed",
    ),
    (
        "route_unknown",
        "there is no such route",
        "see GET /v1/openapi.json",
    ),
    (
        "request_invalid",
        "the request cannot be read",
        "see GET /v1/openapi.json for its fields",
    ),
    (
        "idempotency_key_missing",
        "a request that spends needs a key of its own",
        "send `Idempotency-Key` with 1 to 64 letters, digits and -_.@+",
    ),
    (
        "idempotency_key_reused",
        "the key was used for another request",
        "draw a new key for each request",
    ),
    (
        "range_refused",
        "the range is outside the file, or several ranges were asked for",
        "ask for one range inside the file",
    ),
];

/// What went wrong. Boxed, to keep every `Result` small.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(super) struct Problem(Box<Report>);

#[derive(Debug, Clone, Serialize)]
struct Report {
    #[serde(skip)]
    status: u16,
    code: String,
    exit: u8,
    message: String,
    hint: String,
    policy: Option<PolicyId>,
    nodes: Vec<NodeFailure>,
    policies: Vec<PolicyFailure>,
}

impl Problem {
    pub(super) fn of(error: &Error, exit_of: fn(&str) -> u8) -> Self {
        let exit = exit_of(error.code());
        Self(Box::new(Report {
            status: status_of(exit),
            code: error.code().to_owned(),
            exit,
            message: error.to_string(),
            hint: error.remedy().to_owned(),
            policy: error.policy(),
            nodes: error.nodes().to_vec(),
            policies: error.tried().to_vec(),
        }))
    }

    /// One of [`OWN`].
    pub(super) fn own(status: u16, code: &'static str) -> Self {
        let row = OWN.iter().find(|(known, ..)| *known == code);
        let (message, hint) = row.map_or(("", ""), |(_, message, hint)| (message, hint));
        Self::plain(status, code, message, hint)
    }

    /// An answer of a surface's own.
    pub(super) fn plain(status: u16, code: &str, message: &str, hint: &str) -> Self {
        Self(Box::new(Report {
            status,
            code: code.to_owned(),
            exit: 2,
            message: message.to_owned(),
            hint: hint.to_owned(),
            policy: None,
            nodes: Vec::new(),
            policies: Vec::new(),
        }))
    }

    /// A request that cannot be read, and why.
    pub(super) fn invalid(why: impl std::fmt::Display) -> Self {
        let mut problem = Self::own(400, "request_invalid");
        problem.0.message = format!("{}: {why}", problem.0.message);
        problem
    }

    #[cfg(test)]
    pub(super) fn code(&self) -> &str {
        &self.0.code
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self)).into_response()
    }
}

/// The status of an exit code.
const fn status_of(exit: u8) -> u16 {
    match exit {
        2 => 400,
        3 => 404,
        10 => 403,
        11 | 12 => 410,
        13 | 50 => 503,
        14 | 20 | 21 | 22 => 422,
        30 => 502,
        31 => 409,
        32 | 33 => 402,
        _ => 500,
    }
}
