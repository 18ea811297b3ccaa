//! A private anvil with the contracts, and whoever sends transactions there.

use std::path::{Path, PathBuf};

use kms_chain::devnet::{self, Devnet, DevnetOptions, Mining};
use kms_chain::{
    BlockHeader, Call, Chain, ChainError, ChainEvent, DeployParams, Deployment, EventRecord, Tag,
    TxPlan, TxReceipt,
};
use kms_protocol::{Address, Amount, Domain, EthSecret, Period, PeriodClock, SignedConsent, Wei};

use crate::wait::until;

/// A chain with the contracts. It ends with its value.
#[derive(Debug)]
pub struct Net {
    /// The chain as nodes and clients reach it.
    pub chain: Chain,
    /// The chain as its owner steers it.
    pub devnet: Devnet,
    /// JSON-RPC endpoint.
    pub rpc_url: String,
    /// The contracts.
    pub deployment: Deployment,
    /// Their record, as people pass it on.
    pub deployment_file: PathBuf,
    /// Domain of the messages between clients and nodes.
    pub domain: Domain,
    /// Turns time into periods.
    pub clock: PeriodClock,
    treasury: EthSecret,
    /// One payment of the treasury at a time: each takes the next nonce.
    paying: tokio::sync::Mutex<()>,
}

impl Net {
    /// A fresh chain with the contracts; their record is written to `dir`.
    pub async fn start(dir: &Path, mining: Mining, params: &DeployParams) -> Self {
        let options = DevnetOptions {
            mining,
            ..DevnetOptions::default()
        };
        let devnet = Devnet::start(&options).await.unwrap();
        let deployment = devnet.deploy(params).await.unwrap();
        let deployment_file = dir.join("deployment.json");
        deployment.save(&deployment_file).unwrap();
        let config = devnet.rpc_config();
        let chain = Chain::connect(&config, deployment.clone()).await.unwrap();
        Self {
            clock: chain.params().await.unwrap().clock,
            domain: Domain::node(deployment.chain_id, deployment.contracts.policies.address),
            rpc_url: devnet.url().to_owned(),
            treasury: devnet::account(0).unwrap(),
            paying: tokio::sync::Mutex::default(),
            chain,
            devnet,
            deployment,
            deployment_file,
        }
    }

    /// Mines empty blocks.
    pub async fn mine(&self, blocks: u64) {
        self.devnet.mine(blocks).await.unwrap();
    }

    /// Lets chain time pass and mines a block.
    pub async fn pass_periods(&self, periods: u32) {
        let seconds = u64::from(periods) * u64::from(self.clock.period_seconds);
        self.devnet.advance(seconds).await.unwrap();
    }

    /// The newest block.
    pub async fn head(&self) -> BlockHeader {
        self.chain.head().await.unwrap()
    }

    /// The period of the newest block.
    pub async fn period(&self) -> Period {
        self.clock.period_at(self.head().await.timestamp).unwrap()
    }

    /// Every event of the deployment so far.
    pub async fn events(&self) -> Vec<EventRecord> {
        let (first, head) = (self.deployment.block, self.head().await.number);
        self.chain.events_in_range(first, head).await.unwrap()
    }

    /// What `pick` finds first in the events so far.
    pub async fn find<T>(&self, pick: impl FnMut(ChainEvent) -> Option<T>) -> Option<T> {
        let events = self.events().await.into_iter();
        events.map(|record| record.event).find_map(pick)
    }

    /// Signs a transaction; broadcasts nothing.
    pub async fn sign(&self, from: &EthSecret, call: Call) -> Vec<u8> {
        let (chain, sender) = (&self.chain, from.address());
        let plan = TxPlan {
            gas_limit: chain.simulate(sender, &call).await.unwrap(),
            nonce: chain.nonce(sender, Tag::Pending).await.unwrap(),
            fees: chain.fees().await.unwrap(),
            call,
        };
        chain.sign(from, &plan).raw
    }

    /// Broadcasts signed bytes and waits until they are mined.
    pub async fn broadcast(&self, raw: &[u8]) -> TxReceipt {
        let hash = self.chain.broadcast(raw).await.unwrap();
        let mined = async || self.chain.receipt(hash).await.unwrap();
        let receipt = until("a receipt", mined).await;
        assert!(receipt.succeeded, "a transaction reverted");
        receipt
    }

    /// Sends a transaction and waits for its block.
    pub async fn send(&self, from: &EthSecret, call: Call) -> TxReceipt {
        let raw = self.sign(from, call).await;
        self.broadcast(&raw).await
    }

    /// What a contract refuses a call with.
    pub async fn refusal(&self, from: &EthSecret, call: Call) -> String {
        match self.chain.simulate(from.address(), &call).await {
            Err(ChainError::Reverted { name, .. }) => name,
            other => panic!("{}: {other:?}", call.kind()),
        }
    }

    /// Gives tokens and ether away.
    pub async fn fund(&self, to: Address, kms: u64) {
        let _alone = self.paying.lock().await;
        let amount = Amount::from_kms(kms).unwrap();
        let tokens = Call::TransferToken { to, amount };
        self.send(&self.treasury, tokens).await;
        let wei = Wei(100 * Wei::ETH.0);
        self.send(&self.treasury, Call::TransferEth { to, wei })
            .await;
    }

    /// An account with tokens and ether.
    pub async fn account(&self, kms: u64) -> EthSecret {
        let secret = EthSecret::random().unwrap();
        self.fund(secret.address(), kms).await;
        secret
    }

    /// A worker's consent to be bonded to a miner, for ever.
    pub fn consent(&self, worker: &EthSecret, miner: Address) -> SignedConsent {
        SignedConsent::sign(worker, miner, u64::MAX, &self.deployment.escrow_domain())
    }

    /// Money for a worker, and a position of `owner` with it bonded.
    pub async fn stake(&self, owner: &EthSecret, kms: u64, consent: SignedConsent) {
        self.fund(consent.consent.worker, 1).await;
        self.fund(owner.address(), kms).await;
        let deposit = Call::DepositViaTransfer {
            amount: Amount::from_kms(kms).unwrap(),
            lock_periods: 1_000,
        };
        self.send(owner, deposit).await;
        self.send(owner, Call::BondWorker { consent }).await;
    }
}
