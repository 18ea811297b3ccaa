//! The routes: each reads its input within a limit, calls one flow, and turns the verdict into a
//! response. The rules are in `gate`.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Request, Response, StatusCode, header};
use axum::routing::{get, post};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use kms_protocol::Refusal;
use kms_protocol::messages::Problem;

use super::connections::Peer;
use super::reply::{self, refuse};
use crate::config::Role;
use crate::gate::Verdict;
use crate::host::health::Concern;
use crate::node::Node;
use crate::serve::message;

/// Largest request body. A valid message has at most 64 capsules, under 16 KiB.
pub(super) const MAX_BODY_BYTES: usize = 64 * 1024;

type Shared = State<Arc<Node>>;

pub(super) fn router(node: Arc<Node>) -> Router {
    Router::new()
        .route("/v2/message", post(message))
        .route("/v2/info", get(info))
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/earnz", get(earning))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .with_state(node)
}

async fn message(State(node): Shared, request: Request<Body>) -> Response<Body> {
    let answered = async {
        answers_readers(&node)?;
        let body = read_body(request).await?;
        message::exchange(&node, &body).await
    };
    match answered.await {
        Ok(answer) => reply::sealed(answer),
        Err(problem) => {
            node.metrics.request("message");
            refuse(&node, &problem)
        }
    }
}

async fn info(State(node): Shared, request: Request<Body>) -> Response<Body> {
    node.metrics.request("info");
    arrived(&request);
    match answers_readers(&node).and_then(|()| node.info()) {
        Ok(info) => reply::json(StatusCode::OK, &info),
        Err(problem) => refuse(&node, &problem),
    }
}

/// Refuses all but the pages about the node itself where it follows the chain for others.
fn answers_readers(node: &Node) -> Verdict {
    match node.config.role {
        Role::Chain => {
            let detail = "this node follows the chain for others and answers nobody";
            Err(Problem::new(Refusal::NotFound, detail))
        }
        Role::All | Role::Api => Ok(()),
    }
}

/// Answers `/livez`: shows that the runtime is alive, and checks nothing else.
async fn live(request: Request<Body>) -> Response<Body> {
    arrived(&request);
    reply::json(StatusCode::OK, &serde_json::json!({ "live": true }))
}

async fn ready(State(node): Shared, request: Request<Body>) -> Response<Body> {
    arrived(&request);
    let report = node.report().await;
    let checks = report.of(&[Concern::Serving, Concern::Pages]);
    let body = serde_json::json!({ "ready": report.ready, "checks": checks });
    reply::json(status_of(report.ready), &body)
}

/// Answers `/earnz`: whether the miner earns, and will go on earning.
async fn earning(State(node): Shared, request: Request<Body>) -> Response<Body> {
    arrived(&request);
    let report = node.report().await;
    let checks = report.of(&[Concern::Earning]);
    let body = serde_json::json!({ "earning": report.earning, "checks": checks });
    reply::json(status_of(report.earning), &body)
}

fn status_of(good: bool) -> StatusCode {
    match good {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn unknown(State(node): Shared) -> Response<Body> {
    refuse(&node, &Problem::from(Refusal::NotFound))
}

/// Records in the connection table that the request has arrived whole.
fn arrived(request: &Request<Body>) {
    if let Some(peer) = request.extensions().get::<Peer>() {
        peer.entry.working();
    }
}

async fn read_body(request: Request<Body>) -> Verdict<Bytes> {
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
    Ok(body.to_bytes())
}
