//! A server between a client and what it asks: passes requests on, sees both directions, and can
//! hold a request back or swallow it.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;

const BODY_MAX: usize = 64 * 1024 * 1024;

/// What to do with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Pass it on.
    Pass,
    /// Never answer.
    Swallow,
}

/// One request and, once there is one, its reply.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) path: String,
    pub(crate) request: Bytes,
}

type OnRequest = dyn Fn(Exchange) -> BoxFuture<'static, Verdict> + Send + Sync;
type OnReply = dyn Fn(&Exchange, &Bytes) + Send + Sync;

struct Rules {
    upstream: String,
    http: reqwest::Client,
    on_request: Box<OnRequest>,
    on_reply: Box<OnReply>,
}

/// A running proxy; ends when dropped.
pub(crate) struct Proxy {
    pub(crate) url: String,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves a router on a free port of the loopback.
pub(crate) async fn serve(router: Router) -> Proxy {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Proxy { url, task }
}

impl Proxy {
    /// In front of `upstream` (a base URL). `on_request` decides before a request is passed on and
    /// may wait; `on_reply` sees the reply before the client does.
    pub(crate) async fn start(
        upstream: &str,
        on_request: impl Fn(Exchange) -> BoxFuture<'static, Verdict> + Send + Sync + 'static,
        on_reply: impl Fn(&Exchange, &Bytes) + Send + Sync + 'static,
    ) -> Self {
        let rules = Rules {
            upstream: upstream.trim_end_matches('/').to_owned(),
            http: reqwest::Client::new(),
            on_request: Box::new(on_request),
            on_reply: Box::new(on_reply),
        };
        serve(Router::new().fallback(pass).with_state(Arc::new(rules))).await
    }
}

async fn pass(State(rules): State<Arc<Rules>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head
        .uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    let body = to_bytes(body, BODY_MAX).await.unwrap();
    let exchange = Exchange {
        path,
        request: body.clone(),
    };
    if (rules.on_request)(exchange.clone()).await == Verdict::Swallow {
        return std::future::pending().await;
    }
    let url = format!("{}{}", rules.upstream, exchange.path);
    let mut forward = rules.http.request(head.method, url).body(body);
    if let Some(kind) = head.headers.get(header::CONTENT_TYPE) {
        forward = forward.header(header::CONTENT_TYPE, kind);
    }
    let Ok(reply) = forward.send().await else {
        return empty(StatusCode::BAD_GATEWAY);
    };
    let status = reply.status();
    let kind = reply.headers().get(header::CONTENT_TYPE).cloned();
    let Ok(bytes) = reply.bytes().await else {
        return empty(StatusCode::BAD_GATEWAY);
    };
    (rules.on_reply)(&exchange, &bytes);
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    if let Some(kind) = kind {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
