//! A private world: an anvil that mines a block per transaction and otherwise stands still, so that
//! a test decides when blocks and periods pass; the contracts; funded accounts; miners.

use std::path::PathBuf;

use kms_chain::devnet::{self, Devnet, DevnetOptions};
use kms_chain::{
    BlockHeader, Call, Chain, ChainError, DeployParams, Deployment, EventRecord, Tag, TxPlan,
    TxReceipt,
};
use kms_protocol::{Address, Amount, Domain, EthSecret, Period, PeriodClock, Wei};
use tempfile::TempDir;

use super::node::{Node, free_port};
use super::wait::until;

/// Long enough that no test runs into the next period by accident.
pub(crate) const PERIOD_SECONDS: u32 = 3_600;

/// A chain with the contracts, and whoever acts on it.
pub(crate) struct World {
    pub(crate) chain: Chain,
    pub(crate) rpc_url: String,
    pub(crate) deployment: Deployment,
    pub(crate) deployment_file: PathBuf,
    pub(crate) domain: Domain,
    pub(crate) clock: PeriodClock,
    pub(crate) devnet: Devnet,
    treasury: EthSecret,
    dir: TempDir,
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
        let devnet = Devnet::start(&DevnetOptions::default()).await.unwrap();
        let treasury = devnet::account(0).unwrap();
        let local = DeployParams::local().unwrap();
        let half_life_seconds = 300 * u64::from(PERIOD_SECONDS);
        let mut params = DeployParams {
            period_seconds: PERIOD_SECONDS,
            half_life_seconds,
            ..local
        };
        // Longer than the shortest lock, in these periods too.
        params.control.timelock_delay_seconds = 10 * u64::from(PERIOD_SECONDS);
        // As long as it may be: no busy machine lets a challenge run out.
        params.challenge.window_seconds = params.control.max_window_seconds;
        let deployment = devnet.deploy(&params).await.unwrap();
        let deployment_file = dir.path().join("deployment.json");
        deployment.save(&deployment_file).unwrap();
        let chain = Chain::connect(&devnet.rpc_config(), deployment.clone())
            .await
            .unwrap();
        let clock = chain.params().await.unwrap().clock;
        let domain = Domain::node(deployment.chain_id, deployment.contracts.policies.address);
        let rpc_url = devnet.url().to_owned();
        Self {
            chain,
            rpc_url,
            deployment,
            deployment_file,
            domain,
            clock,
            devnet,
            treasury,
            dir,
        }
    }

    /// A path in the private directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Mines empty blocks.
    pub(crate) async fn mine(&self, blocks: u64) {
        self.devnet.mine(blocks).await.unwrap();
    }

    /// Lets chain time pass and mines a block.
    pub(crate) async fn pass_periods(&self, periods: u32) {
        self.devnet
            .advance(u64::from(periods * PERIOD_SECONDS))
            .await
            .unwrap();
    }

    pub(crate) async fn head(&self) -> BlockHeader {
        self.chain.head().await.unwrap()
    }

    pub(crate) async fn period(&self) -> Period {
        self.clock.period_at(self.head().await.timestamp).unwrap()
    }

    /// Every event of the deployment so far.
    pub(crate) async fn events(&self) -> Vec<EventRecord> {
        let head = self.head().await.number;
        self.chain
            .events_in_range(self.deployment.block, head)
            .await
            .unwrap()
    }

    /// Signs a transaction; broadcasts nothing.
    pub(crate) async fn sign(&self, from: &EthSecret, call: Call) -> Vec<u8> {
        let gas_limit = self.chain.simulate(from.address(), &call).await.unwrap();
        let nonce = self
            .chain
            .nonce(from.address(), Tag::Pending)
            .await
            .unwrap();
        let fees = self.chain.fees().await.unwrap();
        self.chain
            .sign(
                from,
                &TxPlan {
                    nonce,
                    call,
                    gas_limit,
                    fees,
                },
            )
            .raw
    }

    /// Broadcasts signed bytes and waits until they are mined.
    pub(crate) async fn broadcast(&self, raw: &[u8]) -> TxReceipt {
        let hash = self.chain.broadcast(raw).await.unwrap();
        let receipt = until("a receipt", async || {
            self.chain.receipt(hash).await.unwrap()
        })
        .await;
        assert!(receipt.succeeded, "a transaction reverted");
        receipt
    }

    /// Sends a transaction and waits for its block.
    pub(crate) async fn send(&self, from: &EthSecret, call: Call) -> TxReceipt {
        let raw = self.sign(from, call).await;
        self.broadcast(&raw).await
    }

    /// Gives tokens and ether away.
    pub(crate) async fn fund(&self, to: Address, kms: u64) {
        let amount = Amount::from_kms(kms).unwrap();
        self.send(&self.treasury, Call::TransferToken { to, amount })
            .await;
        let wei = Wei(100 * Wei::ETH.0);
        self.send(&self.treasury, Call::TransferEth { to, wei })
            .await;
    }

    /// An account with tokens and ether.
    pub(crate) async fn account(&self, kms: u64) -> EthSecret {
        let secret = EthSecret::random().unwrap();
        self.fund(secret.address(), kms).await;
        secret
    }

    /// A position with a bonded worker.
    pub(crate) async fn stake(&self, kms: u64, worker: Address) -> EthSecret {
        let owner = EthSecret::random().unwrap();
        self.stake_of(&owner, kms, worker).await;
        owner
    }

    async fn stake_of(&self, owner: &EthSecret, kms: u64, worker: Address) {
        self.fund(owner.address(), kms).await;
        let amount = Amount::from_kms(kms).unwrap();
        self.send(
            owner,
            Call::DepositViaTransfer {
                amount,
                lock_periods: 1_000,
            },
        )
        .await;
        self.send(
            owner,
            Call::BondWorker {
                worker: Some(worker),
            },
        )
        .await;
    }

    /// Starts the miner's node and waits until it has registered itself and is ready.
    pub(crate) async fn at_work(&self, miner: &Miner) {
        miner.node.start();
        self.registered(miner).await;
        miner.node.ready().await;
    }

    /// A miner whose node is initialised and has not been started.
    pub(crate) async fn stopped_miner(&self, name: &str) -> Miner {
        let listen = format!("127.0.0.1:{}", free_port());
        self.stopped_miner_at(name, (&listen, &format!("http://{listen}")))
            .await
    }

    /// The same, listening at one address and reached by clients under another URL.
    pub(crate) async fn stopped_miner_at(
        &self,
        name: &str,
        (listen, public_url): (&str, &str),
    ) -> Miner {
        let owner = EthSecret::random().unwrap();
        let node = Node::init(self, name, owner.address(), (listen, public_url));
        let worker = node.worker;
        self.fund(worker, 1).await;
        self.stake_of(&owner, 1_000, worker).await;
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
            miner.node.ready().await;
        }
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

    /// What a contract refuses a call with.
    pub(crate) async fn refusal(&self, from: &EthSecret, call: Call) -> String {
        match self.chain.simulate(from.address(), &call).await {
            Err(ChainError::Reverted { name, .. }) => name,
            other => panic!("{}: {other:?}", call.kind()),
        }
    }

    /// Waits until the node has registered itself.
    pub(crate) async fn registered(&self, miner: &Miner) {
        until("the node's registration", async || {
            let infos = self.chain.miner_info(&[miner.address()]).await.unwrap();
            (infos[0].url == miner.node.public_url).then_some(())
        })
        .await;
    }
}
