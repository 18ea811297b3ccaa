//! The chain in memory as the node sees it.

use kms_chain::{
    BlockHeader, Call, ChainError, ChainParams, ChainRead, EventRecord, EventSource, Fees,
    GasLimit, LastSeqs, SignedTx, TxPlan, TxReceipt,
};
use kms_protocol::{Address, Amount, B256, EthSecret, Wei, keccak256};

use super::{FakeChain, MAX_LEASE};
use crate::chain::NodeChain;

impl ChainRead for FakeChain {
    fn start_block(&self) -> u64 {
        0
    }

    async fn head(&self) -> Result<BlockHeader, ChainError> {
        self.answer(|state| state.head())
    }

    async fn header(&self, number: u64) -> Result<Option<BlockHeader>, ChainError> {
        let index = usize::try_from(number).unwrap();
        self.answer(|state| state.blocks.get(index).map(|block| block.header))
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
}

impl NodeChain for FakeChain {
    async fn params(&self) -> Result<ChainParams, ChainError> {
        self.answer(|_| ChainParams {
            clock: Self::clock(),
            max_lease_periods: MAX_LEASE,
            decay: 1,
            kappa_periods: None,
            min_locked: Amount(1),
            min_lock_periods: 1,
            max_lock_periods: 100,
            worker_cooldown_periods: 1,
            max_policy_periods: 100,
        })
    }

    async fn last_seqs(&self) -> Result<LastSeqs, ChainError> {
        self.answer(|state| LastSeqs {
            escrow: state.last_seq(EventSource::Escrow),
            policies: state.last_seq(EventSource::Policies),
            challenges: state.last_seq(EventSource::Challenges),
        })
    }

    async fn claimable(&self, _miner: Address) -> Result<Amount, ChainError> {
        self.answer(|state| state.claimable)
    }

    async fn eth_balance(&self, _account: Address) -> Result<Wei, ChainError> {
        self.answer(|state| state.ether)
    }

    async fn mined_nonce(&self, _account: Address) -> Result<u64, ChainError> {
        self.answer(|state| state.nonce())
    }

    async fn simulate(&self, _from: Address, call: &Call) -> Result<GasLimit, ChainError> {
        match self.answer(|state| state.refuse.get(call.kind()).cloned())? {
            Some(name) => Err(ChainError::Reverted {
                name,
                args: Vec::new(),
            }),
            None => Ok(GasLimit::for_estimate(100_000)),
        }
    }

    async fn fees(&self) -> Result<Fees, ChainError> {
        self.answer(|state| state.fees)
    }

    fn sign(&self, _secret: &EthSecret, plan: &TxPlan) -> Result<SignedTx, ChainError> {
        let raw = format!("{plan:?}").into_bytes();
        let hash = keccak256(&raw);
        self.lock().signed.insert(hash, plan.clone());
        Ok(SignedTx {
            raw,
            hash,
            nonce: plan.nonce,
            fees: plan.fees,
        })
    }

    fn reprice(&self, secret: &EthSecret, raw: &[u8], fees: Fees) -> Result<SignedTx, ChainError> {
        let plan = self.lock().signed[&keccak256(raw)].clone();
        self.sign(secret, &TxPlan { fees, ..plan })
    }

    async fn broadcast(&self, raw: &[u8]) -> Result<(), ChainError> {
        let hash = keccak256(raw);
        self.answer(|state| {
            state.broadcasts.push(hash);
            let known = state.pool.contains(&hash)
                || state
                    .blocks
                    .iter()
                    .any(|block| block.txs.iter().any(|(tx, _)| *tx == hash));
            if state.accept_broadcasts && !known {
                state.pool.push(hash);
            }
        })
    }

    async fn receipt(&self, hash: B256) -> Result<Option<TxReceipt>, ChainError> {
        self.answer(|state| {
            state.blocks.iter().find_map(|block| {
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
        })
    }
}
