//! Alice's home, a chain in memory and n nodes on loopback.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::ready;
use kms_chain::{Lease, MinerInfo, Position};
use kms_protocol::{Address, Amount, FixedBytes, Period, PolicyId};
use umbral::{Capsule, SharedSecret};

use super::{Clock, FakeChain, FakePay, SEED, TestNode, home_at, label};
use crate::home::{Home, HomeLock};
use crate::node_http::{HttpNodes, NodeLimits};
use crate::node_url::AddressRule;
use crate::owner::{
    FeeLimit, GrantSpec, Owner, Rate, Repeat, Selection, Span, Spend, Start, WaitLimits,
};
use crate::progress::Silent;
use crate::reader::{ReadLimits, Reader};
use kms_core::card::Card;
use kms_core::keys::{OwnerKeys, ReaderKey, Seed};

pub(crate) const LABEL: &str = "films/demo";

pub(crate) struct World {
    pub(crate) chain: FakeChain,
    pub(crate) pay: FakePay,
    pub(crate) home: Home,
    pub(crate) lock: HomeLock,
    pub(crate) keys: OwnerKeys,
    pub(crate) bob: [ReaderKey; 1],
    pub(crate) nodes: Vec<TestNode>,
    pub(crate) http: HttpNodes,
    /// Removed with the world.
    _dir: tempfile::TempDir,
}

impl World {
    /// A label, a reader, and `n` nodes with stake, worker, record and lease.
    pub(crate) async fn new(n: u8) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = home_at(&dir.path().join("alice"));
        let lock = home.lock().unwrap();
        let keys = OwnerKeys::from_seed(&Seed::from_bytes(&SEED).unwrap()).unwrap();
        home.add_label(&lock, &keys, &label(LABEL)).unwrap();
        let chain = super::chain::chain();
        let pay = FakePay::new(home.wallet_address(), &chain);
        let mut nodes = Vec::new();
        for number in 1..=n {
            let miner = Address([number; 20]);
            let node = TestNode::start(miner, kms_kit::chain::domain(), clock(&chain)).await;
            let info = info(miner, &node, number);
            chain.state().miners.push(info);
            chain.state().leases.insert(miner, lease(11));
            nodes.push(node);
        }
        let limits = NodeLimits {
            request_timeout_ms: 10_000,
            ..NodeLimits::default()
        };
        let http = HttpNodes::new(AddressRule::AnyAddress, limits).unwrap();
        let bob = [ReaderKey::random().unwrap()];
        Self {
            chain,
            pay,
            home,
            lock,
            keys,
            bob,
            nodes,
            http,
            _dir: dir,
        }
    }

    pub(crate) fn owner(&self) -> Owner<'_> {
        let limits = WaitLimits {
            deliver_ms: 30_000,
            revoke_ms: 30_000,
            first_pause_ms: 1,
        };
        Owner::new(&self.home, &self.chain, &self.http).with_limits(limits)
    }

    pub(crate) fn hasty_owner(&self) -> Owner<'_> {
        let limits = WaitLimits {
            deliver_ms: 2_000,
            revoke_ms: 2_000,
            first_pause_ms: 1,
        };
        self.owner().with_limits(limits)
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        self.reader_within(30_000)
    }

    pub(crate) fn reader_within(&self, total_ms: u64) -> Reader<'_> {
        let limits = ReadLimits {
            total_ms,
            start_wait_s: 0,
            lag_ms: 1_000,
        };
        Reader::new(&self.bob, &self.chain, &self.http).with_limits(limits)
    }

    pub(crate) fn spend(&self) -> Spend<'_> {
        Spend {
            lock: &self.lock,
            pay: &self.pay,
        }
    }

    pub(crate) fn spec(&self, threshold: u8, shares: u8) -> GrantSpec {
        GrantSpec {
            label: label(LABEL),
            card: Card::make("bob", &self.bob[0]).unwrap(),
            threshold,
            shares,
            start: Start::Now,
            span: Span::Periods(30),
            rate: Rate::Market,
            max_fee: FeeLimit::AsQuoted,
            selection: Selection::Stake { seed: [1; 32] },
            repeat: Repeat::Allow,
        }
    }

    /// Quotes, pays, delivers, and lets the first period begin.
    pub(crate) async fn granted(&self, threshold: u8, shares: u8) -> PolicyId {
        let owner = self.owner();
        let quote = owner.quote(&self.spec(threshold, shares)).await.unwrap();
        let report = owner
            .grant(quote, &self.keys, self.spend(), &Silent)
            .await
            .unwrap();
        self.chain.advance(100);
        report.policy
    }

    /// The author takes back the arrangement with one miner.
    pub(crate) fn dismiss(&self, id: PolicyId, miner: Address) {
        let mut state = self.chain.state();
        state.policy(id).unwrap().dismissed.push(miner);
    }

    /// What a producer makes for the label.
    pub(crate) fn capsule(&self) -> (Capsule, SharedSecret) {
        let key = self.keys.label_key(&label(LABEL)).unwrap();
        umbral::encapsulate(&mut getrandom::SysRng, &key).unwrap()
    }

    pub(crate) async fn read(
        &self,
        reader: &Reader<'_>,
        capsule: &Capsule,
    ) -> crate::Result<SharedSecret> {
        let key = self.keys.label_key(&label(LABEL)).unwrap();
        let bytes = [FixedBytes(capsule.to_bytes())];
        let mut secrets = reader.open(&key, &bytes, &Silent).await?;
        Ok(secrets.remove(0).unwrap())
    }
}

/// The clock of nodes on this chain.
fn clock(chain: &FakeChain) -> Clock {
    let chain = chain.clone();
    Arc::new(move || ready(chain.period()).boxed())
}

pub(crate) fn lease(through: u32) -> Lease {
    Lease {
        through: Some(Period(through)),
        weight: Amount::KMS,
    }
}

fn info(miner: Address, node: &TestNode, number: u8) -> MinerInfo {
    MinerInfo {
        miner,
        worker: Some(node.worker()),
        position: Position {
            locked: Amount::from_kms(100 * u64::from(number)).unwrap(),
            lock_periods: 500,
            unlock_period: None,
            unbonding: Amount::ZERO,
            release_period: None,
        },
        min_rate: Amount(u128::from(number) * 1_000),
        suspended: false,
        url: node.url.clone(),
    }
}
