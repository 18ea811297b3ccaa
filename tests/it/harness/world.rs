//! A private world: an anvil that mines a block per transaction and otherwise stands still, so that
//! a test decides when blocks and periods pass; the contracts; funded people; miners.

use std::ops::Deref;
use std::path::PathBuf;

use kms_chain::DeployParams;
use kms_chain::devnet::Mining;
use kms_kit::kms::Kms;
use kms_kit::net::Net;
use kms_kit::node::{Node, Place};
use kms_kit::wait::until;
use kms_protocol::{Address, EthSecret, Period};
use tempfile::TempDir;

/// Long enough that no test runs into the next period by accident.
const PERIOD_SECONDS: u32 = 3_600;

/// A chain with the contracts, and a private directory.
pub(crate) struct World {
    net: Net,
    dir: TempDir,
}

impl Deref for World {
    type Target = Net;

    fn deref(&self) -> &Net {
        &self.net
    }
}

/// A miner with its stake, known to the chain; its node may or may not run.
pub(crate) struct Miner {
    pub(crate) owner: EthSecret,
    pub(crate) worker: Address,
    pub(crate) node: Node,
}

impl Miner {
    pub(crate) fn address(&self) -> Address {
        self.owner.address()
    }
}

impl World {
    /// A fresh chain with the contracts.
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut params = DeployParams {
            period_seconds: PERIOD_SECONDS,
            half_life_seconds: 300 * u64::from(PERIOD_SECONDS),
            ..DeployParams::local().unwrap()
        };
        // Longer than the shortest lock, in these periods too.
        params.control.timelock_delay_seconds = 15 * u64::from(PERIOD_SECONDS);
        // As long as it may be: no busy machine lets a challenge run out.
        params.control.max_window_seconds = 600;
        params.challenge.window_seconds = params.control.max_window_seconds;
        let net = Net::start(dir.path(), Mining::Auto, &params).await;
        Self { net, dir }
    }

    /// A path in the private directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Somebody with a home on this chain, and money.
    pub(crate) async fn person(&self, name: &str, kms: u64) -> Kms {
        let person = Kms::at(&self.path(name));
        let wallet = person.init(&self.deployment_file, &self.rpc_url, &[]);
        self.fund(wallet, kms).await;
        person
    }

    /// Starts the miner's node, waits until it has registered itself and is ready, and goes to a
    /// period that it has leased.
    pub(crate) async fn at_work(&self, miner: &Miner) {
        miner.node.start();
        self.registered(miner).await;
        self.all_active(&[miner]).await;
    }

    /// A miner whose node is initialised and has not been started.
    pub(crate) async fn stopped_miner(&self, name: &str) -> Miner {
        self.stopped_miner_at(name, &Place::free()).await
    }

    /// The same in a place of the test's choice.
    pub(crate) async fn stopped_miner_at(&self, name: &str, place: &Place) -> Miner {
        self.stopped_miner_with(name, place, &[]).await
    }

    /// The same with these settings of its node.
    pub(crate) async fn stopped_miner_with(
        &self,
        name: &str,
        place: &Place,
        settings: &[&str],
    ) -> Miner {
        let owner = EthSecret::random().unwrap();
        let (miner, network) = (owner.address().to_string(), &self.deployment_file);
        let network = network.display().to_string();
        let chain = ["--network", &network, "--rpc", &self.rpc_url];
        let more = [&chain[..], &["--miner", &miner]].concat();
        let kms = Kms::at(&self.path(&format!("{name}-home")));
        let mut args = more;
        for setting in settings {
            args.extend(["--set", setting]);
        }
        let node = Node::init(kms, &self.path(name), place, &args);
        let worker = node.worker;
        self.stake(&owner, 1_000, node.consent).await;
        Miner {
            owner,
            worker,
            node,
        }
    }

    /// Some miners at work, in ascending order of address, as policies want them.
    pub(crate) async fn miners<const N: usize>(&self) -> [Miner; N] {
        let mut miners = Vec::new();
        for number in 0..N {
            let miner = self.stopped_miner(&format!("node{number}")).await;
            miner.node.start();
            miners.push(miner);
        }
        for miner in &miners {
            self.registered(miner).await;
        }
        self.all_active(&miners.iter().collect::<Vec<_>>()).await;
        miners.sort_by_key(Miner::address);
        let Ok(miners) = miners.try_into() else {
            unreachable!("N were made")
        };
        miners
    }

    /// Waits until each of these nodes has confirmed its activity, and goes to a period in which
    /// all of them are active.
    pub(crate) async fn all_active(&self, miners: &[&Miner]) {
        let next = Period(self.period().await.0 + 1);
        for miner in miners {
            until("the node's lease", async || {
                let lease = self.chain.lease_of(miner.address()).await.unwrap();
                lease.through.filter(|through| *through >= next)
            })
            .await;
        }
        self.pass_periods(1).await;
    }

    /// Waits until the node has registered itself and is ready.
    pub(crate) async fn registered(&self, miner: &Miner) {
        until("the node's registration", async || {
            let infos = self.chain.miner_info(&[miner.address()]).await.unwrap();
            (infos[0].url == miner.node.public_url).then_some(())
        })
        .await;
        miner.node.ready().await;
    }
}
