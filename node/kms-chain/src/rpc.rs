//! The transport: JSON-RPC over HTTP with several endpoints.
//!
//! Every answer is limited in size and time and matched to its request. An endpoint is used only
//! after it proved to serve the deployment's chain (`identity`), anew after each lost connection.
//! `request` asks one after the other, `endpoint` speaks to one server, `wire` holds the envelopes,
//! `limit` tells the limits of providers apart, `tally` counts.

use std::sync::Arc;
use std::time::Duration;

use crate::error::ChainError;

mod endpoint;
mod identity;
mod limit;
mod request;
mod tally;
mod wire;

use endpoint::Endpoint;
pub use endpoint::EndpointHealth;
pub(crate) use identity::Identity;
pub(crate) use request::Judgement;
use tally::Tally;
pub use tally::{RequestCount, RequestOutcome};
pub(crate) use wire::clean;

/// Endpoints of the chain, and limits on their answers.
#[derive(Clone, PartialEq, Eq)]
pub struct RpcConfig {
    /// Endpoints in order of preference, `http://` or `https://`.
    pub urls: Vec<String>,
    /// Time for one request to one endpoint, connecting and body included, in milliseconds.
    pub timeout_ms: u64,
    /// Largest answer accepted, in bytes.
    pub max_body_bytes: usize,
    /// How far a block's time may be ahead of this machine's clock, in seconds; `None` allows any.
    /// An endpoint that shows a later one is passed over.
    pub max_ahead_s: Option<u64>,
    /// Time for which a request waits for an endpoint that limits this client or cut the line, in
    /// milliseconds; 0 for callers that ask again by themselves.
    pub patience_ms: u64,
}

/// Time for which a command bears limits.
const PATIENCE_MS: u64 = 20_000;

impl RpcConfig {
    /// Takes URLs, with 4 s for a request, 32 MiB for an answer and 20 s for limits.
    #[must_use]
    pub fn new(urls: Vec<String>) -> Self {
        Self {
            urls,
            timeout_ms: 4_000,
            max_body_bytes: 32 * 1024 * 1024,
            max_ahead_s: None,
            patience_ms: PATIENCE_MS,
        }
    }
}

// Shows no URL: it may hold an access key.
impl std::fmt::Debug for RpcConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RpcConfig")
            .field("urls", &self.urls.len())
            .field("timeout_ms", &self.timeout_ms)
            .field("max_body_bytes", &self.max_body_bytes)
            .finish()
    }
}

/// A JSON-RPC client over one or more endpoints. Cheap to clone.
#[derive(Clone)]
pub struct Rpc {
    inner: Arc<Inner>,
}

struct Inner {
    client: reqwest::Client,
    endpoints: Vec<Endpoint>,
    max_body_bytes: usize,
    patience: Duration,
    identity: Option<Identity>,
    tally: Tally,
}

impl std::fmt::Debug for Rpc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rpc")
            .field("endpoints", &self.health())
            .finish()
    }
}

impl Rpc {
    /// Makes a client that accepts any chain: for deploying and for test chains.
    ///
    /// # Errors
    /// `NoEndpoint`, `BadUrl`, `HttpClient`.
    pub fn new(config: &RpcConfig) -> Result<Self, ChainError> {
        Self::build(config, None)
    }

    /// Makes a client that uses only endpoints which serve `identity`.
    pub(crate) fn with_identity(
        config: &RpcConfig,
        identity: Identity,
    ) -> Result<Self, ChainError> {
        Self::build(config, Some(identity))
    }

    fn build(config: &RpcConfig, identity: Option<Identity>) -> Result<Self, ChainError> {
        if config.urls.is_empty() {
            return Err(ChainError::NoEndpoint);
        }
        let endpoints = config
            .urls
            .iter()
            .enumerate()
            .map(|(index, url)| {
                Endpoint::parse(url).ok_or(ChainError::BadUrl {
                    position: index + 1,
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let timeout = Duration::from_millis(config.timeout_ms);
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(timeout)
            .connect_timeout(timeout)
            .no_proxy()
            .build()
            .map_err(ChainError::HttpClient)?;
        let inner = Inner {
            client,
            endpoints,
            max_body_bytes: config.max_body_bytes,
            patience: Duration::from_millis(config.patience_ms),
            identity,
            tally: Tally::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Checks the identity of every endpoint now.
    ///
    /// # Errors
    /// `WrongChain` if those that answer serve another chain, `Unreachable` if none answers.
    pub(crate) async fn verify_all(&self) -> Result<(), ChainError> {
        let mut foreign = None;
        let checks = self
            .inner
            .endpoints
            .iter()
            .map(|endpoint| self.verify(endpoint));
        let mut verified = false;
        let mut last = None;
        for result in futures_util::future::join_all(checks).await {
            match result {
                Ok(()) => verified = true,
                Err(error @ ChainError::WrongChain { .. }) => {
                    tracing::warn!(%error, "this endpoint is left out");
                    foreign = Some(error);
                }
                Err(error) => last = Some(error),
            }
        }
        if verified {
            return Ok(());
        }
        Err(foreign.or(last).unwrap_or(ChainError::NoEndpoint))
    }

    /// Notes which endpoints, in the configured order, are far behind the others.
    pub(crate) fn set_behind(&self, behind: impl Iterator<Item = bool>) {
        for (endpoint, behind) in self.inner.endpoints.iter().zip(behind) {
            endpoint.set_behind(behind);
        }
    }

    /// Counts the requests made so far, by endpoint, method and outcome.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestCount> {
        self.inner.tally.counts()
    }

    /// Number of endpoints.
    #[must_use]
    pub fn endpoints(&self) -> usize {
        self.inner.endpoints.len()
    }

    /// Health of every endpoint, in the configured order.
    #[must_use]
    pub fn health(&self) -> Vec<EndpointHealth> {
        self.inner.endpoints.iter().map(Endpoint::health).collect()
    }
}

#[cfg(test)]
mod tests;
