//! Handing the sealed fragments to the miners, all at once, each until its signed word is in the
//! journal or time is up. A node that has not seen the payment yet is asked again.
//! Neighbours: `grant` pays first; `revoke` and `reader` share the helpers at the end.

use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use kms_chain::MinerInfo;
use kms_protocol::messages::{KfragAck, KfragUpload};
use kms_protocol::{Address, B256, Refusal};
use tokio::time::Instant;

use super::{GrantReport, Owner};
use crate::error::{Error, NodeFailure, Result};
use crate::journal::Grant;
use crate::node_url::NodeUrl;
use crate::ports::NodeError;
use crate::progress::{Event, Progress};

/// Longest time a node's `retry_after_s` is honoured for, in seconds.
const RETRY_AFTER_MAX_SECONDS: u64 = 30;

impl Owner<'_> {
    /// Uploads what has no acknowledgement yet.
    pub(super) async fn deliver(
        &self,
        mut grant: Grant,
        progress: &dyn Progress,
    ) -> Result<GrantReport> {
        let deadline = Instant::now() + Duration::from_millis(self.limits.deliver_ms);
        let infos = self.chain.miner_info(&grant.terms.miners).await?;
        let open: Vec<(MinerInfo, KfragUpload)> = infos
            .into_iter()
            .filter_map(|info| {
                let sealed = grant
                    .sealed
                    .iter()
                    .find(|sealed| sealed.miner == info.miner)?;
                Some((info, sealed.upload.clone()?))
            })
            .collect();
        let mut running: FuturesUnordered<_> = open
            .iter()
            .map(|(info, upload)| async move {
                (
                    info,
                    self.deliver_one(info, upload, deadline, progress).await,
                )
            })
            .collect();
        let of = grant.terms.miners.len();
        let mut pending = Vec::new();
        while let Some((info, outcome)) = running.next().await {
            match outcome {
                Ok(ack) => {
                    grant.acknowledge(ack);
                    self.journal().put(&grant)?;
                    let done = grant.delivered().len();
                    progress.event(Event::NodeDone {
                        miner: info.miner,
                        done,
                        of,
                    });
                }
                Err(failure) => {
                    let code = failure.code.clone();
                    progress.event(Event::NodeFailed {
                        miner: info.miner,
                        code,
                    });
                    pending.push(failure);
                }
            }
        }
        drop(running);
        report(grant, pending)
    }

    async fn deliver_one(
        &self,
        info: &MinerInfo,
        upload: &KfragUpload,
        deadline: Instant,
        progress: &dyn Progress,
    ) -> Result<KfragAck, NodeFailure> {
        let (worker, url) = reach(info, |url| self.nodes.parse_url(url))?;
        let domain = self.chain.domain();
        let policy = upload.terms.id(domain.chain_id, &domain.contract);
        let mut pause = Pause::new(self.limits.first_pause_ms);
        loop {
            let answer = within(deadline, self.nodes.upload(&url, policy, upload)).await;
            let error = match answer {
                Ok(ack) => {
                    return ack
                        .verify(&domain, upload, &info.miner, &worker)
                        .map(|()| ack)
                        .map_err(|error| failed(info, "bad_signature", error.to_string()));
                }
                Err(error) => error,
            };
            let wait = pause.next(&error);
            if !may_pass(&error) || Instant::now() + wait >= deadline {
                return Err(failed(info, error.code(), error.detail()));
            }
            let code = error.code().to_owned();
            progress.event(Event::NodeWaiting {
                miner: info.miner,
                code,
            });
            tokio::time::sleep(wait).await;
        }
    }
}

fn report(grant: Grant, mut pending: Vec<NodeFailure>) -> Result<GrantReport> {
    let delivered = grant.delivered();
    pending.sort_by_key(|failure| failure.miner);
    let need = usize::from(grant.terms.threshold);
    if delivered.len() < need {
        return Err(Error::ThresholdNotMet {
            need,
            got: delivered.len(),
            nodes: pending,
        });
    }
    Ok(GrantReport {
        policy: grant.policy,
        tx_hash: grant.tx_hash.unwrap_or(B256::ZERO),
        terms: grant.terms,
        delivered,
        pending,
    })
}

/// Worker and checked URL of a miner.
pub(crate) fn reach(
    info: &MinerInfo,
    parse: impl FnOnce(&str) -> Result<NodeUrl>,
) -> Result<(Address, NodeUrl), NodeFailure> {
    let worker = info
        .worker
        .ok_or_else(|| failed(info, "worker_missing", "no worker is bonded".to_owned()))?;
    let url = parse(&info.url).map_err(|error| failed(info, "url_refused", error.to_string()))?;
    Ok((worker, url))
}

/// Why a miner did not do its part.
pub(crate) fn failed(info: &MinerInfo, code: &str, detail: String) -> NodeFailure {
    let url = info
        .url
        .chars()
        .filter(|c| !c.is_control())
        .take(256)
        .collect();
    let detail = detail.chars().take(200).collect();
    NodeFailure {
        miner: info.miner,
        url,
        code: code.to_owned(),
        detail,
    }
}

/// The code of a miner whose arrangement the author took back.
pub(crate) const ARRANGEMENT_REVOKED: &str = "arrangement_revoked";

/// A miner that owes the policy nothing any more.
pub(crate) fn dismissed(info: &MinerInfo) -> NodeFailure {
    let detail = "the author took back the arrangement with this miner";
    failed(info, ARRANGEMENT_REVOKED, detail.to_owned())
}

/// An answer before the deadline, or a timeout.
pub(crate) async fn within<T>(
    deadline: Instant,
    answer: impl Future<Output = Result<T, NodeError>>,
) -> Result<T, NodeError> {
    tokio::time::timeout_at(deadline, answer)
        .await
        .unwrap_or(Err(NodeError::Timeout))
}

/// True when the same upload may be taken later. A node that does not know the policy yet lags
/// behind the chain that took the payment.
fn may_pass(error: &NodeError) -> bool {
    match error {
        NodeError::Refused(problem) => {
            problem.code.is_temporary() || problem.code == Refusal::PolicyUnknown
        }
        NodeError::Unreachable(_) | NodeError::Timeout => true,
        NodeError::TooLarge | NodeError::Redirected | NodeError::BadReply(_) => false,
    }
}

/// Pauses between two attempts: doubled up to sixteen-fold, or as long as the node says.
pub(crate) struct Pause {
    first_ms: u64,
    doublings: u32,
}

impl Pause {
    pub(crate) const fn new(first_ms: u64) -> Self {
        Self {
            first_ms,
            doublings: 0,
        }
    }

    pub(crate) fn next(&mut self, error: &NodeError) -> Duration {
        if let NodeError::Refused(problem) = error
            && let Some(seconds) = problem.retry_after_s
        {
            return Duration::from_secs(u64::from(seconds).clamp(1, RETRY_AFTER_MAX_SECONDS));
        }
        self.usual()
    }

    pub(crate) fn usual(&mut self) -> Duration {
        let pause = self.first_ms.saturating_mul(1 << self.doublings);
        self.doublings = (self.doublings + 1).min(4);
        Duration::from_millis(pause)
    }
}
