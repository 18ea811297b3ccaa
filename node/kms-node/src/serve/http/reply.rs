//! HTTP responses: JSON bodies and problems (RFC 9457).

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use kms_protocol::Refusal;
use kms_protocol::messages::Problem;
use serde::Serialize;

use crate::node::Node;

pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(bytes) => with_type(status, "application/json", bytes),
        Err(error) => {
            tracing::error!(%error, "BUG: a reply does not serialise");
            problem(&Problem::from(Refusal::Internal))
        }
    }
}

/// The sealed answer to a sealed message; its status tells nothing.
pub(super) fn sealed(bytes: Vec<u8>) -> Response<Body> {
    with_type(StatusCode::OK, "application/octet-stream", bytes)
}

/// Counts a refusal and makes its response.
pub(super) fn refuse(node: &Node, problem: &Problem) -> Response<Body> {
    node.metrics.refused(problem);
    self::problem(problem)
}

fn problem(problem: &Problem) -> Response<Body> {
    let status = StatusCode::from_u16(problem.code.http_status());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(problem).unwrap_or_default();
    let mut response = with_type(status, Problem::MEDIA_TYPE, body);
    if let Some(seconds) = problem.retry_after_s {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn with_type(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
