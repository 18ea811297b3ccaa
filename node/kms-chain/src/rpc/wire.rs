//! JSON-RPC 2.0 envelopes, and the cleaning of text that a server chose.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::limit::{Limit, limit_of};
use crate::error::{ChainError, RpcFault};

/// Longest server message kept, in characters.
const MESSAGE_CHARS: usize = 300;

#[derive(Serialize)]
pub(super) struct Request<'a, P: ?Sized> {
    pub(super) jsonrpc: &'static str,
    pub(super) id: u64,
    pub(super) method: &'static str,
    pub(super) params: &'a P,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    jsonrpc: Cow<'a, str>,
    id: Option<u64>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    error: Option<ErrorAnswer>,
}

/// Reads a field that may be `null`: `Some` then, and `None` only if it is absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// The `error` member of an answer.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorAnswer {
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: Option<serde_json::Value>,
}

impl ErrorAnswer {
    /// The limit that the endpoint tells of, which is no answer to the request.
    pub(super) fn limit(&self) -> Option<Limit> {
        limit_of(self.code, &self.message)
    }

    pub(super) fn into_chain_error(self, method: &'static str) -> ChainError {
        ChainError::Rpc {
            method,
            code: self.code,
            message: clean(&self.message),
            data: self.data.as_ref().and_then(revert_bytes),
        }
    }
}

/// Reads revert data as clients send it: hex, after "Reverted " in Parity's and Nethermind's
/// answers, or an object that holds it under a name of EDR's, Hardhat's or Ganache's.
fn revert_bytes(data: &serde_json::Value) -> Option<Vec<u8>> {
    match data {
        serde_json::Value::String(text) => {
            let text = text.strip_prefix("Reverted ").unwrap_or(text);
            hex::decode(text.strip_prefix("0x")?).ok()
        }
        serde_json::Value::Object(map) => {
            let mut named = ["data", "result", "return"].iter();
            revert_bytes(named.find_map(|name| map.get(*name))?)
        }
        _ => None,
    }
}

/// Reads the answer to request `id`.
pub(super) fn parse<R: DeserializeOwned>(
    body: &[u8],
    id: u64,
) -> Result<Result<R, ErrorAnswer>, RpcFault> {
    let response: Response<'_> = serde_json::from_slice(body).map_err(|_| RpcFault::Malformed)?;
    if response.jsonrpc != "2.0" {
        return Err(RpcFault::Malformed);
    }
    if response.id != Some(id) {
        return Err(RpcFault::WrongId);
    }
    match (response.result, response.error) {
        (_, Some(error)) => Ok(Err(error)),
        (Some(raw), None) => serde_json::from_str(raw.get())
            .map(Ok)
            .map_err(|_| RpcFault::Malformed),
        (None, None) => Err(RpcFault::Malformed),
    }
}

/// Cuts a server's text and drops the characters that could alter a log or a terminal.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(MESSAGE_CHARS)
        .collect();
    if text.chars().nth(MESSAGE_CHARS).is_some() {
        cleaned.push('…');
    }
    cleaned
}
