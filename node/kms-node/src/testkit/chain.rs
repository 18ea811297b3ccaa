//! A chain in memory: reorganisations, outages, dropped logs, foreign nonces at will. `state` holds
//! and mines the blocks, `answers` is how the node reads it and sends to it.

mod answers;
mod state;

use std::sync::{Arc, Mutex, MutexGuard};

use kms_chain::{Call, ChainError, ChainEvent, Fees, RpcFault, TxPlan};
use kms_protocol::messages::CapsuleBytes;
use kms_protocol::{Address, Amount, B256, Period, PeriodClock, Terms, Wei};

use super::MINER;
use state::State;

pub(crate) const CHAIN_ID: u64 = 31_337;
pub(crate) const POLICY_MANAGER: Address = Address([0x44; 20]);
pub(crate) const MAX_LEASE: u32 = 4;
/// Seconds between blocks, and blocks per period.
pub(crate) const BLOCK_SECONDS: u64 = 1;
pub(crate) const PERIOD_SECONDS: u32 = 10;
const GENESIS: u64 = 1_000_000;

#[derive(Clone)]
pub(crate) struct FakeChain(Arc<Mutex<State>>);

impl FakeChain {
    pub(crate) fn new(worker: Address) -> Self {
        let state = State::new(worker);
        let chain = Self(Arc::new(Mutex::new(state)));
        chain.mine();
        chain
    }

    pub(crate) fn clock() -> PeriodClock {
        PeriodClock::new(GENESIS, PERIOD_SECONDS).unwrap()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn answer<T>(&self, of: impl FnOnce(&mut State) -> T) -> Result<T, ChainError> {
        let mut state = self.lock();
        if !state.online {
            let (endpoint, fault) = ("fake".to_owned(), RpcFault::Connect);
            return Err(ChainError::Unreachable {
                method: "fake",
                endpoint,
                fault,
            });
        }
        Ok(of(&mut state))
    }

    /// Adds a block with everything queued and pooled.
    pub(crate) fn mine(&self) -> u64 {
        self.lock().mine()
    }

    pub(crate) fn mine_many(&self, count: u64) {
        for _ in 0..count {
            self.mine();
        }
    }

    /// Mines until the period begins.
    pub(crate) fn mine_to_period(&self, period: u32) {
        while self.period() < Period(period) {
            self.mine();
        }
    }

    pub(crate) fn period(&self) -> Period {
        self.lock().period()
    }

    pub(crate) fn height(&self) -> u64 {
        self.lock().head().number
    }

    /// Drops the newest blocks; their transactions do not return to the pool.
    pub(crate) fn drop_blocks(&self, depth: usize) {
        let mut state = self.lock();
        let kept = state.blocks.len() - depth;
        state.blocks.truncate(kept);
        state.salt += 1;
    }

    /// An event for the next block; its sequence number is filled in there.
    pub(crate) fn queue(&self, event: ChainEvent) {
        self.lock().queued.push(event);
    }

    /// Stakes and bonds the node's worker.
    pub(crate) fn queue_stake(&self) {
        let worker = Some(self.lock().worker);
        let (locked, lock_periods) = (Amount::from_kms(100).unwrap(), 50);
        let (miner, payer, amount) = (MINER, MINER, locked);
        self.queue(ChainEvent::Deposited {
            miner,
            payer,
            amount,
            locked,
            lock_periods,
        });
        self.queue(ChainEvent::WorkerBonded {
            seq: 0,
            miner,
            worker,
        });
    }

    pub(crate) fn queue_policy(&self, terms: &Terms) {
        self.queue(ChainEvent::PolicyCreated {
            seq: 0,
            policy_id: terms.id(CHAIN_ID, &POLICY_MANAGER),
            keys_hash: terms.keys_hash,
            author: terms.author,
            terms: terms.clone(),
        });
    }

    /// A challenge of `miner`'s silence, by `requester`, with this capsule.
    pub(crate) fn queue_challenge(
        &self,
        terms: &Terms,
        (miner, requester): (Address, Address),
        deadline: u64,
        capsule: CapsuleBytes,
    ) {
        self.queue(ChainEvent::ChallengeOpened {
            seq: 0,
            policy_id: terms.id(CHAIN_ID, &POLICY_MANAGER),
            miner,
            requester,
            challenger: terms.author,
            deadline,
            bond: Amount(1),
            capsule: capsule.as_ref().to_vec(),
        });
    }

    pub(crate) fn time(&self) -> u64 {
        self.lock().head().timestamp
    }

    /// Calls of the kind that took effect on the present chain, oldest first.
    pub(crate) fn calls(&self, kind: &str) -> Vec<Call> {
        let state = self.lock();
        let txs = state.blocks.iter().flat_map(|block| &block.txs);
        txs.filter(|(_, succeeded)| *succeeded)
            .map(|(hash, _)| state.signed[hash].call.clone())
            .filter(|call| call.kind() == kind)
            .collect()
    }

    /// Every event of that block and log is left out of the answers.
    pub(crate) fn hide(&self, block: u64, log: u64) {
        self.lock().hidden.insert((block, log));
    }

    pub(crate) fn unhide(&self) {
        self.lock().hidden.clear();
    }

    pub(crate) fn set_online(&self, online: bool) {
        self.lock().online = online;
    }

    pub(crate) fn set_claimable(&self, amount: Amount) {
        self.lock().claimable = amount;
    }

    pub(crate) fn set_ether(&self, wei: Wei) {
        self.lock().ether = wei;
    }

    pub(crate) fn set_fees(&self, fees: Fees) {
        self.lock().fees = fees;
    }

    /// Least fee per gas that is mined from now on.
    pub(crate) fn mine_from(&self, max_fee: Wei) {
        self.lock().mines_from = max_fee;
    }

    /// Plans of the kind's transactions in the order of their broadcasts.
    pub(crate) fn plans_of(&self, kind: &str) -> Vec<TxPlan> {
        let hashes = self.broadcasts_of(kind);
        let state = self.lock();
        hashes
            .iter()
            .map(|hash| state.signed[hash].clone())
            .collect()
    }

    pub(crate) fn refuse(&self, kind: &'static str, error: &str) {
        self.lock().refuse.insert(kind, error.into());
    }

    pub(crate) fn accept_all(&self) {
        self.lock().refuse.clear();
    }

    pub(crate) fn fail_on_chain(&self, fail: bool) {
        self.lock().fail_on_chain = fail;
    }

    /// Whether a broadcast reaches the pool; it is counted all the same.
    pub(crate) fn accept_broadcasts(&self, accept: bool) {
        self.lock().accept_broadcasts = accept;
    }

    /// A transaction of the worker's key from elsewhere takes the next nonce.
    pub(crate) fn use_nonce_elsewhere(&self) {
        self.lock().foreign_nonces += 1;
    }

    pub(crate) fn drop_pool(&self) {
        self.lock().pool.clear();
    }

    /// Hashes in the order of the broadcasts.
    pub(crate) fn broadcasts(&self) -> Vec<B256> {
        self.lock().broadcasts.clone()
    }

    /// Hashes of the kind's transactions in the order of their broadcasts.
    pub(crate) fn broadcasts_of(&self, kind: &str) -> Vec<B256> {
        let state = self.lock();
        let of_kind = |hash: &&B256| state.signed[*hash].call.kind() == kind;
        state.broadcasts.iter().filter(of_kind).copied().collect()
    }

    /// Calls of the kind that took effect on the present chain.
    pub(crate) fn effects(&self, kind: &str) -> usize {
        self.calls(kind).len()
    }
}
