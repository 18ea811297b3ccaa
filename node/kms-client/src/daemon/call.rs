//! A request on its way to its handler, and the answer. Neighbour: `routes` lists the handlers.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::Query;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use super::state::State;
use crate::error::Error;

/// Longest body that is no file.
const JSON_BYTES_MAX: usize = 1024 * 1024;

pub(super) type Answer = Result<Response, Problem>;
pub(super) type Handler = fn(Call) -> BoxFuture<'static, Answer>;

/// What a body holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Nothing,
    Json,
    /// Bytes of any length.
    Raw,
    /// Server-sent events.
    Events,
}

/// One route.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) does: &'static str,
    /// Parameters of the query: name, meaning, whether it is required.
    pub(super) query: &'static [(&'static str, &'static str, bool)],
    /// Fields of a JSON body: name, meaning.
    pub(super) fields: &'static [(&'static str, &'static str)],
    pub(super) takes: Holds,
    pub(super) gives: Holds,
    /// Whether it needs an `Idempotency-Key`.
    pub(super) spends: bool,
    pub(super) is_public: bool,
    pub(super) handler: Handler,
}

impl Route {
    pub(super) const fn new(
        method: &'static str,
        path: &'static str,
        does: &'static str,
        handler: Handler,
    ) -> Self {
        Self {
            method,
            path,
            does,
            query: &[],
            fields: &[],
            takes: Holds::Nothing,
            gives: Holds::Json,
            spends: false,
            is_public: false,
            handler,
        }
    }
}

/// A request, on its way to its handler.
pub(super) struct Call {
    pub(super) state: Arc<State>,
    pub(super) parts: Parts,
    pub(super) id: Option<String>,
    pub(super) body: Body,
}

impl Call {
    /// A parameter of the query.
    pub(super) fn query(&self, name: &str) -> Result<Option<String>, Problem> {
        let query = Query::<BTreeMap<String, String>>::try_from_uri(&self.parts.uri);
        let Query(mut query) = query.map_err(Problem::invalid)?;
        Ok(query.remove(name))
    }

    pub(super) fn needed(&self, name: &str) -> Result<String, Problem> {
        let value = self.query(name)?;
        value.ok_or_else(|| Problem::invalid(format!("the query lacks {name}")))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    /// The whole JSON body, and what it says.
    pub(super) async fn json<T: DeserializeOwned>(&mut self) -> Result<(Vec<u8>, T), Problem> {
        let body = std::mem::take(&mut self.body);
        let bytes = to_bytes(body, JSON_BYTES_MAX)
            .await
            .map_err(Problem::invalid)?;
        let value = serde_json::from_slice(&bytes).map_err(Problem::invalid)?;
        Ok((bytes.to_vec(), value))
    }

    pub(super) fn failed(&self, error: impl Into<Error>) -> Problem {
        self.state.problem(&error.into())
    }
}

/// A JSON answer.
pub(super) fn json<T: Serialize>(value: &T) -> Answer {
    let text = serde_json::to_vec(value).map_err(Problem::invalid)?;
    Ok(([(CONTENT_TYPE, "application/json")], text).into_response())
}
