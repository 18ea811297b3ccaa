//! `GET /v1/events`: what becomes of the account's policies, as server-sent events. The first
//! events tell how things stand; then one follows for each change.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse as _;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, stream};
use serde_json::json as object;

use super::call::{Answer, Call};
use super::policies::policy_row;
use super::state::State;
use crate::owner::PolicyReport;

/// What was told last, by policy.
#[derive(Default)]
struct Told {
    standings: BTreeMap<kms_protocol::PolicyId, (&'static str, u64)>,
    is_later: bool,
}

pub(super) fn stream(call: Call) -> BoxFuture<'static, Answer> {
    async move {
        let state = Arc::clone(&call.state);
        let events = stream::unfold((state, Told::default()), |(state, mut told)| async move {
            if told.is_later {
                tokio::time::sleep(state.look).await;
            }
            let text = next(&state, &mut told).await;
            told.is_later = true;
            Some((Ok::<_, std::io::Error>(Bytes::from(text)), (state, told)))
        });
        let headers = [
            (CONTENT_TYPE, "text/event-stream"),
            (CACHE_CONTROL, "no-store"),
        ];
        Ok((headers, Body::from_stream(events)).into_response())
    }
    .boxed()
}

/// The events since the last look; a comment if there are none, so that a broken line is noticed.
async fn next(state: &State, told: &mut Told) -> String {
    let reports = match state.owner().policies().await {
        Ok(reports) => reports,
        Err(error) => return event("problem", &object!(state.problem(&error))),
    };
    let mut text = String::new();
    for report in &reports {
        if let Some(name) = change(report, told) {
            text.push_str(&event(name, &policy_row(report)));
        }
    }
    match text.is_empty() {
        true => ":\n\n".to_owned(),
        false => text,
    }
}

fn change(report: &PolicyReport, told: &mut Told) -> Option<&'static str> {
    let now = (report.standing.name(), report.expires_at);
    match told.standings.insert(report.policy, now) {
        None if told.is_later => Some("granted"),
        None => Some("known"),
        Some(before) if before == now => None,
        Some((standing, _)) if standing != now.0 => Some(now.0),
        Some(_) => Some("renewed"),
    }
}

fn event(name: &str, data: &serde_json::Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}
