//! The chain under the test: anvil with a block per second and the contracts on it.

use std::future::Future;
use std::path::Path;
use std::time::{Duration, Instant};

use kms_chain::devnet::{Devnet, DevnetOptions, Mining};
use kms_chain::{Call, Chain, ChainEvent, DeployParams, Deployment, Tag, TxPlan};
use kms_protocol::{Amount, Domain, EthSecret};

const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Net {
    pub(crate) devnet: Devnet,
    pub(crate) chain: Chain,
    pub(crate) deployment: Deployment,
}

impl Net {
    pub(crate) async fn start(dir: &Path) -> Self {
        let mining = Mining::Every(1);
        let devnet = Devnet::start(&DevnetOptions {
            mining,
            ..Default::default()
        })
        .await
        .unwrap();
        let params = DeployParams::local().unwrap();
        let deployment = devnet.deploy(&params).await.unwrap();
        deployment.save(&dir.join("deployment.json")).unwrap();
        let chain = Chain::connect(&devnet.rpc_config(), deployment.clone())
            .await
            .unwrap();
        Self {
            devnet,
            chain,
            deployment,
        }
    }

    pub(crate) async fn send(&self, from: &EthSecret, call: Call) {
        let gas_limit = self.chain.simulate(from.address(), &call).await.unwrap();
        let fees = self.chain.fees().await.unwrap();
        let nonce = self
            .chain
            .nonce(from.address(), Tag::Pending)
            .await
            .unwrap();
        let tx = self.chain.sign(
            from,
            &TxPlan {
                nonce,
                call,
                gas_limit,
                fees,
            },
        );
        self.chain.broadcast(&tx.raw).await.unwrap();
        let mined = async || self.chain.receipt(tx.hash).await.unwrap();
        let receipt = until("the transaction is mined", mined).await;
        assert!(receipt.succeeded);
    }

    pub(crate) fn domain(&self) -> Domain {
        Domain::node(
            self.deployment.chain_id,
            self.deployment.contracts.policies.address,
        )
    }

    pub(crate) async fn saw(&self, wanted: impl Fn(&ChainEvent) -> bool) -> Option<()> {
        let head = self.chain.head().await.unwrap().number;
        let events = self
            .chain
            .events_in_range(self.deployment.block, head)
            .await
            .unwrap();
        events
            .iter()
            .any(|record| wanted(&record.event))
            .then_some(())
    }
}

/// Asks again until there is an answer.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

pub(crate) fn kms(amount: u64) -> Amount {
    Amount::from_kms(amount).unwrap()
}
