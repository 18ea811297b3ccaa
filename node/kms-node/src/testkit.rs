//! A node in a temporary directory on a chain in memory, for the tests of this crate. `chain` is
//! the chain, `grant` makes policies, uploads and requests as honest clients do.

pub(crate) mod chain;
pub(crate) mod grant;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

pub(crate) use kms_kit::chain::domain;
use kms_protocol::{Address, EthSecret};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::config::{NodeConfig, Sources};
use crate::duties::act::Sender;
use crate::host::identity::{Keys, database_path};
use crate::kfrag::erase::Sweeper;
use crate::kfrag::seal::StorageRoot;
use crate::node::{Node, NodeParts};
use crate::store::Store;
use crate::view::follow::Follower;
use chain::{FakeChain, MAX_LEASE};

pub(crate) const MINER: Address = Address([0xaa; 20]);

/// Everything that survives a restart, and the chain.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) chain: FakeChain,
    pub(crate) settings: Vec<(String, String)>,
    worker: [u8; 32],
    storage: [u8; 32],
}

/// One run of the node.
pub(crate) struct Running {
    pub(crate) node: Arc<Node>,
    pub(crate) follower: Follower<FakeChain>,
    pub(crate) sender: Sender<FakeChain>,
    pub(crate) sweeper: Sweeper<FakeChain>,
}

impl World {
    pub(crate) fn new() -> Self {
        let worker = EthSecret::random().unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o700)).unwrap();
        Self {
            dir,
            chain: FakeChain::new(chain::params(), MINER, worker.address()),
            settings: Vec::new(),
            worker: *worker.expose_bytes(),
            storage: *StorageRoot::random().unwrap().expose_bytes(),
        }
    }

    pub(crate) fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.into(), value.into()));
        self
    }

    pub(crate) fn config(&self) -> NodeConfig {
        let mut flags: Vec<(String, String)> = [
            ("data_dir", self.dir.path().to_str().unwrap()),
            ("deployment", "unused.json"),
            ("rpc_urls", "http://127.0.0.1:1"),
            ("miner", &MINER.to_string()),
            ("public_url", "http://node.example"),
            ("listen", "127.0.0.1:0"),
            ("admin_listen", "127.0.0.1:0"),
            ("reencrypt_workers", "2"),
            ("claim_every_periods", "1"),
            ("collect_every_periods", "1"),
            ("fee_per_kms", "1 ETH"),
            ("erase_after_ms", "0"),
            ("max_head_age_s", "0"),
        ]
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
        flags.extend(self.settings.iter().cloned());
        NodeConfig::load(&Sources {
            flags,
            ..Sources::default()
        })
        .unwrap()
        .config
    }

    pub(crate) fn keys(&self) -> Keys {
        Keys {
            worker: EthSecret::from_bytes(&self.worker).unwrap(),
            storage: StorageRoot::from_bytes(&self.storage),
        }
    }

    pub(crate) async fn store(&self) -> Store {
        Store::of_test(&database_path(self.dir.path()))
            .await
            .unwrap()
    }

    /// Starts the node; dropping the result is a crash.
    pub(crate) async fn start(&self) -> Running {
        let (config, store) = (self.config(), self.store().await);
        let (publisher, snapshots) = watch::channel(None);
        let (keys, domain) = (self.keys(), domain());
        let node = Node::new(NodeParts {
            config,
            keys,
            domain,
            store,
            snapshots,
        });
        let node = Arc::new(node);
        let (chain, clock) = (self.chain.clone(), self.chain.state().params.clock);
        let follower = Follower::new(node.clone(), chain, clock, publisher);
        Running {
            follower: follower.await.unwrap(),
            sweeper: Sweeper::new(node.clone(), self.chain.clone()),
            sender: Sender::new(node.clone(), self.chain.clone(), clock, MAX_LEASE),
            node,
        }
    }
}

impl Running {
    /// Follows to the head.
    pub(crate) async fn sync(&mut self) {
        while !self.follower.advance().await.unwrap() {}
    }

    /// Follows to the head, sweeps, and sweeps again once the blocks are settled.
    pub(crate) async fn sweep(&mut self) {
        for _ in 0..2 {
            self.sync().await;
            let snapshot = self.node.snapshot().unwrap();
            self.sweeper.sweep(&snapshot).await.unwrap();
        }
    }

    /// Follows to the head and does what is due once.
    pub(crate) async fn tick(&mut self) {
        self.sync().await;
        let snapshot = self.node.snapshot().unwrap();
        self.sender.tick(&snapshot).await.unwrap();
    }

    /// One block, then a tick, `count` times.
    pub(crate) async fn live(&mut self, chain: &FakeChain, count: u32) {
        for _ in 0..count {
            chain.mine();
            self.tick().await;
        }
    }
}
