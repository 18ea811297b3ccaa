//! A chain in memory: state under one mutex, blocks made by hand, a payer with failure modes.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use kms_chain::{
    BlockHeader, Call, ChainError, ChainParams, Lease, MinerInfo, PolicyState, TxReceipt,
};
use kms_protocol::{
    Address, Amount, B256, Domain, Period, PeriodClock, PolicyId, Terms, Wei, keccak256,
};

use crate::error::{Error, Result};
use crate::ports::{
    ChainPort, CreatedPolicy, GasCost, PayPort, PolicyFilter, Revoked, Scope, Settled,
};
use crate::progress::{Event, Progress};

pub(crate) const GENESIS: u64 = 1_000_000;
pub(crate) const PERIOD_SECONDS: u32 = 100;

pub(crate) struct State {
    pub(crate) now: u64,
    pub(crate) number: u64,
    pub(crate) miners: Vec<MinerInfo>,
    pub(crate) leases: Vec<(Address, Lease)>,
    pub(crate) policies: Vec<(CreatedPolicy, PolicyState)>,
    pub(crate) dismissed: Vec<(PolicyId, Address)>,
    pub(crate) revocations: Vec<((B256, PolicyId, Scope), Revoked)>,
    pub(crate) tokens: Amount,
    pub(crate) wei: Wei,
    pub(crate) calls: Vec<&'static str>,
}

pub(crate) struct FakeChain {
    state: Mutex<State>,
    pub(crate) domain: Domain,
}

impl FakeChain {
    /// In the middle of period 10.
    pub(crate) fn new() -> Arc<Self> {
        let domain = Domain::node(31337, Address([0xa4; 20]));
        let state = State {
            now: GENESIS + 950,
            number: 100,
            miners: Vec::new(),
            leases: Vec::new(),
            policies: Vec::new(),
            dismissed: Vec::new(),
            revocations: Vec::new(),
            tokens: Amount::from_kms(1_000_000).unwrap(),
            wei: Wei::ETH,
            calls: Vec::new(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            domain,
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn advance(&self, seconds: u64) {
        let mut state = self.state();
        state.now += seconds;
        state.number += 1;
    }

    pub(crate) fn set_state(&self, id: PolicyId, change: impl FnOnce(&mut PolicyState)) {
        let mut state = self.state();
        let (_, policy) = state.policies.iter_mut().find(|(p, _)| p.id == id).unwrap();
        change(policy);
    }

    /// The author takes back the arrangement with one miner.
    pub(crate) fn dismiss(&self, id: PolicyId, miner: Address) {
        self.state().dismissed.push((id, miner));
    }

    pub(crate) fn create(&self, terms: &Terms) -> PolicyId {
        let id = terms.id(self.domain.chain_id, &self.domain.contract);
        let mut state = self.state();
        state.number += 1;
        let block_number = state.number;
        let tx_hash = keccak256(id.as_bytes());
        let created = CreatedPolicy {
            id,
            terms: terms.clone(),
            block_number,
            tx_hash,
        };
        let paid = PolicyState {
            revoked: false,
            effective_last: terms.last_period,
            refunded_through: None,
        };
        state.tokens = state.tokens.saturating_sub(terms.price().unwrap());
        state.policies.push((created, paid));
        id
    }

    /// Carries a call out as the contracts would.
    fn mine(&self, call: &Call) -> TxReceipt {
        let block_hash = B256::random().unwrap();
        match call {
            Call::CreatePolicyViaTransfer { terms } => {
                self.create(terms);
            }
            Call::RevokePolicy { terms } => {
                let id = terms.id(self.domain.chain_id, &self.domain.contract);
                let revoked = Revoked {
                    effective_last: Period(10),
                    refund: Amount(5),
                };
                self.set_state(id, |policy| {
                    policy.revoked = true;
                    policy.effective_last = Period(10);
                });
                let place = (block_hash, id, Scope::Policy);
                self.state().revocations.push((place, revoked));
            }
            Call::RevokeArrangement { terms, miner } => {
                let id = terms.id(self.domain.chain_id, &self.domain.contract);
                let revoked = Revoked {
                    effective_last: Period(10),
                    refund: Amount(2),
                };
                self.dismiss(id, *miner);
                let place = (block_hash, id, Scope::Arrangement(*miner));
                self.state().revocations.push((place, revoked));
            }
            Call::ExtendPolicy { terms, last_period } => {
                let id = terms.id(self.domain.chain_id, &self.domain.contract);
                self.set_state(id, |policy| policy.effective_last = *last_period);
            }
            _ => {}
        }
        let mut state = self.state();
        state.calls.push(call.kind());
        TxReceipt {
            tx_hash: B256::random().unwrap(),
            block_number: state.number,
            block_hash,
            succeeded: true,
            gas_used: 100_000,
            fee: Wei(1),
        }
    }
}

#[async_trait]
impl ChainPort for FakeChain {
    fn domain(&self) -> Domain {
        self.domain
    }

    async fn head(&self) -> Result<BlockHeader> {
        let state = self.state();
        Ok(BlockHeader {
            number: state.number,
            hash: B256([2; 32]),
            parent: B256([1; 32]),
            timestamp: state.now,
            base_fee: Wei(1),
        })
    }

    async fn params(&self) -> Result<ChainParams> {
        Ok(ChainParams {
            clock: PeriodClock::new(GENESIS, PERIOD_SECONDS).unwrap(),
            max_lease_periods: 2,
            decay: 1,
            kappa_periods: None,
            min_locked: Amount::from_kms(100).unwrap(),
            min_lock_periods: 4,
            max_lock_periods: 1_000,
            worker_cooldown_periods: 1,
            max_policy_periods: 1_000,
        })
    }

    async fn registered_miners(&self) -> Result<Vec<Address>> {
        Ok(self.state().miners.iter().map(|info| info.miner).collect())
    }

    async fn miner_info(&self, miners: &[Address]) -> Result<Vec<MinerInfo>> {
        let state = self.state();
        let info = |miner: &Address| state.miners.iter().find(|i| i.miner == *miner).cloned();
        Ok(miners.iter().map(|miner| info(miner).unwrap()).collect())
    }

    async fn lease_of(&self, miner: Address) -> Result<Lease> {
        let state = self.state();
        let lease = state
            .leases
            .iter()
            .find(|(of, _)| *of == miner)
            .map(|(_, lease)| *lease);
        Ok(lease.unwrap_or(Lease {
            through: None,
            weight: Amount::ZERO,
        }))
    }

    async fn policies(&self, filter: PolicyFilter) -> Result<Vec<CreatedPolicy>> {
        let state = self.state();
        let wanted = |p: &CreatedPolicy| match filter {
            PolicyFilter::Id(id) => p.id == id,
            PolicyFilter::Author(author) => p.terms.author == author,
            PolicyFilter::Keys(hash) => p.terms.keys_hash == hash,
            PolicyFilter::All => true,
        };
        Ok(state
            .policies
            .iter()
            .map(|(p, _)| p.clone())
            .filter(wanted)
            .collect())
    }

    async fn policy_state(&self, id: PolicyId) -> Result<Option<PolicyState>> {
        let state = self.state();
        Ok(state
            .policies
            .iter()
            .find(|(p, _)| p.id == id)
            .map(|(_, policy)| *policy))
    }

    async fn revoked_miners(&self, terms: &Terms) -> Result<Vec<Address>> {
        let id = terms.id(self.domain.chain_id, &self.domain.contract);
        let state = self.state();
        let all = state.policies.iter().any(|(p, s)| p.id == id && s.revoked);
        let gone = |miner: &&Address| all || state.dismissed.contains(&(id, **miner));
        Ok(terms.miners.iter().filter(gone).copied().collect())
    }

    async fn refundable(&self, _terms: &Terms) -> Result<Amount> {
        Ok(Amount(3))
    }

    async fn collectable(&self, terms: &Terms, miner: Address) -> Result<Amount> {
        Ok(if terms.includes(&miner) {
            terms.rate
        } else {
            Amount::ZERO
        })
    }

    async fn claimable(&self, _miner: Address) -> Result<Amount> {
        Ok(Amount(4))
    }

    async fn revoked_in(
        &self,
        block_hash: B256,
        id: PolicyId,
        scope: Scope,
    ) -> Result<Option<Revoked>> {
        let state = self.state();
        let of = (block_hash, id, scope);
        let found = state.revocations.iter().find(|(place, _)| *place == of);
        Ok(found.map(|(_, revoked)| *revoked))
    }

    async fn gas_cost(&self, _from: Address, _call: &Call) -> Result<GasCost> {
        Ok(GasCost {
            gas: 100_000,
            fee_max: Wei(200_000),
        })
    }

    async fn token_balance(&self, _account: Address) -> Result<Amount> {
        Ok(self.state().tokens)
    }

    async fn eth_balance(&self, _account: Address) -> Result<Wei> {
        Ok(self.state().wei)
    }
}

/// How a payment fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PayMode {
    /// Mined at once.
    Mined,
    /// The contract refuses in the simulation.
    Reverts,
    /// The chain is gone before anything is sent.
    Unreachable,
    /// Sent, then the program dies; mined when resumed.
    DiesAfterSending,
}

pub(crate) struct FakePay {
    address: Address,
    chain: Arc<FakeChain>,
    pub(crate) mode: Mutex<PayMode>,
    pending: Mutex<Vec<Call>>,
}

impl FakePay {
    pub(crate) fn new(address: Address, chain: &Arc<FakeChain>) -> Self {
        Self {
            address,
            chain: Arc::clone(chain),
            mode: Mutex::new(PayMode::Mined),
            pending: Mutex::default(),
        }
    }

    pub(crate) fn set(&self, mode: PayMode) {
        *self.mode.lock().unwrap() = mode;
    }
}

#[async_trait]
impl PayPort for FakePay {
    fn address(&self) -> Address {
        self.address
    }

    async fn send(&self, call: &Call, progress: &dyn Progress) -> Result<TxReceipt> {
        let mode = *self.mode.lock().unwrap();
        match mode {
            PayMode::Mined => {
                let receipt = self.chain.mine(call);
                let (kind, block_number) = (call.kind(), receipt.block_number);
                progress.event(Event::TxMined { kind, block_number });
                Ok(receipt)
            }
            PayMode::Reverts => {
                let name = "EscrowMinerCannotServe".to_owned();
                Err(Error::Chain(ChainError::Reverted {
                    name,
                    args: Vec::new(),
                }))
            }
            PayMode::Unreachable => Err(Error::Chain(ChainError::NoEndpoint)),
            PayMode::DiesAfterSending => {
                self.pending.lock().unwrap().push(call.clone());
                Err(Error::Interrupted)
            }
        }
    }

    fn fingerprint(&self, call: &Call) -> B256 {
        keccak256(format!("{call:?}").as_bytes())
    }

    async fn resume(&self, _progress: &dyn Progress) -> Result<Vec<Settled>> {
        let pending = std::mem::take(&mut *self.pending.lock().unwrap());
        let settle = |call: &Call| {
            let receipt = self.chain.mine(call);
            let call = self.fingerprint(call);
            Settled { call, receipt }
        };
        Ok(pending.iter().map(settle).collect())
    }
}
