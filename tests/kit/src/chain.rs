//! A chain in memory: reorganisations, outages, dropped logs, foreign nonces at will. `state` holds
//! and mines the blocks, `contracts` is the effect of calls and what is stored of policies.

mod contracts;
mod state;

use std::sync::{Arc, Mutex, MutexGuard};

use kms_chain::{
    BlockHeader, Call, ChainError, ChainEvent, ChainParams, ChainRead, EventRecord, RpcFault,
    TxPlan, TxReceipt,
};
use kms_protocol::messages::CapsuleBytes;
use kms_protocol::{Address, Amount, B256, Domain, Period, PeriodClock, PolicyId, Terms};

pub use contracts::Policy;
pub use state::State;

/// Chain id of the chain in memory.
pub const CHAIN_ID: u64 = 31_337;
/// Address of its policy manager.
pub const POLICY_MANAGER: Address = Address([0xa4; 20]);
/// Seconds between blocks.
const BLOCK_SECONDS: u64 = 1;

/// Who is asked in a challenge of silence, and whose request went unanswered.
#[derive(Clone, Copy)]
pub struct Parties {
    /// The miner.
    pub miner: Address,
    /// Signer of the request.
    pub requester: Address,
}

/// Domain of the messages between its clients and nodes.
pub const fn domain() -> Domain {
    Domain::node(CHAIN_ID, POLICY_MANAGER)
}

/// Parameters of a deployment with this clock and longest lease.
pub fn params(period_seconds: u32, max_lease_periods: u32) -> ChainParams {
    ChainParams {
        clock: PeriodClock::new(1_000_000, period_seconds).unwrap(),
        max_lease_periods,
        decay: 1,
        kappa_periods: None,
        min_locked: Amount::from_kms(100).unwrap(),
        min_lock_periods: 4,
        max_lock_periods: 1_000,
        worker_cooldown_periods: 1,
        evidence_periods: 10,
        max_policy_periods: 1_000,
    }
}

/// Id of a policy of these terms.
pub fn policy_id(terms: &Terms) -> PolicyId {
    terms.id(CHAIN_ID, &POLICY_MANAGER)
}

/// The error of an endpoint that does not answer.
pub fn outage() -> ChainError {
    let (endpoint, fault) = ("fake".to_owned(), RpcFault::Connect);
    ChainError::Unreachable {
        method: "fake",
        endpoint,
        fault,
    }
}

/// The chain; clones share it.
#[derive(Clone)]
pub struct FakeChain(Arc<Mutex<State>>);

impl FakeChain {
    /// A chain of one block, at the genesis of the clock. `miner` sends the calls of a node.
    pub fn new(params: ChainParams, miner: Address, worker: Address) -> Self {
        let chain = Self(Arc::new(Mutex::new(State::new(params, miner, worker))));
        chain.mine();
        chain
    }

    /// The state, locked until it is dropped.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// What the endpoint answers; an error while it is offline.
    pub fn answer<T>(&self, of: impl FnOnce(&mut State) -> T) -> Result<T, ChainError> {
        let mut state = self.state();
        state.requests += 1;
        match state.online {
            true => Ok(of(&mut state)),
            false => Err(outage()),
        }
    }

    /// Adds a block with everything queued and pooled.
    pub fn mine(&self) -> u64 {
        self.state().mine()
    }

    /// Adds a block this much later than the last one.
    pub fn advance(&self, seconds: u64) {
        self.state().mine_after(seconds);
    }

    /// Adds blocks.
    pub fn mine_many(&self, count: u64) {
        for _ in 0..count {
            self.mine();
        }
    }

    /// Mines until the period begins.
    pub fn mine_to_period(&self, period: u32) {
        while self.period() < Period(period) {
            self.mine();
        }
    }

    /// Period of the newest block.
    pub fn period(&self) -> Period {
        self.state().period()
    }

    /// Number of the newest block.
    pub fn height(&self) -> u64 {
        self.state().head().number
    }

    /// Drops the newest blocks; their transactions do not return to the pool.
    pub fn drop_blocks(&self, depth: usize) {
        let mut state = self.state();
        let kept = state.blocks.len() - depth;
        state.blocks.truncate(kept);
        state.salt += 1;
    }

    /// An event for the next block; its sequence number is filled in there.
    pub fn queue(&self, event: ChainEvent) {
        self.state().queued.push(event);
    }

    /// Stakes and bonds the node's worker.
    pub fn queue_stake(&self) {
        let mut state = self.state();
        let (miner, worker) = (state.miner, Some(state.worker));
        let amount = Amount::from_kms(100).unwrap();
        let deposited = ChainEvent::Deposited {
            miner,
            payer: miner,
            amount,
            locked: amount,
            lock_periods: 50,
        };
        let seq = 0;
        let bonded = ChainEvent::WorkerBonded { seq, miner, worker };
        state.queued.extend([deposited, bonded]);
    }

    /// A paid policy for the next block.
    pub fn queue_policy(&self, terms: &Terms) {
        self.queue(contracts::created(terms, &[]));
    }

    /// A paid policy for the next block, and a lease of the node's miner for a thousand periods.
    pub fn queue_served(&self, terms: &Terms) {
        self.queue_policy(terms);
        let miner = self.state().miner;
        self.queue(ChainEvent::ActivityConfirmed {
            miner,
            from_period: Period(1),
            through_period: Period(1_000),
            weight: Amount(1),
            locked: Amount(1),
        });
    }

    /// Queues a challenge of a miner's silence with this capsule.
    pub fn queue_challenge(
        &self,
        terms: &Terms,
        parties: Parties,
        deadline: u64,
        capsule: CapsuleBytes,
    ) {
        let Parties { miner, requester } = parties;
        self.queue(ChainEvent::ChallengeOpened {
            seq: 0,
            policy_id: policy_id(terms),
            miner,
            requester,
            challenger: terms.author,
            deadline,
            bond: Amount(1),
            capsule: capsule.as_ref().to_vec(),
        });
    }

    /// Timestamp of the newest block.
    pub fn time(&self) -> u64 {
        self.state().head().timestamp
    }

    /// Simulates a call, sends it and mines it.
    pub fn send(&self, call: &Call) -> Result<TxReceipt, ChainError> {
        let mut state = self.state();
        let plan = TxPlan {
            nonce: state.nonce(),
            call: call.clone(),
            gas_limit: state.simulate(call)?,
            fees: state.fees,
        };
        let signed = state.sign(&plan);
        state.broadcast(&signed.raw);
        state.mine();
        Ok(state.receipt(signed.hash).unwrap())
    }

    /// Calls that took effect on the present chain, oldest first.
    fn effective(&self) -> Vec<Call> {
        let state = self.state();
        let txs = state.blocks.iter().flat_map(|block| &block.txs);
        let succeeded = txs.filter(|(_, succeeded)| *succeeded);
        let call = |(hash, _): &(B256, bool)| state.signed[hash].call.clone();
        succeeded.map(call).collect()
    }

    /// Calls of the kind that took effect on the present chain, oldest first.
    pub fn calls(&self, kind: &str) -> Vec<Call> {
        let calls = self.effective().into_iter();
        calls.filter(|call| call.kind() == kind).collect()
    }

    /// Kinds of the calls that took effect on the present chain, oldest first.
    pub fn kinds(&self) -> Vec<&'static str> {
        self.effective().iter().map(Call::kind).collect()
    }

    /// Number of calls of the kind that took effect on the present chain.
    pub fn effects(&self, kind: &str) -> usize {
        self.calls(kind).len()
    }

    /// Hashes in the order of the broadcasts.
    pub fn broadcasts(&self) -> Vec<B256> {
        self.state().broadcasts.clone()
    }

    /// Hashes of the kind's transactions in the order of their broadcasts.
    pub fn broadcasts_of(&self, kind: &str) -> Vec<B256> {
        let state = self.state();
        let of_kind = |hash: &&B256| state.signed[*hash].call.kind() == kind;
        state.broadcasts.iter().filter(of_kind).copied().collect()
    }

    /// Plans of the kind's transactions in the order of their broadcasts.
    pub fn plans_of(&self, kind: &str) -> Vec<TxPlan> {
        let (hashes, state) = (self.broadcasts_of(kind), self.state());
        let plan = |hash| state.signed[hash].clone();
        hashes.iter().map(plan).collect()
    }
}

impl ChainRead for FakeChain {
    fn start_block(&self) -> u64 {
        0
    }

    async fn head(&self) -> Result<BlockHeader, ChainError> {
        self.answer(|state| state.shown(state.head()))
    }

    async fn header(&self, number: u64) -> Result<Option<BlockHeader>, ChainError> {
        let index = usize::try_from(number).unwrap();
        self.answer(|state| {
            let block = state.blocks.get(index);
            block.map(|block| state.shown(block.header))
        })
    }

    async fn events_in_range(&self, from: u64, to: u64) -> Result<Vec<EventRecord>, ChainError> {
        self.answer(|state| {
            let blocks = state.blocks.iter();
            let inside = blocks.filter(|block| (from..=to).contains(&block.header.number));
            inside.flat_map(|block| state.visible(block)).collect()
        })
    }

    async fn events_in_block(&self, hash: B256) -> Result<Vec<EventRecord>, ChainError> {
        self.answer(|state| {
            let block = state.blocks.iter().find(|block| block.header.hash == hash);
            block.map_or_else(Vec::new, |block| state.visible(block))
        })
    }

    fn is_void(&self, hash: B256) -> bool {
        let state = self.state();
        let mut blocks = state.blocks.iter();
        blocks.any(|block| block.header.hash == hash && block.events.is_empty())
    }
}
