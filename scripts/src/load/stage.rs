//! A private chain, a node as a process of its own, and real policies under which it answers.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use kms_chain::devnet::Mining;
use kms_chain::{Call, DeployParams};
use kms_kit::grant::{Grant, Offer};
use kms_kit::kms::Kms;
use kms_kit::net::Net;
use kms_kit::node::{Node, Place};
use kms_kit::wait::until;
use kms_kit::wire::Wire;
use kms_protocol::messages::{Answer, Message};
use kms_protocol::{Address, Amount, Destination, EthSecret, Period};
use tokio::task::JoinSet;

use crate::say;

/// Length of a period: a few at most begin while a run goes on.
const PERIOD_SECONDS: u32 = 1_800;
/// Policies under which requests are sent: no quota of one is met.
const SERVED: usize = 8;
/// Policies made by one transaction, below half of a block's gas, so that gas does not get dearer.
const AT_ONCE: usize = 100;
/// Clients that hand kfrags over at once.
const UPLOADS: usize = 8;
/// Settings for a load that comes from few readers, and a look at the chain by its blocks.
const SETTINGS: [(&str, &str); 2] = [
    ("KMS_NODE_POLICY_REQUESTS", "1000000"),
    ("KMS_NODE_POLL_INTERVAL_MS", "0"),
];

pub(super) struct Stage {
    net: Net,
    node: Node,
    miner: Address,
    author: EthSecret,
    grants: Vec<Grant>,
}

impl Stage {
    /// A node that serves some policies.
    pub(super) async fn new(folder: &Path) -> Result<Self> {
        let mut params = DeployParams::local()?;
        params.period_seconds = PERIOD_SECONDS;
        // Miners can leave before a change of terms: longer than the shortest lock.
        params.control.timelock_delay_seconds =
            u64::from(PERIOD_SECONDS) * (u64::from(params.min_lock_periods) + 4);
        let net = Net::start(folder, Mining::Every(1), &params).await;
        let owner = EthSecret::random()?;
        let (miner, network) = (owner.address(), net.deployment_file.display().to_string());
        let named = miner.to_string();
        let more = [
            "--network",
            &network,
            "--rpc",
            &net.rpc_url,
            "--miner",
            &named,
        ];
        let kms = Kms::at(&folder.join("home"));
        let node = Node::init(kms, &folder.join("node"), &Place::free(), &more);
        net.stake(&owner, 1_000, node.consent).await;
        let author = net.account(1_000_000).await;
        start(&node);
        node.ready().await;
        let leased = async || net.chain.lease_of(miner).await.ok()?.through;
        until("the node to confirm its activity", leased).await;
        let mut stage = Self {
            net,
            node,
            miner,
            author,
            grants: Vec::new(),
        };
        stage.grants = stage.make(SERVED).await?;
        stage.net.pass_periods(1).await;
        for grant in &stage.grants {
            let serving = async || stage.node.status(grant.id()).await.serving.then_some(());
            until("the node to serve", serving).await;
        }
        Ok(stage)
    }

    pub(super) fn wire(&self) -> Wire {
        self.node.wire()
    }

    /// A line to the node from another address of this machine.
    pub(super) fn wire_from(&self, address: std::net::IpAddr) -> Wire {
        Wire::from(address, &self.node.url)
    }

    pub(super) fn worker(&self) -> Address {
        self.node.worker
    }

    pub(super) fn process_id(&self) -> u32 {
        self.node.process_id()
    }

    pub(super) fn here(&self) -> Destination<'_> {
        Destination {
            domain: &self.net.domain,
            miner: &self.miner,
        }
    }

    /// Time of the newest block.
    pub(super) async fn time(&self) -> u64 {
        self.net.head().await.timestamp
    }

    pub(super) fn grant(&self) -> Result<&Grant> {
        self.grants.first().context("no grant")
    }

    /// The grant under which a request of this number is sent.
    pub(super) fn grant_of(&self, number: usize) -> Result<&Grant> {
        self.grants.get(number % SERVED).context("no grant")
    }

    /// Kills the node and starts it again. Returns the time until it is ready.
    pub(super) async fn restart(&self) -> Duration {
        self.node.kill();
        let began = Instant::now();
        start(&self.node);
        self.node.ready().await;
        began.elapsed()
    }

    /// Has the node hold many policies: each is paid for on chain, and its kfrag handed over.
    pub(super) async fn fill(&self, count: usize) -> Result<()> {
        let mut made = self.grants.len();
        let mut told = Instant::now();
        while made < count {
            made += self.make(AT_ONCE.min(count - made)).await?.len();
            if told.elapsed() > Duration::from_secs(10) {
                say::line(&format!("{made} of {count} policies"));
                told = Instant::now();
            }
        }
        Ok(())
    }

    /// Makes policies from the next period on by one transaction, and hands their kfrags over.
    async fn make(&self, count: usize) -> Result<Vec<Grant>> {
        let first = self.net.period().await.0 + 1;
        let offer = Offer {
            author: self.author.address(),
            rate: Amount::KMS,
            first: Period(first),
            last: Period(first + 11),
            threshold: 1,
            miners: vec![self.miner],
        };
        let domain = self.net.domain;
        let make = move || {
            let grants = (0..count).map(|_| Grant::new(domain, offer.clone()));
            grants.collect::<Vec<_>>()
        };
        let grants = tokio::task::spawn_blocking(make).await?;
        let call = Call::CreatePolicies {
            terms: grants.iter().map(|grant| grant.terms.clone()).collect(),
            memos: vec![Vec::new(); count],
        };
        let raw = self.net.sign(&self.author, call).await;
        self.net.chain.broadcast(&raw).await?;
        self.net.mine(1).await;
        self.node.sees(self.net.head().await.number).await;
        self.hand_over(&grants).await?;
        Ok(grants)
    }

    async fn hand_over(&self, grants: &[Grant]) -> Result<()> {
        let wire = self.wire();
        let info = wire.info().await.map_err(|no| anyhow::anyhow!("{no:?}"))?;
        let mut sending = JoinSet::new();
        for grant in grants {
            let upload = Message::Kfrag(Box::new(grant.upload(self.miner)));
            let (sealed, exchange) = upload.seal(&info.transport.key, &self.here())?;
            let wire = wire.clone();
            sending.spawn(async move { (exchange, wire.post(sealed).await) });
            if sending.len() >= UPLOADS
                && let Some(sent) = sending.join_next().await
            {
                let (exchange, reply) = sent?;
                self.stored(&exchange, reply)?;
            }
        }
        for (exchange, reply) in sending.join_all().await {
            self.stored(&exchange, reply)?;
        }
        Ok(())
    }

    fn stored(
        &self,
        exchange: &kms_protocol::Exchange,
        reply: Result<Vec<u8>, kms_protocol::messages::Problem>,
    ) -> Result<()> {
        let reply = reply.map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
        let answer = Answer::open(&self.here(), exchange, &self.node.worker, &reply)?;
        ensure!(
            matches!(answer, Answer::Stored(_)),
            "a kfrag was refused: {answer:?}"
        );
        Ok(())
    }
}

fn start(node: &Node) {
    let mut command = node.command();
    command.envs(SETTINGS);
    node.start_by(command);
}
