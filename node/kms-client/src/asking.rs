//! Requests to one node: its worker and URL, the deadline, the backoff between attempts, the report
//! of a failure. Neighbours: `owner` and `reader` ask, `node_http` sends.

use std::time::Duration;

use kms_chain::MinerInfo;
use kms_protocol::Address;
use tokio::time::Instant;

use crate::error::{NodeFailure, Result};
use crate::line::Peer;
use crate::node_http::{AskError, HttpNodes};

/// [`NodeFailure::code`] of a miner whose arrangement the author revoked.
const ARRANGEMENT_REVOKED: &str = "arrangement_revoked";
/// Upper bound on a node's `retry_after_s`, in seconds.
const RETRY_AFTER_MAX_SECONDS: u64 = 30;

/// Returns the worker and the checked URL of a miner.
pub(crate) fn reach(info: &MinerInfo, nodes: &HttpNodes) -> Result<Peer, NodeFailure> {
    let worker = info
        .worker
        .ok_or_else(|| failed(info, "worker_missing", "no worker is bonded".to_owned()))?;
    let url = nodes.parse_url(&info.url);
    let url = url.map_err(|error| failed(info, "url_refused", error.to_string()))?;
    Ok(Peer {
        miner: info.miner,
        worker,
        url,
    })
}

/// Reports that a miner did not do its part.
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

/// Reports a miner of which the chain has not told how to reach it.
pub(crate) fn nobody(miner: Address, code: &str, detail: String) -> NodeFailure {
    NodeFailure {
        miner,
        url: String::new(),
        code: code.to_owned(),
        detail: detail.chars().take(200).collect(),
    }
}

/// Reports a miner whose arrangement with the policy was revoked.
pub(crate) fn dismissed(info: &MinerInfo) -> NodeFailure {
    let detail = "the author took back the arrangement with this miner";
    failed(info, ARRANGEMENT_REVOKED, detail.to_owned())
}

/// Waits for an answer until the deadline.
pub(crate) async fn within<T>(
    deadline: Instant,
    answer: impl Future<Output = Result<T, AskError>>,
) -> Result<T, AskError> {
    tokio::time::timeout_at(deadline, answer)
        .await
        .unwrap_or(Err(AskError::Timeout))
}

/// Prefers what a node said before to the news that time was up.
pub(crate) fn told(error: AskError, before: Option<AskError>) -> AskError {
    match (error, before) {
        (AskError::Timeout, Some(before)) => before,
        (error, _) => error,
    }
}

/// Exponential backoff between two requests, up to sixteen-fold, or as long as the node says.
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

    pub(crate) fn next(&mut self, error: &AskError) -> Duration {
        if let AskError::Refused(problem) = error
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
