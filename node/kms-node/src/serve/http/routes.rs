//! The routes: each reads its input within a limit, calls one flow, and turns the verdict into a
//! response. The rules are in `gate`.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Request, Response, StatusCode, header};
use axum::routing::{get, post};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use kms_protocol::messages::{KfragUpload, Problem, ReencryptRequest};
use kms_protocol::{PolicyId, Refusal};
use serde::de::DeserializeOwned;

use super::connections::Peer;
use super::reply::{self, refuse};
use crate::gate::Verdict;
use crate::kfrag::upload::{self, Stored};
use crate::node::Node;
use crate::serve::reencrypt;

/// Largest request body. A valid request has at most 64 capsules, under 16 KiB.
pub(super) const MAX_BODY_BYTES: usize = 64 * 1024;
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Shared = State<Arc<Node>>;

pub(super) fn router(node: Arc<Node>) -> Router {
    Router::new()
        .route("/v2/policies/{id}/kfrag", post(upload))
        .route("/v2/policies/{id}/reencrypt", post(reencrypt))
        .route("/v1/policies/{id}", get(status))
        .route("/v1/info", get(info))
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .with_state(node)
}

async fn upload(
    State(node): Shared,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response<Body> {
    count(&node, "kfrag");
    let accepted = async {
        let id = policy_id(&id)?;
        let upload: KfragUpload = read_json(request).await?;
        upload::accept(&node, id, upload).await
    };
    match accepted.await {
        Ok((Stored::Now, ack)) => reply::json(StatusCode::CREATED, &ack),
        Ok((Stored::Before, ack)) => reply::json(StatusCode::OK, &ack),
        Err(problem) => refuse(&node, &problem),
    }
}

async fn reencrypt(
    State(node): Shared,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response<Body> {
    count(&node, "reencrypt");
    let answered = async {
        let id = policy_id(&id)?;
        let request: ReencryptRequest = read_json(request).await?;
        reencrypt::answer(&node, id, request).await
    };
    match answered.await {
        Ok(answer) => reply::json(StatusCode::OK, &answer),
        Err(problem) => refuse(&node, &problem),
    }
}

async fn status(
    State(node): Shared,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response<Body> {
    count(&node, "policy");
    arrived(&request);
    let status = async { node.status(policy_id(&id)?).await };
    match status.await {
        Ok(status) => reply::json(StatusCode::OK, &status),
        Err(problem) => refuse(&node, &problem),
    }
}

async fn info(State(node): Shared, request: Request<Body>) -> Response<Body> {
    count(&node, "info");
    arrived(&request);
    reply::json(StatusCode::OK, &node.info())
}

/// Answers `/livez`: shows that the runtime is alive, and checks nothing else.
async fn live(request: Request<Body>) -> Response<Body> {
    arrived(&request);
    reply::json(StatusCode::OK, &serde_json::json!({ "live": true }))
}

async fn ready(State(node): Shared, request: Request<Body>) -> Response<Body> {
    arrived(&request);
    let report = node.report().await;
    let status = if report.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    reply::json(status, &report)
}

async fn metrics(State(node): Shared, request: Request<Body>) -> Response<Body> {
    arrived(&request);
    let local = request
        .extensions()
        .get::<Peer>()
        .is_some_and(|peer| peer.ip.is_loopback());
    if !local && !node.config.metrics_remote {
        let detail = "metrics are answered to this host only (metrics_remote = false)";
        return refuse(&node, &Problem::new(Refusal::NotFound, detail));
    }
    node.refresh_gauges().await;
    reply::text(METRICS_TYPE, node.metrics.render())
}

async fn unknown(State(node): Shared) -> Response<Body> {
    refuse(&node, &Problem::from(Refusal::NotFound))
}

fn count(node: &Node, route: &'static str) {
    node.metrics
        .requests
        .get_or_create(&[("route", route)])
        .inc();
}

fn policy_id(text: &str) -> Verdict<PolicyId> {
    text.parse().map_err(|_| {
        Problem::new(
            Refusal::BadRequest,
            "a policy id is 0x and 64 hexadecimal digits",
        )
    })
}

/// Records in the connection table that the request has arrived whole.
fn arrived(request: &Request<Body>) {
    if let Some(peer) = request.extensions().get::<Peer>() {
        peer.entry.working();
    }
}

async fn read_json<T: DeserializeOwned>(request: Request<Body>) -> Verdict<T> {
    let too_large = || {
        Problem::new(
            Refusal::TooLarge,
            format!("a body has at most {MAX_BODY_BYTES} bytes"),
        )
    };
    let declared = request.headers().get(header::CONTENT_LENGTH);
    let declared = declared.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > MAX_BODY_BYTES) {
        return Err(too_large());
    }
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY_BYTES)
        .collect()
        .await
        .map_err(|error| match error.downcast_ref::<LengthLimitError>() {
            Some(_) => too_large(),
            None => Problem::new(Refusal::BadRequest, "the body broke off"),
        })?;
    if let Some(peer) = parts.extensions.get::<Peer>() {
        peer.entry.working();
    }
    let bytes = body.to_bytes();
    serde_json::from_slice(&bytes).map_err(|error| unreadable(&bytes, &error))
}

/// The problem of a malformed message: unsigned, or not to be parsed.
fn unreadable(bytes: &[u8], error: &serde_json::Error) -> Problem {
    let object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(bytes);
    if object.is_ok_and(|object| !object.contains_key("signature")) {
        return Problem::new(Refusal::BadSignature, "the message is not signed");
    }
    Problem::new(Refusal::BadRequest, error.to_string())
}
