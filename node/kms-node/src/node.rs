//! What every request and task shares: configuration, keys, store, the newest snapshot. The flows
//! themselves are in `view`, `duties`, `kfrag` and `serve`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kms_protocol::messages::{ErasureReceipt, KfragState, NodeInfo, PolicyStatus, Problem};
use kms_protocol::{Address, Domain, EthSignature, PolicyId, Refusal};
use tokio::sync::watch;

use crate::config::NodeConfig;
use crate::gate::{self, Verdict, View};
use crate::host::disk::Reserve;
use crate::host::health::{Check, Health, Report, Severity};
use crate::host::identity::Keys;
use crate::host::metrics::Metrics;
use crate::kfrag::cache::KfragCache;
use crate::serve::pool::Pool;
use crate::serve::replay::ReplayGuard;
use crate::store::kfrag::{ErasureReason, ErasureRow};
use crate::store::{Store, StoreError};
use crate::view::snapshot::{Snapshot, ViewAge};

/// The newest snapshot; `None` until the chain has been read to its head once.
pub(crate) type SnapshotReceiver = watch::Receiver<Option<Arc<Snapshot>>>;

/// Shared state of a running node.
pub(crate) struct Node {
    pub(crate) config: NodeConfig,
    pub(crate) keys: Keys,
    /// Domain of the messages between client and node.
    pub(crate) domain: Domain,
    pub(crate) store: Store,
    pub(crate) snapshots: SnapshotReceiver,
    pub(crate) age: ViewAge,
    pub(crate) health: Health,
    pub(crate) metrics: Metrics,
    pub(crate) cache: KfragCache,
    pub(crate) replay: ReplayGuard,
    pub(crate) pool: Pool,
    pub(crate) reserve: Reserve,
    closing: AtomicBool,
}

/// What a node is made of.
pub(crate) struct NodeParts {
    pub(crate) config: NodeConfig,
    pub(crate) keys: Keys,
    pub(crate) domain: Domain,
    pub(crate) store: Store,
    pub(crate) snapshots: SnapshotReceiver,
    pub(crate) replay: ReplayGuard,
}

/// Fragments kept ready in memory, 1 to 3 KiB each, as the threshold is.
const CACHED_KFRAGS: usize = 8_192;

impl Node {
    pub(crate) fn new(parts: NodeParts) -> Self {
        let queue = usize::try_from(parts.config.reencrypt_queue).unwrap_or(usize::MAX);
        Self {
            pool: Pool::new(parts.config.worker_count(), queue),
            reserve: Reserve::new(&parts.config.data_dir),
            config: parts.config,
            keys: parts.keys,
            domain: parts.domain,
            store: parts.store,
            snapshots: parts.snapshots,
            age: ViewAge::new(),
            health: Health::new(),
            metrics: Metrics::new(),
            cache: KfragCache::new(CACHED_KFRAGS),
            replay: parts.replay,
            closing: AtomicBool::new(false),
        }
    }

    pub(crate) fn miner(&self) -> Address {
        self.config.miner
    }

    /// The newest snapshot, whatever its age.
    pub(crate) fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshots.borrow().clone()
    }

    /// What the gate looks at.
    pub(crate) fn view<'a>(&self, snapshot: Option<&'a Arc<Snapshot>>) -> View<'a> {
        View {
            snapshot: snapshot.map(Arc::as_ref),
            age: self.age.age(),
            max_age: self.config.max_view_age(),
        }
    }

    /// From now on new requests are refused.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// Refuses once the node is going down.
    pub(crate) fn check_open(&self) -> Verdict {
        match self.closing.load(Ordering::Acquire) {
            true => Err(Problem::from(Refusal::ShuttingDown)),
            false => Ok(()),
        }
    }

    /// Reply of `GET /v1/info`.
    pub(crate) fn info(&self) -> NodeInfo {
        NodeInfo {
            miner: self.miner(),
            worker: self.keys.worker.address(),
            umbral_key: self.keys.umbral.public_key(),
            chain_id: self.domain.chain_id,
            policy_manager: self.domain.contract,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            head_block: self.snapshot().map_or(0, |snapshot| snapshot.head.number),
        }
    }

    /// Reply of `GET /v1/policies/{id}`.
    pub(crate) async fn status(&self, id: PolicyId) -> Verdict<PolicyStatus> {
        let erasure = self
            .store
            .erasure(id)
            .await
            .map_err(|error| store_problem(&error))?;
        let stored = self
            .store
            .kfrag(id)
            .await
            .map_err(|error| store_problem(&error))?;
        let kfrag = match (&erasure, &stored) {
            (Some(_), _) => KfragState::Erased,
            (None, Some(_)) => KfragState::Stored,
            (None, None) => KfragState::Missing,
        };
        let outdated = stored.is_some_and(|row| row.is_outdated());
        let snapshot = self.snapshot();
        let refusal = self
            .check_open()
            .and_then(|()| gate::serve(self.view(snapshot.as_ref()), &id).map(|_| ()))
            .err()
            .or_else(|| match (&erasure, kfrag) {
                (Some(row), _) => Some(erased_problem(row.reason)),
                (None, KfragState::Missing) => Some(Problem::from(Refusal::KfragMissing)),
                (None, KfragState::Stored) if outdated => {
                    Some(Problem::from(Refusal::KfragOutdated))
                }
                (None, KfragState::Stored | KfragState::Erased) => None,
            });
        Ok(PolicyStatus {
            policy_id: id,
            serving: refusal.is_none(),
            refusal,
            kfrag,
            erasure: erasure.map(|row| self.receipt(&row)),
        })
    }

    fn receipt(&self, row: &ErasureRow) -> ErasureReceipt {
        ErasureReceipt {
            policy_id: row.policy_id,
            miner: self.miner(),
            sealed_hash: row.sealed_hash,
            block_number: row.block_number,
            block_hash: row.block_hash,
            signature: EthSignature(row.signature),
        }
    }

    /// The readiness report.
    pub(crate) async fn report(&self) -> Report {
        let mut checks = vec![self.chain_check()];
        let store = self.store.ping().await.err().map(|error| error.to_string());
        checks.push(Check::new("store", Severity::Critical, store));
        let closing = self.check_open().err().map(|problem| problem.title);
        checks.push(Check::new("shutdown", Severity::Critical, closing));
        checks.extend(self.health.checks());
        Report::new(checks)
    }

    fn chain_check(&self) -> Check {
        let problem = match (self.snapshot(), self.age.age()) {
            (Some(_), Some(age)) if age <= self.config.max_view_age() => None,
            (_, Some(age)) => Some(format!("no good poll for {} s", age.as_secs())),
            (_, None) => Some("the chain has not been read to its head yet".to_owned()),
        };
        Check::new("chain_view", Severity::Critical, problem)
    }
}

/// A failure of the database as the caller sees it.
pub(crate) fn store_problem(error: &StoreError) -> Problem {
    tracing::error!(code = error.code(), %error, "database");
    match error {
        StoreError::Full => Problem::from(Refusal::StorageFull).retry_after(60),
        _ => Problem::new(Refusal::Internal, error.code()),
    }
}

/// The refusal for a fragment that was erased: the reason outlives a reorg.
pub(crate) fn erased_problem(reason: ErasureReason) -> Problem {
    let code = match reason {
        ErasureReason::Revoked => Refusal::PolicyRevoked,
        ErasureReason::Ended => Refusal::PolicyEnded,
    };
    Problem::new(code, "this node has erased its key fragment")
}
