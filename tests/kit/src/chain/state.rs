//! Blocks, pool, nonces, signed transactions and receipts.

use std::collections::{HashMap, HashSet};

use kms_chain::{
    BlockHeader, Call, ChainError, ChainEvent, ChainParams, EventRecord, EventSource, Fees,
    GasLimit, Lease, MinerInfo, SignedTx, TxPlan, TxReceipt,
};
use kms_protocol::{Address, Amount, B256, Period, PolicyId, Wei, keccak256};

use super::{BLOCK_SECONDS, Policy};

pub(super) struct Block {
    pub(super) header: BlockHeader,
    pub(super) events: Vec<EventRecord>,
    /// (hash, succeeded)
    pub(super) txs: Vec<(B256, bool)>,
}

/// Whatever the chain and its endpoint hold; tests set the public fields.
pub struct State {
    /// Parameters of the deployment, the clock among them.
    pub params: ChainParams,
    /// The node's miner: the sender of its calls.
    pub(super) miner: Address,
    pub(super) worker: Address,
    pub(super) blocks: Vec<Block>,
    pub(super) queued: Vec<ChainEvent>,
    pub(super) signed: HashMap<B256, TxPlan>,
    /// Hashes of the transactions that wait to be mined.
    pub pool: Vec<B256>,
    /// Block and log of the events left out of the answers.
    pub hidden: HashSet<(u64, u64)>,
    pub(super) salt: u64,
    /// Whether the endpoint answers.
    pub online: bool,
    /// Requests so far.
    pub requests: u64,
    /// How often another endpoint was asked for.
    pub passed_over: u32,
    /// Nonces used by transactions from elsewhere.
    pub foreign_nonces: u64,
    /// How much lower than it is the endpoint shows the nonce.
    pub nonce_back: u64,
    /// Reward that the miner can claim.
    pub claimable: Amount,
    /// Whether the endpoint counts no events, so that those it hides are not missed.
    pub lowered: bool,
    /// Whether another endpoint counts them.
    pub witnessed: bool,
    /// Whether the endpoint has come to serve another chain.
    pub other_chain: bool,
    /// Whether the endpoint that is read has come to serve another chain, beside one that has not.
    pub swapped: bool,
    /// Transactions whose receipt is asked for in vain.
    pub mute: HashSet<B256>,
    /// Whether no block is settled.
    pub unsettled: bool,
    /// An endpoint that shows other blocks.
    pub dissenter: Option<&'static str>,
    /// Whether the contract says that no policy is over.
    pub still_paid: bool,
    /// Policies that the contract does not know.
    pub unknown: HashSet<PolicyId>,
    /// Whether the contract counts no fees, as for a miner that was idle.
    pub idle: bool,
    /// A search for policies is never answered.
    pub stalled: bool,
    /// A search for policies finds none, though their state is known.
    pub unindexed: bool,
    /// Kind of the calls whose simulation fails, and its error.
    pub refuse: Option<(&'static str, &'static str)>,
    /// Kind of the calls whose simulation the endpoint answers with an error of its own.
    pub confused: Option<&'static str>,
    /// Whether transactions revert when they are mined.
    pub fail_on_chain: bool,
    /// Whether a broadcast reaches the pool; it is counted all the same.
    pub accept_broadcasts: bool,
    pub(super) broadcasts: Vec<B256>,
    /// KMS of whoever asks or sends.
    pub tokens: Amount,
    /// Ether of whoever asks or sends.
    pub ether: Wei,
    /// Fees per gas that the endpoint proposes.
    pub fees: Fees,
    /// Least fee per gas that is mined.
    pub mines_from: Wei,
    /// Miners with a node record.
    pub miners: Vec<MinerInfo>,
    /// Leases that miners confirmed.
    pub leases: HashMap<Address, Lease>,
    /// Policies, oldest first; they stay when blocks are dropped.
    pub policies: Vec<Policy>,
}

impl State {
    pub(super) fn new(params: ChainParams, miner: Address, worker: Address) -> Self {
        Self {
            params,
            miner,
            worker,
            blocks: Vec::new(),
            queued: Vec::new(),
            signed: HashMap::new(),
            pool: Vec::new(),
            hidden: HashSet::new(),
            salt: 0,
            online: true,
            requests: 0,
            passed_over: 0,
            foreign_nonces: 0,
            nonce_back: 0,
            claimable: Amount::ZERO,
            lowered: false,
            witnessed: false,
            other_chain: false,
            swapped: false,
            mute: HashSet::new(),
            unsettled: false,
            dissenter: None,
            still_paid: false,
            unknown: HashSet::new(),
            idle: false,
            stalled: false,
            unindexed: false,
            refuse: None,
            confused: None,
            fail_on_chain: false,
            accept_broadcasts: true,
            broadcasts: Vec::new(),
            tokens: Amount::from_kms(1_000_000).unwrap(),
            ether: Wei::ETH,
            fees: Fees {
                max_fee: Wei(2_000_000_000),
                tip: Wei(1),
            },
            mines_from: Wei::ZERO,
            miners: Vec::new(),
            leases: HashMap::new(),
            policies: Vec::new(),
        }
    }

    /// Header of the newest block.
    pub fn head(&self) -> BlockHeader {
        self.blocks.last().unwrap().header
    }

    /// A header as the endpoint that is read shows it.
    pub(super) fn shown(&self, header: BlockHeader) -> BlockHeader {
        let foreign = |hash: B256| keccak256(&[&hash.0[..], b"foreign"].concat());
        match self.swapped {
            false => header,
            true => BlockHeader {
                hash: foreign(header.hash),
                parent: foreign(header.parent),
                ..header
            },
        }
    }

    /// Period of the newest block.
    pub fn period(&self) -> Period {
        let clock = &self.params.clock;
        clock.period_at(self.head().timestamp).unwrap()
    }

    /// Number of mined transactions.
    pub fn nonce(&self) -> u64 {
        let mined: usize = self.blocks.iter().map(|block| block.txs.len()).sum();
        u64::try_from(mined).unwrap() + self.foreign_nonces
    }

    /// Events of the present chain, oldest first.
    pub fn records(&self) -> impl Iterator<Item = &EventRecord> {
        self.blocks.iter().flat_map(|block| &block.events)
    }

    /// Last sequence number of the contract.
    pub fn last_seq(&self, source: EventSource) -> u64 {
        let of_contract = self.records().filter(|of| of.event.source() == source);
        of_contract
            .filter_map(|record| record.event.seq())
            .max()
            .unwrap_or(0)
    }

    /// The newest of some confirmed headers that is settled: the last, unless a test says no.
    pub fn settled(&self, headers: &[BlockHeader]) -> Result<Option<BlockHeader>, ChainError> {
        let newest = headers.last().copied();
        if let (Some(endpoint), Some(header)) = (self.dissenter, newest) {
            let (endpoint, number) = (endpoint.to_owned(), header.number);
            return Err(ChainError::Disagreement { endpoint, number });
        }
        Ok(newest.filter(|_| !self.unsettled))
    }

    /// Shows every block with a time that is later, or earlier, by some seconds.
    pub fn shift_times(&mut self, seconds: i64) {
        for block in &mut self.blocks {
            let time = &mut block.header.timestamp;
            *time = time.saturating_add_signed(seconds);
        }
    }

    /// Signs the same bytes for the same plan.
    pub fn sign(&mut self, plan: &TxPlan) -> SignedTx {
        let raw = format!("{plan:?}").into_bytes();
        let hash = keccak256(&raw);
        self.signed.insert(hash, plan.clone());
        SignedTx {
            raw,
            hash,
            nonce: plan.nonce,
            fees: plan.fees,
        }
    }

    /// Signs the plan in `raw` again at other fees.
    pub fn reprice(&mut self, raw: &[u8], fees: Fees) -> SignedTx {
        let plan = self.signed[&keccak256(raw)].clone();
        self.sign(&TxPlan { fees, ..plan })
    }

    /// Puts a signed transaction into the pool, unless broadcasts are not accepted.
    pub fn broadcast(&mut self, raw: &[u8]) {
        let hash = keccak256(raw);
        self.broadcasts.push(hash);
        let known = self.pool.contains(&hash) || self.receipt(hash).is_some();
        if self.accept_broadcasts && !known {
            self.pool.push(hash);
        }
    }

    /// Receipt of a mined transaction.
    pub fn receipt(&self, hash: B256) -> Option<TxReceipt> {
        self.blocks.iter().find_map(|block| {
            let (tx_hash, succeeded) = *block.txs.iter().find(|(tx, _)| *tx == hash)?;
            let (block_number, block_hash) = (block.header.number, block.header.hash);
            let (gas_used, fee) = (100_000, Wei(1));
            Some(TxReceipt {
                tx_hash,
                block_number,
                block_hash,
                succeeded,
                gas_used,
                fee,
            })
        })
    }

    /// Gas of the call, or why a test or the contract refuses it.
    pub fn simulate(&mut self, call: &Call) -> Result<GasLimit, ChainError> {
        if self.confused == Some(call.kind()) {
            return Err(ChainError::Rpc {
                method: "eth_estimateGas",
                code: -32_000,
                message: "required state is not available".to_owned(),
                data: None,
            });
        }
        let answer = match self.refuse {
            Some((kind, error)) if kind == call.kind() => Err(error),
            _ => self.price(call, self.period()),
        };
        let (name, args) = match answer {
            Ok(_) => return Ok(GasLimit::for_estimate(100_000)),
            Err(name) => (name.to_owned(), Vec::new()),
        };
        Err(ChainError::Reverted { name, args })
    }

    pub(super) fn mine_after(&mut self, seconds: u64) -> u64 {
        self.salt += 1;
        let number = u64::try_from(self.blocks.len()).unwrap();
        let genesis = self.params.clock.start_of(Period(1)).unwrap();
        let (parent, timestamp) = self.blocks.last().map_or((B256::ZERO, genesis), |block| {
            (block.header.hash, block.header.timestamp + seconds)
        });
        let header = BlockHeader {
            number,
            hash: keccak256(format!("{number} {} {parent}", self.salt).as_bytes()),
            parent,
            timestamp,
            base_fee: Wei(1_000_000_000),
        };
        let txs = self.take_from_pool(self.params.clock.period_at(timestamp).unwrap());
        let mut counters: HashMap<EventSource, u64> = HashMap::new();
        let mut events = Vec::new();
        for (log_index, mut event) in (0..).zip(std::mem::take(&mut self.queued)) {
            let source = event.source();
            let counter = counters
                .entry(source)
                .or_insert_with(|| self.last_seq(source));
            number_event(&mut event, counter);
            events.push(EventRecord {
                block_number: number,
                block_hash: header.hash,
                tx_hash: header.hash,
                log_index,
                event,
            });
        }
        self.blocks.push(Block {
            header,
            events,
            txs,
        });
        number
    }

    pub(super) fn mine(&mut self) -> u64 {
        self.mine_after(BLOCK_SECONDS)
    }

    /// Carries out what fits the next nonces.
    fn take_from_pool(&mut self, period: Period) -> Vec<(B256, bool)> {
        let mut txs = Vec::new();
        let mut nonce = self.nonce();
        let mut pool = std::mem::take(&mut self.pool);
        let from = self.mines_from;
        let fits = |plan: &TxPlan, nonce| plan.nonce == nonce && plan.fees.max_fee >= from;
        while let Some(hash) = pool.iter().find(|hash| fits(&self.signed[*hash], nonce)) {
            let call = self.signed[hash].call.clone();
            let paid = self.price(&call, period).ok();
            let paid = paid.filter(|_| !self.fail_on_chain);
            if let Some(price) = paid {
                self.tokens = self.tokens.saturating_sub(price);
                let events = self.effect(&call, period);
                self.queued.extend(events);
            }
            txs.push((*hash, paid.is_some()));
            nonce += 1;
        }
        pool.retain(|hash| self.signed[hash].nonce >= nonce);
        self.pool = pool;
        txs
    }

    pub(super) fn visible(&self, block: &Block) -> Vec<EventRecord> {
        let shown = |record: &&EventRecord| {
            !self
                .hidden
                .contains(&(record.block_number, record.log_index))
        };
        block.events.iter().filter(shown).cloned().collect()
    }
}

fn number_event(event: &mut ChainEvent, counter: &mut u64) {
    if let ChainEvent::WorkerBonded { seq, .. }
    | ChainEvent::NodeRegistered { seq, .. }
    | ChainEvent::MinRatePosted { seq, .. }
    | ChainEvent::PolicyCreated { seq, .. }
    | ChainEvent::PolicyExtended { seq, .. }
    | ChainEvent::PolicyRevoked { seq, .. }
    | ChainEvent::ArrangementRevoked { seq, .. }
    | ChainEvent::Slashed { seq, .. }
    | ChainEvent::ChallengeOpened { seq, .. } = event
    {
        *counter += 1;
        *seq = *counter;
    }
}
