//! The operator's pages: a listener of their own on this machine, by which nothing can be changed.
//! `routes` answers, `files` has the pages, `reports` makes the answers of snapshot, books and
//! store, `income` computes fees, `view` has their form. Whoever reaches the port sees everything
//! but keys.

mod files;
mod income;
mod reports;
mod routes;
mod view;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::config::NodeConfig;
use crate::error::NodeError;
use crate::host::stop::Stop;
use crate::node::Node;

/// Open connections at most; a browser keeps six.
const CONNECTIONS: usize = 64;
/// Largest request head, in bytes.
const MAX_BUFFER_BYTES: usize = 16 * 1024;
/// Pause after a failed `accept`, which means that no file descriptors are left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds the port, if the configuration names one.
///
/// # Errors
/// `Listen`.
pub(crate) async fn bind(config: &NodeConfig) -> Result<Option<TcpListener>, NodeError> {
    let Some(address) = config.admin_listen else {
        return Ok(None);
    };
    let bound = TcpListener::bind(address).await;
    bound.map(Some).map_err(|source| NodeError::Listen {
        address: address.to_string(),
        source,
    })
}

/// Serves until told to stop.
pub(crate) async fn serve(node: Arc<Node>, listener: TcpListener, stop: Stop) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let router = routes::router(node.clone(), stop.clone());
    let head_timeout = Duration::from_millis(node.config.header_timeout_ms);
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match (accepted, slots.clone().try_acquire_owned()) {
                (Ok((stream, _)), Ok(slot)) => {
                    let (router, stop) = (router.clone(), stop.clone());
                    tasks.spawn(async move {
                        connection(stream, router, head_timeout, stop).await;
                        drop(slot);
                    });
                }
                // Dropped, it is closed.
                (Ok(_), Err(_)) => {}
                (Err(error), _) => {
                    if let Some(left_out) = node.quiet.may_tell("admin_accept") {
                        tracing::warn!(%error, left_out, "accept failed");
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
            () = stop.stopped() => break,
        }
    }
    while tasks.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, router: Router, head_timeout: Duration, stop: Stop) {
    let service = service_fn(|request: Request<Incoming>| {
        let router = router.clone();
        async move { router.oneshot(request.map(Body::new)).await }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_buf_size(MAX_BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served);
    tokio::select! {
        // Every error is the peer's, as on the public port.
        _ = served.as_mut() => return,
        () = stop.stopped() => {}
    }
    served.as_mut().graceful_shutdown();
    let _ended = served.await;
}

#[cfg(test)]
mod tests;
