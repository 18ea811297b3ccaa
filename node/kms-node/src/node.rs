//! The state that requests and tasks share: configuration, keys, store, the newest snapshot. The
//! flows are in `view`, `duties`, `kfrag` and `serve`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kms_protocol::messages::Problem;
use kms_protocol::{Address, Domain, Refusal};
use tokio::sync::watch;

use crate::config::NodeConfig;
use crate::duties::books::Books;
use crate::gate::{Verdict, View};
use crate::host::disk::Reserve;
use crate::host::health::Health;
use crate::host::identity::Keys;
use crate::host::metrics::Metrics;
use crate::host::quiet::Quiet;
use crate::kfrag::cache::KfragCache;
use crate::serve::pool::Pool;
use crate::serve::quota::Notices;
use crate::serve::replay::{Limits, ReplayGuard};
use crate::serve::status::InfoCache;
use crate::serve::transport::TransportKeys;
use crate::store::Store;
use crate::view::snapshot::{Snapshot, ViewAge};

/// The receiver of snapshots; `None` until the chain has been read to its head once.
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
    pub(crate) quiet: Quiet,
    pub(crate) cache: KfragCache,
    pub(crate) replay: ReplayGuard,
    pub(crate) pool: Pool,
    pub(crate) notices: Notices,
    pub(crate) reserve: Reserve,
    pub(crate) transport: TransportKeys,
    pub(crate) info: InfoCache,
    books: Mutex<Option<Arc<Books>>>,
    closing: AtomicBool,
    /// When the database was asked for an unknown transport key last.
    looked_again: Mutex<Option<Instant>>,
    /// Whether kfrags wait to be erased.
    erasures: AtomicBool,
}

/// The parts of a [`Node`] that its caller opens.
pub(crate) struct NodeParts {
    pub(crate) config: NodeConfig,
    pub(crate) keys: Keys,
    pub(crate) domain: Domain,
    pub(crate) store: Store,
    pub(crate) snapshots: SnapshotReceiver,
}

/// Capacity of the cache of kfrags; each takes 1 to 3 KiB, depending on the threshold.
const CACHED_KFRAGS: usize = 8_192;
/// Pause between two questions to the database for unknown transport keys.
const LOOK_AGAIN_PAUSE: Duration = Duration::from_millis(50);

impl Node {
    pub(crate) fn new(parts: NodeParts) -> Self {
        let config = &parts.config;
        let (workers, queue) = (config.worker_count(), config.queue_length());
        Self {
            replay: ReplayGuard::new(Limits::of(config)),
            pool: Pool::new(workers, queue, config.policy_places()),
            notices: Notices::default(),
            reserve: Reserve::new(&parts.config.data_dir),
            transport: TransportKeys::new(parts.config.database.is_some()),
            looked_again: Mutex::default(),
            config: parts.config,
            keys: parts.keys,
            domain: parts.domain,
            store: parts.store,
            snapshots: parts.snapshots,
            age: ViewAge::new(),
            health: Health::new(),
            metrics: Metrics::new(),
            quiet: Quiet::default(),
            cache: KfragCache::new(CACHED_KFRAGS),
            info: InfoCache::default(),
            books: Mutex::default(),
            closing: AtomicBool::new(false),
            erasures: AtomicBool::new(false),
        }
    }

    pub(crate) fn miner(&self) -> Address {
        self.config.miner
    }

    /// The newest snapshot, whatever its age.
    pub(crate) fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshots.borrow().clone()
    }

    /// The books kept last; `None` before the first.
    pub(crate) fn books(&self) -> Option<Arc<Books>> {
        let books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        books.clone()
    }

    pub(crate) fn set_books(&self, books: Arc<Books>) {
        *self.books.lock().unwrap_or_else(PoisonError::into_inner) = Some(books);
    }

    /// The gate's view of a snapshot.
    pub(crate) fn view<'a>(&self, snapshot: Option<&'a Arc<Snapshot>>) -> View<'a> {
        View {
            snapshot: snapshot.map(Arc::as_ref),
            age: self.age.age(),
            max_age: self.config.max_view_age(),
        }
    }

    /// Notes whether kfrags wait for the proof that their policies are over.
    pub(crate) fn await_erasures(&self, waiting: bool) {
        self.erasures.store(waiting, Ordering::Release);
    }

    /// Whether kfrags wait to be erased.
    pub(crate) fn has_waiting_erasures(&self) -> bool {
        self.erasures.load(Ordering::Acquire)
    }

    /// Whether the database may be asked for an unknown transport key: strangers name unknown keys.
    pub(crate) fn may_look_again(&self) -> bool {
        let looked = &self.looked_again;
        let mut looked = looked.lock().unwrap_or_else(PoisonError::into_inner);
        let may = looked.is_none_or(|at| at.elapsed() >= LOOK_AGAIN_PAUSE);
        if may {
            *looked = Some(Instant::now());
        }
        may
    }

    /// Makes [`Node::check_open`] refuse new requests, for shutdown.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// Refuses during shutdown.
    pub(crate) fn check_open(&self) -> Verdict {
        match self.closing.load(Ordering::Acquire) {
            true => Err(Problem::from(Refusal::ShuttingDown)),
            false => Ok(()),
        }
    }
}
