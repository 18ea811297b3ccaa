//! A request that spends is carried out once: its `Idempotency-Key` is written down before anything
//! is sent, and its answer before it is given. The same request under the same key gets the same
//! answer; one that was interrupted goes on.

use std::path::PathBuf;

use kms_protocol::{B256, keccak256};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::Call;
use super::problem::Problem;
use super::state::State;
use crate::error::Result;
use crate::store::{self, Versioned};

/// What is known of a request.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Once {
    version: u32,
    /// Hash of method, path and body.
    request: B256,
    /// Its answer, once it succeeded.
    pub(super) answer: Option<Value>,
    #[serde(skip)]
    path: PathBuf,
    /// Whether the request was begun before.
    #[serde(skip)]
    pub(super) is_again: bool,
}

impl Versioned for Once {
    const VERSION: u32 = 1;
}

impl Once {
    /// Finds what is known of the request, or writes it down. Called by whoever holds the state's
    /// `spending`.
    pub(super) fn begin(call: &Call, body: &[u8]) -> Result<Self, Problem> {
        let key = call.header("idempotency-key").unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@+".contains(c);
        if !(1..=64).contains(&key.len()) || !key.chars().all(plain) {
            return Err(Problem::own(400, "idempotency_key_missing"));
        }
        let (method, uri) = (call.parts.method.as_str(), call.parts.uri.to_string());
        let request = keccak256(&[method.as_bytes(), b" ", uri.as_bytes(), b"\n", body].concat());
        let path = file(&call.state, key);
        let known = store::read_json::<Self>(&path).map_err(|error| call.failed(error))?;
        if let Some(known) = known {
            if known.request != request {
                return Err(Problem::own(409, "idempotency_key_reused"));
            }
            return Ok(Self {
                path,
                is_again: true,
                ..known
            });
        }
        let once = Self {
            version: Self::VERSION,
            request,
            answer: None,
            path,
            is_again: false,
        };
        once.put().map_err(|error| call.failed(error))?;
        Ok(once)
    }

    /// Keeps the answer.
    pub(super) fn done(mut self, answer: &Value) -> Result<()> {
        self.answer = Some(answer.clone());
        self.put()
    }

    fn put(&self) -> Result<()> {
        if let Some(folder) = self.path.parent().filter(|folder| !folder.is_dir()) {
            store::create_private_dir(folder)?;
        }
        store::write_json(&self.path, self)
    }
}

fn file(state: &State, key: &str) -> PathBuf {
    let folder = state
        .home
        .path()
        .join("serve")
        .join(state.home.config().network_id());
    folder.join(format!("{}.json", hex::encode(keccak256(key.as_bytes()).0)))
}
