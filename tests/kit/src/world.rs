//! A private world: an anvil that mines a block per transaction and otherwise stands still, so that
//! a test decides when blocks and periods pass; the contracts; funded people; miners.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::path::PathBuf;

use crate::kms::Kms;
use crate::net::Net;
use crate::node::{Node, Place};
use crate::wait::until;
use kms_chain::devnet::Mining;
use kms_chain::{ChainEvent, DeployParams, Tag};
use kms_protocol::{Address, EthSecret, Period};
use tempfile::TempDir;

pub mod grant;
mod judge;

/// Long enough that no test runs into the next period by accident.
const PERIOD_SECONDS: u32 = 3_600;

/// A chain with the contracts, and a private directory.
pub struct World {
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
pub struct Miner {
    /// Key of the stake.
    pub owner: EthSecret,
    /// The key that signs for it.
    pub worker: Address,
    /// Its node.
    pub node: Node,
}

impl Miner {
    /// Address of the stake.
    pub fn address(&self) -> Address {
        self.owner.address()
    }
}

impl World {
    /// A fresh chain with the contracts.
    pub async fn new() -> Self {
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
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Somebody with a home on this chain, and money.
    pub async fn person(&self, name: &str, kms: u64) -> Kms {
        let person = Kms::at(&self.path(name));
        let wallet = person.init(&self.deployment_file, &self.rpc_url, &[]);
        self.fund(wallet, kms).await;
        person
    }

    /// Starts the miner's node, waits until it has registered itself and is ready, and goes to a
    /// period that it has leased.
    pub async fn at_work(&self, miner: &Miner) {
        miner.node.start();
        self.registered(miner).await;
        self.all_active(&[miner]).await;
    }

    /// A miner whose node is initialised and has not been started.
    pub async fn stopped_miner(&self, name: &str) -> Miner {
        self.stopped_miner_at(name, &Place::free()).await
    }

    /// The same in a place of the test's choice.
    pub async fn stopped_miner_at(&self, name: &str, place: &Place) -> Miner {
        self.stopped_miner_with(name, place, &[]).await
    }

    /// The same with these settings of its node.
    pub async fn stopped_miner_with(&self, name: &str, place: &Place, settings: &[&str]) -> Miner {
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

    /// Another node of a miner, that follows the chain and has no right to act for it.
    pub fn watcher(&self, miner: &Miner, name: &str) -> Node {
        let (address, network) = (miner.address().to_string(), &self.deployment_file);
        let network = network.display().to_string();
        let chain = ["--network", &network, "--rpc", &self.rpc_url];
        let more = [&chain[..], &["--miner", &address]].concat();
        let kms = Kms::at(&self.path(&format!("{name}-home")));
        Node::init(kms, &self.path(name), &Place::free(), &more)
    }

    /// Some miners at work, in ascending order of address, as policies want them.
    pub async fn miners<const N: usize>(&self) -> [Miner; N] {
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
    pub async fn all_active(&self, miners: &[&Miner]) {
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

    /// Number of transactions of a miner's worker so far, and of those that had an effect.
    pub async fn sent_by(&self, miner: &Miner) -> (u64, u64) {
        let of_worker = self.chain.nonce(miner.worker, Tag::Latest).await.unwrap();
        let (address, mut effects) = (miner.address(), BTreeSet::new());
        for record in self.events().await {
            let whose = match record.event {
                ChainEvent::NodeRegistered { miner, .. }
                | ChainEvent::MinRatePosted { miner, .. }
                | ChainEvent::ActivityConfirmed { miner, .. }
                | ChainEvent::RewardClaimed { miner, .. }
                | ChainEvent::FeesCollected { miner, .. }
                | ChainEvent::ChallengeAnswered { miner, .. } => miner,
                _ => continue,
            };
            if whose == address {
                effects.insert(record.tx_hash);
            }
        }
        (of_worker, effects.len() as u64)
    }

    /// Waits until the node has registered itself and is ready.
    pub async fn registered(&self, miner: &Miner) {
        until("the node's registration", async || {
            let infos = self.chain.miner_info(&[miner.address()]).await.unwrap();
            (infos[0].url == miner.node.public_url).then_some(())
        })
        .await;
        miner.node.ready().await;
    }
}
