//! The transport: JSON-RPC over HTTP with several endpoints.
//!
//! Every answer is limited in size and time and matched to its request. An endpoint is used only
//! after it proved to serve the deployment's chain (`identity`), anew after each lost connection.
//! `endpoint` speaks to one server, `wire` holds the envelopes.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{ChainError, RpcFault};

mod endpoint;
mod identity;
mod wire;

use endpoint::{Endpoint, Trust};
pub(crate) use identity::Identity;
pub(crate) use wire::clean;

/// JSON-RPC code of a revert.
const REVERT_CODE: i64 = 3;

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
}

impl RpcConfig {
    /// Takes URLs, with 4 s for a request and 32 MiB for an answer.
    #[must_use]
    pub fn new(urls: Vec<String>) -> Self {
        Self {
            urls,
            timeout_ms: 4_000,
            max_body_bytes: 32 * 1024 * 1024,
            max_ahead_s: None,
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

/// Health of one endpoint, as its last requests showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointHealth {
    /// Host and port of the endpoint.
    pub name: String,
    /// Consecutive failures; 0 when the last request went well.
    pub failures: u32,
    /// Whether it proved to serve the right chain and the connection has held since.
    pub verified: bool,
    /// Duration of its last good answer, in milliseconds.
    pub latency_ms: Option<u64>,
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
    identity: Option<Identity>,
}

impl std::fmt::Debug for Rpc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rpc")
            .field("endpoints", &self.health())
            .finish()
    }
}

/// Name of an endpoint, and its answer to a request that went to all.
pub(crate) type EndpointAnswer<R> = (String, Result<R, ChainError>);

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
            identity,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Sends a request to the best endpoint, then to the next ones until one gives an answer.
    /// An error answer of the server counts as an answer if it is the contract's.
    ///
    /// # Errors
    /// `Unreachable` when no endpoint answered, `WrongChain` when those that did serve another
    /// chain, `Rpc` for an error answer.
    pub async fn request<P, R>(&self, method: &'static str, params: &P) -> Result<R, ChainError>
    where
        P: Serialize + Sync + ?Sized,
        R: DeserializeOwned,
    {
        self.request_checked(method, params, |_| None).await
    }

    /// Does what `request` does, and passes over an endpoint whose answer `check` objects to.
    ///
    /// # Errors
    /// Those of `request`; `BadReply` with the objection.
    pub(crate) async fn request_checked<P, R>(
        &self,
        method: &'static str,
        params: &P,
        check: impl Fn(&R) -> Option<&'static str>,
    ) -> Result<R, ChainError>
    where
        P: Serialize + Sync + ?Sized,
        R: DeserializeOwned,
    {
        let mut last = None;
        for endpoint in self.by_preference() {
            let answer = self.ask(endpoint, method, params).await;
            match answer.map(|value| (check(&value), value)) {
                Ok((None, value)) => return Ok(value),
                Ok((Some(reason), _)) => {
                    endpoint.failed(Trust::Keep);
                    last = Some(ChainError::BadReply { method, reason });
                }
                Err(error) if is_endpoint_fault(&error) => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or(ChainError::NoEndpoint))
    }

    /// Sends the same request to every endpoint at once.
    pub(crate) async fn request_each<P, R>(
        &self,
        method: &'static str,
        params: &P,
    ) -> Vec<EndpointAnswer<R>>
    where
        P: Serialize + Sync + ?Sized,
        R: DeserializeOwned,
    {
        let requests = self.inner.endpoints.iter().map(|endpoint| async move {
            (
                endpoint.name().to_owned(),
                self.ask(endpoint, method, params).await,
            )
        });
        futures_util::future::join_all(requests).await
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

    /// Sorts the endpoints by configured order, those in a penalty and those behind last.
    fn by_preference(&self) -> Vec<&Endpoint> {
        let mut order: Vec<_> = self.inner.endpoints.iter().collect();
        order.sort_by_key(|endpoint| (endpoint.is_behind(), endpoint.penalty()));
        order
    }

    async fn ask<P, R>(
        &self,
        endpoint: &Endpoint,
        method: &'static str,
        params: &P,
    ) -> Result<R, ChainError>
    where
        P: Serialize + Sync + ?Sized,
        R: DeserializeOwned,
    {
        if !endpoint.is_verified() {
            self.verify(endpoint).await?;
        }
        self.ask_unverified(endpoint, method, params).await
    }

    async fn verify(&self, endpoint: &Endpoint) -> Result<(), ChainError> {
        if let Some(identity) = &self.inner.identity
            && let Err(error) = identity.check(self, endpoint).await
        {
            if matches!(error, ChainError::WrongChain { .. }) {
                endpoint.failed(Trust::Unverified);
            }
            return Err(error);
        }
        endpoint.verified();
        Ok(())
    }

    async fn ask_unverified<P, R>(
        &self,
        endpoint: &Endpoint,
        method: &'static str,
        params: &P,
    ) -> Result<R, ChainError>
    where
        P: Serialize + Sync + ?Sized,
        R: DeserializeOwned,
    {
        let cap = self.inner.max_body_bytes;
        let unusable = |fault| ChainError::Unreachable {
            method,
            endpoint: endpoint.name().to_owned(),
            fault,
        };
        match endpoint.call(&self.inner.client, cap, method, params).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) if error.is_limit() => {
                endpoint.failed(Trust::Keep);
                Err(unusable(RpcFault::Limited))
            }
            Ok(Err(error)) => Err(error.into_chain_error(method)),
            Err(fault) => {
                tracing::debug!(endpoint = endpoint.name(), method, %fault, "rpc fault");
                Err(unusable(fault))
            }
        }
    }
}

/// Whether an error may be the endpoint's alone: another one may answer. A revert is the contract's
/// answer, the same everywhere.
fn is_endpoint_fault(error: &ChainError) -> bool {
    match error {
        ChainError::Unreachable { .. } | ChainError::WrongChain { .. } => true,
        ChainError::Rpc {
            code,
            message,
            data,
            ..
        } => *code != REVERT_CODE && data.is_none() && !message.contains("revert"),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
