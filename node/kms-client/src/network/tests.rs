//! Event topics against the committed artifacts, and owner, reader and staker over a real chain.

use std::sync::Arc;

use futures_util::FutureExt as _;
use kms_chain::devnet::{self, Devnet, DevnetOptions};
use kms_chain::{Call, DeployParams, WalletOptions};
use kms_protocol::{EthSecret, FixedBytes};
use serde_json::Value;

use super::*;
use crate::home::{Home, InitOptions};
use crate::owner::{FeeLimit, GrantSpec, Owner, Rate, Selection, Span, Spend, Unwilling};
use crate::payer::Payer;
use crate::ports::PayPort as _;
use crate::progress::Silent;
use crate::reader::{ReadLimits, Reader};
use crate::staker::{Staker, fees_of, stake_status};
use crate::standing::Standing;
use crate::testkit::{Clock, Fixed, PASSPHRASE, TestNode, label, options};
use kms_core::card::Card;
use kms_core::keys::ReaderKey;

/// The canonical text of an event, from the ABI.
fn signature(artifact: &str, event: &str) -> String {
    fn kind(input: &Value) -> String {
        let kind = input["type"].as_str().unwrap();
        match kind.strip_prefix("tuple") {
            Some(rest) => format!("{}{rest}", list(&input["components"])),
            None => kind.to_owned(),
        }
    }
    fn list(inputs: &Value) -> String {
        let kinds: Vec<_> = inputs.as_array().unwrap().iter().map(kind).collect();
        format!("({})", kinds.join(","))
    }
    let artifact: Value = serde_json::from_str(artifact).unwrap();
    let entries = artifact["abi"].as_array().unwrap();
    let entry = entries
        .iter()
        .find(|e| e["type"] == "event" && e["name"] == event)
        .unwrap();
    format!("{event}{}", list(&entry["inputs"]))
}

#[test]
fn topics_are_those_of_the_contracts() {
    let policies = include_str!("../../../../deployments/artifacts/PolicyManager.json");
    let escrow = include_str!("../../../../deployments/artifacts/StakingEscrow.json");
    let judge = include_str!("../../../../deployments/artifacts/SilenceChallenges.json");
    let ends = [search::CHALLENGE_ANSWERED, search::CHALLENGE_CLOSED];
    let names = ["ChallengeAnswered", "ChallengeClosed"];
    assert_eq!(
        ends,
        names
            .map(|name| signature(judge, name))
            .each_ref()
            .map(String::as_str)
    );
    assert_eq!(search::POLICY_CREATED, signature(policies, "PolicyCreated"));
    assert_eq!(search::NODE_REGISTERED, signature(escrow, "NodeRegistered"));
}

/// A chain with the contracts, and a home on it whose account has money.
struct Real {
    devnet: Devnet,
    network: Network,
    home: Home,
    dir: tempfile::TempDir,
}

impl Real {
    async fn start() -> Self {
        let devnet = Devnet::start(&DevnetOptions::default()).await.unwrap();
        let deployment = devnet
            .deploy(&DeployParams::local().unwrap())
            .await
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let passphrase = Fixed(PASSPHRASE);
        let rpc_urls = vec![devnet.url().to_owned()];
        let options = InitOptions {
            deployment,
            rpc_urls,
            ..options(&passphrase)
        };
        let home = Home::init(&dir.path().join("home"), options).unwrap();
        let network = Network::connect(home.config()).await.unwrap();
        let real = Self {
            devnet,
            network,
            home,
            dir,
        };
        real.fund(real.home.wallet_address()).await;
        real
    }

    fn payer(&self, secret: EthSecret) -> Payer {
        let dir = self.dir.path().join(secret.address().to_string());
        let options = WalletOptions {
            poll_ms: 20,
            ..WalletOptions::default()
        };
        Payer::with_journal(&dir, &self.network, secret, options).unwrap()
    }

    async fn fund(&self, to: Address) {
        self.devnet
            .set_balance(to, Wei(10 * Wei::ETH.0))
            .await
            .unwrap();
        let amount = Amount::from_kms(10_000).unwrap();
        let treasury = self.payer(devnet::account(0).unwrap());
        treasury
            .send(&Call::TransferToken { to, amount }, &Silent)
            .await
            .unwrap();
    }

    /// A staked, registered and active miner with a node.
    async fn miner(&self, index: u32) -> (Address, TestNode) {
        let payer = self.payer(devnet::account(index).unwrap());
        let miner = payer.address();
        self.fund(miner).await;
        let chain = self.network.chain().clone();
        let clock: Clock = Arc::new(move || {
            let chain = chain.clone();
            async move { chain.current_period().await.unwrap() }.boxed()
        });
        let node = TestNode::start(miner, self.network.domain(), clock).await;
        self.devnet
            .set_balance(node.worker(), Wei(10 * Wei::ETH.0))
            .await
            .unwrap();
        let staker = Staker::new(&self.network, miner);
        let escrow = self.network.chain().deployment().escrow_domain();
        let consent = node.consent(miner, &escrow);
        for plan in [
            staker.deposit(Amount::from_kms(1_000).unwrap(), 1_000),
            staker.bond_worker(consent).unwrap(),
            staker.set_min_rate(Amount(5)),
        ] {
            let plan = plan.estimate(&self.network).await.unwrap();
            assert!(plan.steps[0].gas.unwrap() > 21_000);
            let carried = plan.carry_out(&self.network, &payer, &Silent).await;
            carried.unwrap();
        }
        let url = node.url.clone();
        let record = Call::RegisterNode { url };
        payer.send(&record, &Silent).await.unwrap();
        self.confirm(&node).await;
        (miner, node)
    }

    async fn confirm(&self, node: &TestNode) {
        let through = Period(self.period().await.0 + 2);
        let worker = self.payer(node.worker_secret());
        worker
            .send(&Call::ConfirmActivity { through }, &Silent)
            .await
            .unwrap();
    }

    async fn period(&self) -> Period {
        let head = self.network.head().await.unwrap();
        let clock = self.network.params().await.unwrap().clock;
        clock.period_at(head.timestamp).unwrap()
    }
}

fn spec(card: Card) -> GrantSpec {
    GrantSpec {
        label: label("films/demo"),
        card,
        threshold: 2,
        shares: 3,
        start: crate::owner::Start::Now,
        span: Span::Periods(50),
        rate: Rate::Market,
        max_fee: FeeLimit::AtMost(Amount::KMS),
        repeat: crate::owner::Repeat::Refuse,
        selection: Selection::Stake { seed: [1; 32] },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_is_paid_read_listed_renewed_and_revoked_on_a_real_chain() {
    let real = Real::start().await;
    let (chain, home) = (&real.network, &real.home);
    let mut miners = Vec::new();
    for index in 1..=3 {
        miners.push(real.miner(index).await);
    }
    let passphrase = Fixed(PASSPHRASE);
    let keys = home.unlock_owner(&passphrase).unwrap();
    let lock = home.lock().unwrap();
    let films = label("films/demo");
    let key = home.add_label(&lock, &keys, &films).unwrap().public_key();
    let payer = real.payer(home.unlock_wallet(&passphrase).unwrap());
    let spend = Spend {
        lock: &lock,
        pay: &payer,
    };
    let bob = [ReaderKey::random().unwrap()];
    let card = Card::make("bob", &bob[0]).unwrap();
    home.add_card(&lock, &card).unwrap();

    let owner = Owner::new(home, chain, chain.nodes());
    let quote = owner.quote(&spec(card)).await.unwrap();
    assert_eq!((quote.rate, quote.miners.len()), (Amount(5), 3));
    let report = owner.grant(quote, &keys, spend, &Silent).await.unwrap();
    assert_eq!(report.delivered.len(), 3);
    let policy = report.policy;

    real.devnet.advance(12).await.unwrap();
    let (capsule, secret) = umbral::encapsulate(&mut getrandom::SysRng, &key).unwrap();
    let limits = ReadLimits {
        total_ms: 10_000,
        start_wait_s: 0,
        lag_ms: 1_000,
    };
    let reader = Reader::new(&bob, chain, chain.nodes()).with_limits(limits);
    let capsule = [FixedBytes(capsule.to_bytes())];
    let read = reader.open(&key, &capsule, &Silent).await.unwrap();
    assert_eq!(read[0].as_ref().unwrap().expose(), secret.expose());

    let extension = crate::owner::Extension {
        span: crate::owner::Span::Periods(3),
        max_fee: FeeLimit::AsQuoted,
        unwilling: Unwilling::Refuse,
    };
    let plan = owner.plan_renewal(policy, extension).await.unwrap();
    let renewed = owner.renew(&plan, spend, &Silent).await.unwrap();
    assert_eq!(renewed.price, Some(Amount(45)));
    let listed = owner.policies().await.unwrap();
    assert_eq!((listed.len(), listed[0].policy), (1, policy));
    assert_eq!(listed[0].effective_last, renewed.last_period);
    assert_eq!(listed[0].standing, Standing::Active);
    let found = owner.policy_of(&films, "bob", &keys).await;
    assert_eq!(found.unwrap(), policy);

    miners.iter().for_each(|(_, node)| node.revoke());
    let plan = owner
        .plan_revocation(&[policy], Scope::Policy)
        .await
        .unwrap();
    let revoked = owner.revoke(&plan, spend, &Silent).await.unwrap().remove(0);
    assert!(revoked.refund > Some(Amount::ZERO));
    assert_eq!((revoked.refusing.len(), revoked.erased.len()), (3, 3));
    let refused = reader.open(&key, &capsule, &Silent).await.err().unwrap();
    assert_eq!(
        (refused.code(), refused.policy()),
        ("policy_revoked", Some(policy))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_miner_sees_earns_and_is_listed_on_a_real_chain() {
    let real = Real::start().await;
    let (miner, _node) = real.miner(1).await;
    let status = stake_status(&real.network, miner).await.unwrap();
    let status = status.status;
    assert_eq!(
        status.info.position.locked,
        Amount::from_kms(1_000).unwrap()
    );
    assert!(status.lease.through.unwrap() > status.period);
    assert_eq!(status.claimable, Amount::ZERO);
    assert_eq!(status.suspended_through, None);
    assert!(fees_of(&real.network, miner).await.unwrap().is_empty());

    real.devnet.advance(18).await.unwrap();
    let payer = real.payer(devnet::account(1).unwrap());
    let staker = Staker::new(&real.network, miner);
    let before = real.network.token_balance(miner).await.unwrap();
    let claim = staker.claim_to(miner).await.unwrap();
    let carried = claim.carry_out(&real.network, &payer, &Silent).await;
    carried.unwrap();
    let after = real.network.token_balance(miner).await.unwrap();
    assert_eq!(
        after,
        before.checked_add(claim.steps[0].amount.unwrap()).unwrap()
    );
    let claim = staker.claim_to(miner).await.unwrap();
    let again = claim.carry_out(&real.network, &payer, &Silent).await;
    let again = again.unwrap_err();
    assert_eq!(again.code(), "tx_reverted");

    let network = network_status(&real.network).await.unwrap();
    assert_eq!(
        (network.miners.len(), network.total_locked),
        (1, Amount::from_kms(1_000).unwrap())
    );
    assert!(network.period.0 >= 3);
}
