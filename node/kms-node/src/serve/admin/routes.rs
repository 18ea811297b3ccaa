//! The routes, and what every answer carries: a request is a GET, and names this host by an address
//! that no name of another site leads to (DNS rebinding); pages of other origins read nothing.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::stream::{self, Stream};
use kms_protocol::PolicyId;
use serde::Deserialize;

use super::files;
use super::view::{Moment, Range};
use crate::host::stop::Stop;
use crate::node::Node;
use crate::store::StoreError;

const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";
/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// What the routes share.
#[derive(Clone)]
struct Desk {
    node: Arc<Node>,
    stop: Stop,
}

type Shared = State<Desk>;

pub(super) fn router(node: Arc<Node>, stop: Stop) -> Router {
    let bound = node.config.admin_listen;
    Router::new()
        .route("/metrics", get(metrics))
        .route("/v1/admin/overview", get(summary))
        .route("/v1/admin/earnings", get(earnings))
        .route("/v1/admin/stake", get(stake))
        .route("/v1/admin/policies", get(policies))
        .route("/v1/admin/transactions", get(transactions))
        .route("/v1/admin/health", get(health))
        .route("/v1/admin/events", get(events))
        .fallback(file)
        .with_state(Desk { node, stop })
        .layer(middleware::from_fn(move |request, next| {
            guard(bound, request, next)
        }))
}

/// Refuses what is no GET to this host, and sets the headers of whatever is answered.
async fn guard(bound: Option<SocketAddr>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let mut response = if !bound.is_some_and(|bound| names(bound.ip(), host)) {
        let text = "This port answers to the address that admin_listen names.\n";
        (StatusCode::MISDIRECTED_REQUEST, text).into_response()
    } else if request.method() != Method::GET {
        let text = "Nothing can be changed here: GET only.\n";
        (
            StatusCode::METHOD_NOT_ALLOWED,
            [(header::ALLOW, "GET")],
            text,
        )
            .into_response()
    } else {
        next.run(request).await
    };
    for (name, value) in HEADERS {
        let headers = response.headers_mut();
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether `host`, with or without a port (a tunnel may begin at another one), names the bound
/// address: by itself, by `localhost` for this machine, by any address if all are bound.
fn names(bound: IpAddr, host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_matches(['[', ']']);
    match name.parse::<IpAddr>() {
        Ok(address) => address == bound || bound.is_unspecified(),
        Err(_) => name == "localhost" && (bound.is_loopback() || bound.is_unspecified()),
    }
}

/// An answer that the store could not give.
struct Trouble(StoreError);

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let text = format!("{}: {}\n", self.0.code(), self.0);
        (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
    }
}

type Answer<T> = Result<Json<T>, Trouble>;

async fn metrics(State(desk): Shared) -> Response {
    desk.node.refresh_gauges().await;
    (
        [(header::CONTENT_TYPE, METRICS_TYPE)],
        desk.node.metrics.render(),
    )
        .into_response()
}

async fn summary(State(desk): Shared) -> Answer<super::view::Summary> {
    Ok(Json(desk.node.summary().await?))
}

async fn earnings(
    State(desk): Shared,
    Query(range): Query<Range>,
) -> Answer<super::view::Earnings> {
    Ok(Json(desk.node.earnings(range).await?))
}

async fn stake(State(desk): Shared) -> Json<Option<super::view::Stake>> {
    Json(desk.node.stake())
}

#[derive(Deserialize)]
struct After<T> {
    cursor: Option<T>,
}

async fn policies(
    State(desk): Shared,
    Query(after): Query<After<PolicyId>>,
) -> Answer<super::view::Policies> {
    Ok(Json(desk.node.policies_after(after.cursor).await?))
}

async fn transactions(
    State(desk): Shared,
    Query(after): Query<After<i64>>,
) -> Answer<super::view::Transactions> {
    Ok(Json(desk.node.transactions_after(after.cursor).await?))
}

async fn health(State(desk): Shared) -> Json<super::view::Health> {
    Json(desk.node.health_report().await)
}

/// One line for each new snapshot, until the node stops.
async fn events(State(desk): Shared) -> impl IntoResponse {
    Sse::new(moments(desk)).keep_alive(KeepAlive::default())
}

fn moments(desk: Desk) -> impl Stream<Item = Result<Event, Infallible>> {
    let snapshots = desk.node.snapshots.clone();
    let begin = (snapshots, desk.stop, true);
    stream::unfold(begin, async |(mut snapshots, stop, first)| {
        if !first {
            tokio::select! {
                changed = snapshots.changed() => changed.ok()?,
                () = stop.stopped() => return None,
            }
        }
        let newest = snapshots.borrow_and_update().clone();
        let moment = Moment::of(newest.as_deref());
        let event = Event::default().json_data(moment).ok()?;
        Some((Ok(event), (snapshots, stop, false)))
    })
}

/// A file of the dashboard, or none.
async fn file(uri: Uri) -> Response {
    let none = (StatusCode::NOT_FOUND, "There is no such page.\n");
    files::at(uri.path()).unwrap_or_else(|| none.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_the_bound_address_and_no_name() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let local = ip("127.0.0.1");
        for host in ["127.0.0.1:8471", "127.0.0.1", "localhost:9000", "localhost"] {
            assert!(names(local, host), "{host}");
        }
        assert!(names(ip("::1"), "[::1]:8471"));
        assert!(names(ip("0.0.0.0"), "10.0.0.1:8471"));
        for host in [
            "",
            ":8471",
            "evil.example",
            "evil.example:8471",
            "localhost.evil.example:8471",
            "127.0.0.1.evil.example",
            "127.0.0.1:8471:1",
            "127.0.0.2:8471",
            "10.0.0.1:8471",
        ] {
            assert!(!names(local, host), "{host}");
        }
        assert!(!names(ip("0.0.0.0"), "evil.example:8471"));
        assert!(!names(ip("10.0.0.1"), "localhost:8471"));
    }
}
