//! The JSON of every refusal, after RFC 9457: in a sealed and signed answer, or in clear as
//! `application/problem+json` where a message does not open.
//!
//! `refusal.rs` lists the codes. Text is checked when parsed: bounded and printable.

use serde::{Deserialize, Serialize};

use super::{TEXT_MAX, plain_text};
use crate::error::Error;
use crate::refusal::Refusal;

/// Why a request was refused, for programs (`code`) and for people (the rest).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// Reason from the closed list.
    pub code: Refusal,
    /// The reason's title, one line.
    #[serde(deserialize_with = "plain_text")]
    pub title: String,
    /// The fault in this request.
    #[serde(deserialize_with = "plain_text")]
    pub detail: String,
    /// The next step of the caller.
    #[serde(deserialize_with = "plain_text")]
    pub hint: String,
    /// Seconds to wait before asking again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
}

impl Problem {
    /// Value of `Content-Type` for the body.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// Makes a refusal. `detail` is cut and cleaned to what a peer accepts.
    pub fn new(code: Refusal, detail: impl AsRef<str>) -> Self {
        Self {
            code,
            title: code.title().to_owned(),
            detail: clean(detail.as_ref()),
            hint: code.hint().to_owned(),
            retry_after_s: None,
        }
    }

    /// Adds the seconds to wait before asking again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}

impl From<Refusal> for Problem {
    fn from(code: Refusal) -> Self {
        Self::new(code, "")
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        Self::new(error.refusal(), error.to_string())
    }
}

/// Replaces what [`plain_text`] refuses by spaces and cuts to the limit at a character.
fn clean(text: &str) -> String {
    let mut cleaned = String::new();
    for character in text
        .chars()
        .map(|c| if super::is_printable(c) { c } else { ' ' })
    {
        if cleaned.len() + character.len_utf8() > TEXT_MAX {
            break;
        }
        cleaned.push(character);
    }
    cleaned
}

#[cfg(test)]
mod tests;
