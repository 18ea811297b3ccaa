//! One server: an HTTP exchange with limits, and the score that orders endpoints.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::limit::retry_after;
use super::wire::{self, ErrorAnswer, Request};
use crate::error::RpcFault;

/// Health of one endpoint, as its last requests showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointHealth {
    /// Host and port of the endpoint.
    pub name: String,
    /// Consecutive failures; 0 when the last request went well.
    pub failures: u32,
    /// Whether it proved to serve the right chain and the connection has held since.
    pub verified: bool,
    /// Whether its head is far behind that of another endpoint.
    pub behind: bool,
    /// Duration of its last good answer, in milliseconds.
    pub latency_ms: Option<u64>,
}

impl EndpointHealth {
    /// Why it is passed over, if that is more than for a moment.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let name = &self.name;
        match (self.behind, self.failures) {
            (true, _) => Some(format!("{name} is behind the others")),
            (false, FEW_FAILURES..) => {
                let failures = self.failures;
                Some(format!("{name} failed {failures} times in a row"))
            }
            (false, _) => None,
        }
    }
}

/// Failures in a row that are worth telling.
const FEW_FAILURES: u32 = 3;

/// First penalty after a failure; it doubles up to the longest.
const PENALTY_MS: u64 = 500;
const LONGEST_PENALTY_MS: u64 = 60_000;

/// Effect of a failure on the proof that the endpoint serves the right chain.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    Keep,
    /// The connection is lost: the next one may reach another server.
    Unverified,
}

#[derive(Default)]
struct Score {
    failures: u32,
    verified: bool,
    /// Whether its head is far behind that of another endpoint.
    behind: bool,
    resting_until: Option<Instant>,
    /// Until when it wants no request at all, as it said or as its last refusals suggest.
    limited_until: Option<Instant>,
    latency: Option<Duration>,
}

pub(super) struct Endpoint {
    url: reqwest::Url,
    name: String,
    next_id: AtomicU64,
    score: Mutex<Score>,
}

impl Endpoint {
    /// Parses a URL; `None` unless it is http or https and has a host.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let url = reqwest::Url::parse(url).ok()?;
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        let host = url.host_str()?;
        let name = match url.port_or_known_default() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let score = Mutex::new(Score::default());
        Some(Self {
            url,
            name,
            next_id: AtomicU64::new(1),
            score,
        })
    }

    /// Host and port, for messages: the path may hold an access key.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_verified(&self) -> bool {
        self.score().verified
    }

    /// Time for which the endpoint is not used yet; zero when it may be used.
    pub(super) fn penalty(&self) -> Duration {
        self.score().resting_until.map_or(Duration::ZERO, |until| {
            until.saturating_duration_since(Instant::now())
        })
    }

    pub(super) fn health(&self) -> EndpointHealth {
        let score = self.score();
        EndpointHealth {
            name: self.name.clone(),
            failures: score.failures,
            verified: score.verified,
            behind: score.behind,
            latency_ms: score
                .latency
                .and_then(|latency| latency.as_millis().try_into().ok()),
        }
    }

    pub(super) fn is_behind(&self) -> bool {
        self.score().behind
    }

    pub(super) fn set_behind(&self, behind: bool) {
        let before = std::mem::replace(&mut self.score().behind, behind);
        if before != behind {
            tracing::info!(
                endpoint = self.name,
                behind,
                "compared with the other endpoints"
            );
        }
    }

    pub(super) fn verified(&self) {
        self.score().verified = true;
    }

    pub(super) fn failed(&self, trust: Trust) {
        let mut score = self.score();
        score.failures = score.failures.saturating_add(1);
        let factor = 1_u64.checked_shl(score.failures - 1).unwrap_or(u64::MAX);
        let rest = PENALTY_MS.saturating_mul(factor).min(LONGEST_PENALTY_MS);
        score.resting_until = Instant::now().checked_add(Duration::from_millis(rest));
        if trust == Trust::Unverified {
            score.verified = false;
        }
    }

    /// Notes that the endpoint limits this client, which waits longer each time if it was not told
    /// how long.
    pub(super) fn limited(&self) {
        self.failed(Trust::Keep);
        let mut score = self.score();
        score.limited_until = score.limited_until.max(score.resting_until);
    }

    /// Time for which the endpoint wants no request.
    pub(super) fn limited_for(&self) -> Duration {
        self.score().limited_until.map_or(Duration::ZERO, |until| {
            until.saturating_duration_since(Instant::now())
        })
    }

    /// Notes what the endpoint says of when to come again.
    fn wait(&self, told: Option<Duration>) {
        let until = told.and_then(|wait| Instant::now().checked_add(wait));
        let mut score = self.score();
        score.limited_until = score.limited_until.max(until);
    }

    fn succeeded(&self, latency: Duration) {
        let mut score = self.score();
        score.failures = 0;
        score.resting_until = None;
        score.limited_until = None;
        score.latency = Some(latency);
    }

    /// Sends one request, returns its answer, and keeps the score.
    pub(super) async fn call<P, R>(
        &self,
        client: &reqwest::Client,
        cap: usize,
        method: &'static str,
        params: &P,
    ) -> Result<Result<R, ErrorAnswer>, RpcFault>
    where
        P: Serialize + Sync + ?Sized,
        R: DeserializeOwned,
    {
        let started = Instant::now();
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let request = Request {
            jsonrpc: "2.0",
            id,
            method,
            params,
        };
        let answer = match serde_json::to_vec(&request) {
            Ok(body) => self.exchange(client, cap, id, body).await,
            Err(_) => Err(RpcFault::Malformed),
        };
        match &answer {
            Ok(Ok(_)) => self.succeeded(started.elapsed()),
            // Whether it is the contract's, or the endpoint's fault, the caller finds out.
            Ok(Err(_)) => {}
            Err(RpcFault::Limited) => self.limited(),
            Err(
                RpcFault::Connect | RpcFault::Interrupted | RpcFault::Timeout | RpcFault::WrongId,
            ) => {
                self.failed(Trust::Unverified);
            }
            Err(_) => self.failed(Trust::Keep),
        }
        answer
    }

    async fn exchange<R: DeserializeOwned>(
        &self,
        client: &reqwest::Client,
        cap: usize,
        id: u64,
        body: Vec<u8>,
    ) -> Result<Result<R, ErrorAnswer>, RpcFault> {
        let request = client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let response = request.send().await.map_err(|error| fault_of(&error))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(RpcFault::Redirect);
        }
        let is_limit = status == StatusCode::TOO_MANY_REQUESTS;
        if is_limit || status == StatusCode::SERVICE_UNAVAILABLE {
            let told = response.headers().get(RETRY_AFTER);
            self.wait(retry_after(told.and_then(|value| value.to_str().ok())));
        }
        let bytes = read_capped(response, cap).await?;
        let answer = wire::parse(&bytes, id);
        // Some servers send a JSON-RPC error with status 4xx or 5xx; nothing else counts there.
        if status.is_success() || matches!(answer, Ok(Err(_))) {
            return answer;
        }
        if is_limit {
            return Err(RpcFault::Limited);
        }
        Err(RpcFault::Status(status.as_u16()))
    }

    /// Locks the score, even after a panic elsewhere: it is plain data, never half-written.
    fn score(&self) -> MutexGuard<'_, Score> {
        self.score.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the body; fails as soon as it is larger than `cap`.
async fn read_capped(mut response: reqwest::Response, cap: usize) -> Result<Vec<u8>, RpcFault> {
    let announced = response
        .content_length()
        .and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > cap) {
        return Err(RpcFault::TooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| fault_of(&error))? {
        if bytes.len().saturating_add(chunk.len()) > cap {
            return Err(RpcFault::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn fault_of(error: &reqwest::Error) -> RpcFault {
    if error.is_timeout() {
        RpcFault::Timeout
    } else if error.is_redirect() {
        RpcFault::Redirect
    } else if error.is_connect() {
        RpcFault::Connect
    } else {
        RpcFault::Interrupted
    }
}
