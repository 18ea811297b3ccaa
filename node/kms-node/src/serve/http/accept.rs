//! The accept loop: hyper's HTTP/1 server with every limit that `axum::serve` leaves open (time for
//! the head, size of the buffer, life of a connection, number of connections in all and per
//! address), a request timeout and a catch for panics. Neighbours: `connections`, `routes`.

use std::any::Any;
use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use kms_protocol::Refusal;
use kms_protocol::messages::Problem;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::connections::{Admitted, Connections, Entry, Peer};
use super::cors;
use super::reply::refuse;
use super::routes;
use super::tls::Tls;
use crate::config::NodeConfig;
use crate::error::NodeError;
use crate::host::stop::Stop;
use crate::node::Node;

/// Largest request head, and size of the read buffer, in bytes.
const MAX_BUFFER_BYTES: usize = 16 * 1024;
/// Longest life of a connection, busy or not.
const MAX_CONNECTION_LIFE: Duration = Duration::from_secs(300);
/// Pause after a failed `accept`, which means that no file descriptors are left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
const BEAT: Duration = Duration::from_secs(1);
/// File descriptors reserved for the database, the chain and logs.
const RESERVED_FILES: usize = 64;

/// A bound port, and the certificate of its TLS.
pub(crate) struct Listener {
    pub(crate) tcp: TcpListener,
    tls: Option<Tls>,
}

/// Binds the port and reads the certificate, if the configuration names one.
///
/// # Errors
/// `Listen`; `Certificate` or `Permissions` for the files of the certificate.
pub(crate) async fn bind(config: &NodeConfig) -> Result<Listener, NodeError> {
    let tls = config.tls.clone().map(Tls::load).transpose()?;
    let tcp = TcpListener::bind(config.listen).await;
    let tcp = tcp.map_err(|source| NodeError::Listen {
        address: config.listen.to_string(),
        source,
    })?;
    Ok(Listener { tcp, tls })
}

/// Serves until told to stop, then finishes the requests in flight within `shutdown_grace_ms`.
pub(crate) async fn serve(node: Arc<Node>, listener: Listener, stop: Stop) {
    let heartbeat = node.health.heartbeat("http");
    let total = usize::try_from(node.config.max_connections).unwrap_or(usize::MAX);
    let per_ip = usize::try_from(node.config.max_connections_per_ip).unwrap_or(usize::MAX);
    let connections = Connections::new(total.min(file_limit()), per_ip);
    let router = routes::router(node.clone());
    let mut tasks = JoinSet::new();
    let mut ticks = tokio::time::interval(BEAT);
    loop {
        tokio::select! {
            accepted = listener.tcp.accept() => match accepted {
                Ok((stream, peer)) => {
                    if let Some(entry) = admit(&node, &connections, peer.ip()) {
                        let peer = Peer { entry: Arc::new(entry) };
                        let server = Server { node: node.clone(), router: router.clone() };
                        let tls = listener.tls.as_ref().map(Tls::acceptor);
                        tasks.spawn(server.admitted(stream, tls, peer, stop.clone()));
                    }
                }
                Err(error) => {
                    if let Some(left_out) = node.quiet.may_tell("accept") {
                        tracing::warn!(%error, left_out, "accept failed");
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
            _ = ticks.tick() => {
                if let Some(tls) = &listener.tls {
                    renew(&node, tls);
                }
            }
            () = stop.stopped() => break,
        }
        heartbeat.beat();
        node.metrics
            .connections
            .set(u64::try_from(connections.count()).unwrap_or(u64::MAX));
    }
    drop(listener);
    let grace = Duration::from_millis(node.config.shutdown_grace_ms);
    let drained = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(grace, drained).await.is_err() {
        tracing::warn!("requests in flight were cut off at shutdown");
        tasks.shutdown().await;
    }
}

fn admit(node: &Node, connections: &Arc<Connections>, ip: IpAddr) -> Option<Entry> {
    match connections.admit(ip)? {
        Admitted::Free(entry) => Some(entry),
        Admitted::Evicted(entry) => {
            node.metrics.evictions.inc();
            Some(entry)
        }
    }
}

/// Takes a certificate that was renewed into use.
fn renew(node: &Node, tls: &Tls) {
    match tls.refresh() {
        Ok(true) => tracing::info!("the certificate was read again"),
        Ok(false) => {}
        Err(error) => {
            if let Some(left_out) = node.quiet.may_tell("certificate") {
                tracing::warn!(%error, left_out, "the old certificate stays in use");
            }
        }
    }
}

/// What answers the requests of a connection.
struct Server {
    node: Arc<Node>,
    router: Router,
}

impl Server {
    /// Serves a connection that was admitted, after its TLS handshake if there is a certificate.
    async fn admitted(self, stream: TcpStream, tls: Option<TlsAcceptor>, peer: Peer, stop: Stop) {
        // Replies are small: Nagle's algorithm only adds latency.
        let _ = stream.set_nodelay(true);
        let Some(tls) = tls else {
            return self.connection(stream, peer, stop).await;
        };
        let limit = Duration::from_millis(self.node.config.header_timeout_ms);
        let entry = peer.entry.clone();
        tokio::select! {
            // Every failure is the peer's, as below.
            shaken = tokio::time::timeout(limit, tls.accept(stream)) => {
                if let Ok(Ok(stream)) = shaken {
                    self.connection(stream, peer, stop).await;
                }
            }
            () = entry.evicted() => {}
        }
    }

    async fn connection<S>(self, stream: S, peer: Peer, stop: Stop)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Self { node, router } = self;
        let entry = peer.entry.clone();
        let service = service_fn(|request: Request<Incoming>| {
            let (node, router, peer) = (node.clone(), router.clone(), peer.clone());
            async move { Ok::<_, Infallible>(respond(&node, router, request, peer).await) }
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(node.config.header_timeout_ms))
            .max_buf_size(MAX_BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let mut served = std::pin::pin!(served);
        tokio::select! {
            // Every error is the peer's: it hung up, was too slow, or does not speak HTTP.
            _ = served.as_mut() => return,
            () = entry.evicted() => return,
            () = stop.stopped() => {}
            () = tokio::time::sleep(MAX_CONNECTION_LIFE) => {}
        }
        served.as_mut().graceful_shutdown();
        let rest = Duration::from_millis(node.config.request_timeout_ms);
        let _ = tokio::time::timeout(rest, served).await;
    }
}

async fn respond(
    node: &Node,
    router: Router,
    request: Request<Incoming>,
    peer: Peer,
) -> Response<Body> {
    let entry = peer.entry.clone();
    let public = cors::is_public(&request);
    let mut response = match cors::preflight(&request) {
        Some(answer) => answer,
        None => routed(node, router, request, peer).await,
    };
    if public {
        cors::open(response.headers_mut());
    }
    entry.waiting();
    response
}

async fn routed(
    node: &Node,
    router: Router,
    mut request: Request<Incoming>,
    peer: Peer,
) -> Response<Body> {
    let entry = peer.entry.clone();
    request.extensions_mut().insert(peer);
    let limit = Duration::from_millis(node.config.request_timeout_ms);
    let routed = AssertUnwindSafe(router.oneshot(request.map(Body::new))).catch_unwind();
    match tokio::time::timeout(limit, routed).await {
        Ok(Ok(Ok(response))) => response,
        Ok(Err(panic)) => {
            tracing::error!(panic = panic_text(&*panic), "a handler panicked");
            refuse(node, &Problem::from(Refusal::Internal))
        }
        Err(_) if entry.is_waiting() => refuse(node, &Problem::from(Refusal::TooSlow)),
        Err(_) => {
            let detail = "the answer was not complete in time";
            refuse(node, &Problem::new(Refusal::TooMany, detail).retry_after(1))
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// Number of connections that the process's limit of file descriptors allows.
fn file_limit() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let open_files = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = open_files.and_then(|rest| rest.split_whitespace().next()?.parse::<usize>().ok());
    soft.map_or(usize::MAX, |soft| {
        soft.saturating_sub(RESERVED_FILES).max(8)
    })
}
