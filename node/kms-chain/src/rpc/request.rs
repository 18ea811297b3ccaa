//! Asks the endpoints one after the other until one gives an answer that is sound, and keeps the
//! score: who failed where another one answered, or gave what a check refuses, rests for a while.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::Rpc;
use super::endpoint::{Endpoint, Trust};
use super::limit::Limit;
use super::tally::RequestOutcome;
use crate::error::{ChainError, RpcFault};

/// JSON-RPC codes of a revert: of most clients, and of Parity and Nethermind.
const REVERT_CODES: [i64; 2] = [3, -32_015];
/// Wait before the first new round of requests; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// Rounds after which a line that is cut each time is given up.
const CUT_ROUNDS: u32 = 3;

/// Name of an endpoint, and its answer to a request that went to all.
pub(crate) type EndpointAnswer<R> = (String, Result<R, ChainError>);

/// What a check says of an answer.
#[derive(Debug)]
pub(crate) enum Judgement<T> {
    /// The value to use.
    Sound(T),
    /// A value that may be wrong, and why: used only if no endpoint has a sound one.
    Doubtful(T, &'static str),
    /// The answer cannot be true: the endpoint is passed over.
    Refused(&'static str),
}

/// The answer that counts.
#[derive(Debug)]
pub(crate) struct Judged<T> {
    pub(crate) value: T,
    /// Why it may be wrong, and how many endpoints gave such a one; `None` if it is sound.
    pub(crate) doubt: Option<(&'static str, usize)>,
}

impl Rpc {
    /// Sends a request to the best endpoint, then to the next ones until one gives an answer. An
    /// error answer counts as an answer if it is the contract's.
    ///
    /// # Errors
    /// `Unreachable` when no endpoint answered, `WrongChain` when those that did serve another
    /// chain, `Rpc` for an error answer.
    pub async fn request<P, R>(&self, method: &'static str, params: &P) -> Result<R, ChainError>
    where
        P: Serialize + Sync + ?Sized,
        R: DeserializeOwned + Send,
    {
        let judged = self
            .request_judged(method, params, Judgement::Sound)
            .await?;
        Ok(judged.value)
    }

    /// Does what `request` does, and makes a value of the answer by `read`; an endpoint whose
    /// answer has none is passed over.
    ///
    /// # Errors
    /// Those of `request`; `BadReply` with the objection.
    pub(crate) async fn request_read<P, R, T: Send>(
        &self,
        method: &'static str,
        params: &P,
        read: impl Fn(R) -> Result<T, &'static str> + Send + Sync,
    ) -> Result<T, ChainError>
    where
        P: Serialize + Sync + ?Sized,
        R: DeserializeOwned + Send,
    {
        let judge = |answer| read(answer).map_or_else(Judgement::Refused, Judgement::Sound);
        Ok(self.request_judged(method, params, judge).await?.value)
    }

    /// Does what `request` does with what `judge` makes of the answers. Where all endpoints limit
    /// this client, or the line was cut, it waits and asks again, within the time allowed.
    ///
    /// # Errors
    /// Those of `request`; `BadReply` with the objection.
    pub(crate) async fn request_judged<P, R, T: Send>(
        &self,
        method: &'static str,
        params: &P,
        judge: impl Fn(R) -> Judgement<T> + Send + Sync,
    ) -> Result<Judged<T>, ChainError>
    where
        P: Serialize + Sync + ?Sized,
        R: DeserializeOwned + Send,
    {
        let started = Instant::now();
        let mut rounds = 0;
        loop {
            let answer = self.round(method, params, &judge).await;
            let Err(error) = &answer else { return answer };
            let wait = self.wait_after(error, rounds);
            let left = self.inner.patience.saturating_sub(started.elapsed());
            let Some(wait) = wait.filter(|wait| *wait <= left) else {
                return answer;
            };
            tracing::debug!(method, %error, wait_ms = wait.as_millis(), "asking again");
            tokio::time::sleep(wait).await;
            rounds += 1;
        }
    }

    /// How long to wait before all endpoints are asked again; `None` if that would not help.
    fn wait_after(&self, error: &ChainError, rounds: u32) -> Option<Duration> {
        let ChainError::Unreachable { fault, .. } = error else {
            return None;
        };
        let doubled = FIRST_WAIT.saturating_mul(1_u32.checked_shl(rounds)?);
        match fault {
            RpcFault::Limited => {
                let waits = self.inner.endpoints.iter().map(Endpoint::limited_for);
                Some(waits.min()?.max(doubled))
            }
            RpcFault::Interrupted => (rounds < CUT_ROUNDS).then_some(doubled),
            RpcFault::Connect
            | RpcFault::Timeout
            | RpcFault::TooLarge
            | RpcFault::Redirect
            | RpcFault::Status(_)
            | RpcFault::Malformed
            | RpcFault::WrongId
            | RpcFault::WrongChain => None,
        }
    }

    async fn round<P, R, T: Send>(
        &self,
        method: &'static str,
        params: &P,
        judge: &(impl Fn(R) -> Judgement<T> + Send + Sync),
    ) -> Result<Judged<T>, ChainError>
    where
        P: Serialize + Sync + ?Sized,
        R: DeserializeOwned + Send,
    {
        let (mut last, mut doubted) = (None, None);
        // Those that another endpoint's sound answer shows to be at fault.
        let mut suspects: Vec<&Endpoint> = Vec::new();
        let mut witnesses = 0;
        for endpoint in self.by_preference() {
            match self.ask(endpoint, method, params).await.map(judge) {
                Ok(Judgement::Sound(value)) => {
                    suspects.iter().for_each(|one| one.failed(Trust::Keep));
                    return Ok(Judged { value, doubt: None });
                }
                Ok(Judgement::Doubtful(value, reason)) => {
                    suspects.push(endpoint);
                    witnesses += 1;
                    doubted.get_or_insert((value, reason));
                }
                Ok(Judgement::Refused(reason)) => {
                    endpoint.failed(Trust::Keep);
                    last = Some(worth_telling(last, ChainError::BadReply { method, reason }));
                }
                Err(error) if is_endpoint_fault(&error) => {
                    if let ChainError::Rpc { code, message, .. } = &error
                        && !is_unsupported(*code, message)
                    {
                        suspects.push(endpoint);
                    }
                    last = Some(worth_telling(last, error));
                }
                Err(error) => return Err(error),
            }
        }
        match doubted {
            Some((value, reason)) => Ok(Judged {
                value,
                doubt: Some((reason, witnesses)),
            }),
            None => Err(last.unwrap_or(ChainError::NoEndpoint)),
        }
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

    /// Passes over the endpoint that is preferred now, for a while: what it shows does not fit
    /// together.
    pub(crate) fn pass_over(&self) {
        if let Some(endpoint) = self.by_preference().first() {
            endpoint.failed(Trust::Unverified);
        }
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
        if !endpoint.limited_for().is_zero() {
            return Err(unreachable(endpoint, method, RpcFault::Limited));
        }
        if !endpoint.is_verified() {
            self.verify(endpoint).await?;
        }
        self.ask_unverified(endpoint, method, params).await
    }

    pub(super) async fn verify(&self, endpoint: &Endpoint) -> Result<(), ChainError> {
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

    pub(super) async fn ask_unverified<P, R>(
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
        let answer = endpoint.call(&self.inner.client, cap, method, params).await;
        let (outcome, answer) = match answer {
            Ok(Ok(value)) => (RequestOutcome::Ok, Ok(value)),
            Ok(Err(error)) => match error.limit() {
                Some(Limit::Rate) => {
                    endpoint.limited();
                    let fault = unreachable(endpoint, method, RpcFault::Limited);
                    (RequestOutcome::Limited, Err(fault))
                }
                Some(Limit::Size) | None => {
                    (RequestOutcome::Error, Err(error.into_chain_error(method)))
                }
            },
            Err(fault) => {
                tracing::debug!(endpoint = endpoint.name(), method, %fault, "rpc fault");
                let outcome = match fault {
                    RpcFault::Limited => RequestOutcome::Limited,
                    _ => RequestOutcome::Failed,
                };
                (outcome, Err(unreachable(endpoint, method, fault)))
            }
        };
        self.inner.tally.count(endpoint.name(), method, outcome);
        answer
    }
}

/// The error to tell of two: one that waiting may cure, or the last one.
fn worth_telling(before: Option<ChainError>, error: ChainError) -> ChainError {
    match before {
        Some(
            passing @ ChainError::Unreachable {
                fault: RpcFault::Limited | RpcFault::Interrupted,
                ..
            },
        ) => passing,
        Some(_) | None => error,
    }
}

fn unreachable(endpoint: &Endpoint, method: &'static str, fault: RpcFault) -> ChainError {
    ChainError::Unreachable {
        method,
        endpoint: endpoint.name().to_owned(),
        fault,
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
        } => !REVERT_CODES.contains(code) && data.is_none() && !message.contains("revert"),
        _ => false,
    }
}

/// Whether an endpoint does not offer a method or a block tag at all, which makes it no worse for
/// other requests.
fn is_unsupported(code: i64, message: &str) -> bool {
    let lower = message.to_lowercase();
    let words = [
        "not supported",
        "unsupported",
        "does not exist",
        "not available",
        "unknown block",
    ];
    matches!(code, -32_601 | -32_602 | -32_004) || words.iter().any(|word| lower.contains(word))
}
