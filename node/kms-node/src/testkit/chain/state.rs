//! Blocks, pool and nonces; the node's transactions become the events the contracts would emit.

use std::collections::{HashMap, HashSet};

use kms_chain::{BlockHeader, Call, ChainEvent, EventRecord, EventSource, Fees, TxPlan};
use kms_protocol::{Address, Amount, B256, Period, Wei, keccak256};

use super::{BLOCK_SECONDS, CHAIN_ID, FakeChain, GENESIS, POLICY_MANAGER};
use crate::testkit::MINER;

pub(super) struct Block {
    pub(super) header: BlockHeader,
    pub(super) events: Vec<EventRecord>,
    /// (hash, succeeded)
    pub(super) txs: Vec<(B256, bool)>,
}

pub(super) struct State {
    pub(super) worker: Address,
    pub(super) blocks: Vec<Block>,
    pub(super) queued: Vec<ChainEvent>,
    pub(super) signed: HashMap<B256, TxPlan>,
    pub(super) pool: Vec<B256>,
    pub(super) hidden: HashSet<(u64, u64)>,
    pub(super) salt: u64,
    pub(super) online: bool,
    /// Nonces used by transactions the node did not make.
    pub(super) foreign_nonces: u64,
    pub(super) claimable: Amount,
    pub(super) refuse: HashMap<&'static str, String>,
    pub(super) fail_on_chain: bool,
    pub(super) accept_broadcasts: bool,
    pub(super) broadcasts: Vec<B256>,
    pub(super) ether: Wei,
    pub(super) fees: Fees,
    /// Least fee per gas that is mined.
    pub(super) mines_from: Wei,
}

impl State {
    pub(super) fn new(worker: Address) -> Self {
        Self {
            worker,
            blocks: Vec::new(),
            queued: Vec::new(),
            signed: HashMap::new(),
            pool: Vec::new(),
            hidden: HashSet::new(),
            salt: 0,
            online: true,
            foreign_nonces: 0,
            claimable: Amount::ZERO,
            refuse: HashMap::new(),
            fail_on_chain: false,
            accept_broadcasts: true,
            broadcasts: Vec::new(),
            ether: Wei(10_u128.pow(18)),
            fees: Fees {
                max_fee: Wei(2_000_000_000),
                tip: Wei(1),
            },
            mines_from: Wei::ZERO,
        }
    }

    pub(super) fn head(&self) -> BlockHeader {
        self.blocks.last().unwrap().header
    }

    pub(super) fn period(&self) -> Period {
        FakeChain::clock().period_at(self.head().timestamp).unwrap()
    }

    pub(super) fn nonce(&self) -> u64 {
        let mined: usize = self.blocks.iter().map(|block| block.txs.len()).sum();
        u64::try_from(mined).unwrap() + self.foreign_nonces
    }

    pub(super) fn last_seq(&self, source: EventSource) -> u64 {
        let events = self.blocks.iter().flat_map(|block| &block.events);
        let of_contract = events.filter(|record| record.event.source() == source);
        of_contract
            .filter_map(|record| record.event.seq())
            .max()
            .unwrap_or(0)
    }

    pub(super) fn mine(&mut self) -> u64 {
        self.salt += 1;
        let number = u64::try_from(self.blocks.len()).unwrap();
        let parent = self
            .blocks
            .last()
            .map_or(B256::ZERO, |block| block.header.hash);
        let timestamp = GENESIS + number * BLOCK_SECONDS;
        let hash = keccak256(format!("{number} {} {parent}", self.salt).as_bytes());
        let base_fee = Wei(1_000_000_000);
        let header = BlockHeader {
            number,
            hash,
            parent,
            timestamp,
            base_fee,
        };
        let period = FakeChain::clock().period_at(timestamp).unwrap();
        let mut queued = std::mem::take(&mut self.queued);
        let mut txs = Vec::new();
        let mut nonce = self.nonce();
        let pool = std::mem::take(&mut self.pool);
        let from = self.mines_from;
        let fits = |plan: &TxPlan, nonce| plan.nonce == nonce && plan.fees.max_fee >= from;
        while let Some(hash) = pool.iter().find(|hash| fits(&self.signed[*hash], nonce)) {
            let succeeded = !self.fail_on_chain;
            if succeeded {
                let call = self.signed[hash].call.clone();
                self.effect(&call, period, &mut queued);
            }
            txs.push((*hash, succeeded));
            nonce += 1;
        }
        self.pool = pool
            .into_iter()
            .filter(|hash| self.signed[hash].nonce >= nonce)
            .collect();
        let mut counters: HashMap<EventSource, u64> = HashMap::new();
        let mut events = Vec::new();
        for (log_index, mut event) in (0..).zip(queued) {
            let source = event.source();
            let counter = counters
                .entry(source)
                .or_insert_with(|| self.last_seq(source));
            number_event(&mut event, counter);
            let (block_number, block_hash, tx_hash) = (number, hash, hash);
            events.push(EventRecord {
                block_number,
                block_hash,
                tx_hash,
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

    pub(super) fn effect(&mut self, call: &Call, period: Period, events: &mut Vec<ChainEvent>) {
        let miner = MINER;
        match call {
            Call::ConfirmActivity { through } => events.push(ChainEvent::ActivityConfirmed {
                miner,
                from_period: Period(period.0 + 1),
                through_period: *through,
                weight: Amount(1),
                locked: Amount(1),
            }),
            Call::RegisterNode { url, umbral_key } => {
                let (url, umbral_key) = (url.clone(), *umbral_key);
                events.push(ChainEvent::NodeRegistered {
                    seq: 0,
                    miner,
                    url,
                    umbral_key,
                });
            }
            Call::SetMinRate { rate } => {
                events.push(ChainEvent::MinRatePosted {
                    seq: 0,
                    miner,
                    min_rate: *rate,
                });
            }
            Call::Claim { .. } => {
                let amount = std::mem::take(&mut self.claimable.0);
                let (recipient, amount) = (miner, Amount(amount));
                events.push(ChainEvent::RewardClaimed {
                    miner,
                    recipient,
                    amount,
                });
            }
            Call::Collect { terms, .. } => {
                events.extend(terms.iter().map(|terms| ChainEvent::FeesCollected {
                    policy_id: terms.id(CHAIN_ID, &POLICY_MANAGER),
                    miner,
                    through_period: terms.last_period.min(period.saturating_sub(1)),
                    amount: terms.rate,
                }));
            }
            Call::AnswerChallenge { terms, answer, .. } => {
                events.push(ChainEvent::ChallengeAnswered {
                    policy_id: terms.id(CHAIN_ID, &POLICY_MANAGER),
                    miner,
                    requester: Address::ZERO,
                    capsule_hash: B256::ZERO,
                    block_number: answer.block_number,
                    block_hash: answer.block_hash,
                    cfrag: answer.cfrag.as_ref().to_vec(),
                    signature: answer.signature.0.to_vec(),
                });
            }
            other => panic!("the node never sends {other:?}"),
        }
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
