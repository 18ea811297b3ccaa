//! A node in memory with one account, for the wallet's tests.

use std::collections::BTreeMap;
use std::time::Duration;

use ethers::types::transaction::eip2718::TypedTransaction;
use ethers::utils::rlp::Rlp;
use kms_protocol::{B256, keccak256};
use serde_json::{Value, json};

use crate::test_support::{Reply, block_json, hash};

pub(super) const FOREVER: Duration = Duration::from_secs(600);

/// A node in memory with one account, which mines what it is told to.
#[derive(Default)]
pub(super) struct Node {
    /// Transactions seen: hash, nonce, max fee.
    pub(super) seen: Vec<(B256, u64, u128)>,
    /// Mined hashes by nonce, with success.
    pub(super) mined: BTreeMap<u64, (B256, bool)>,
    pub(super) head: u64,
    /// Least max fee that is mined; nothing is while `None`.
    pub(super) mines_from: Option<u128>,
    /// Whether what is mined succeeds.
    pub(super) fails: bool,
    /// Words in which it refuses transactions.
    pub(super) refuses: Option<&'static str>,
    /// Silent on transactions.
    pub(super) loses: bool,
    /// Requests for a receipt that are answered as if there was none yet.
    pub(super) late_receipts: usize,
    /// What it shows of the nonce of the pool, in place of the truth.
    pub(super) pending_shown: Option<u64>,
    /// Nonces that somebody else used.
    pub(super) foreign: u64,
    pub(super) base_fee: u128,
    /// Calls so far, and the one at which it falls silent for ever.
    pub(super) calls: usize,
    pub(super) dies_at: Option<usize>,
}

impl Node {
    pub(super) fn miner() -> Self {
        Self {
            mines_from: Some(0),
            base_fee: 100,
            head: 10,
            ..Self::default()
        }
    }

    fn next_nonce(&self) -> u64 {
        let after_own = self.mined.keys().last().map_or(0, |last| last + 1);
        self.foreign.max(after_own)
    }

    pub(super) fn mine(&mut self) {
        let Some(least) = self.mines_from else { return };
        let mut ready: Vec<_> = self.seen.iter().filter(|(.., fee)| *fee >= least).collect();
        ready.sort_by_key(|(_, nonce, fee)| (*nonce, u128::MAX - fee));
        let (ready, fails): (Vec<_>, bool) = (ready.into_iter().copied().collect(), self.fails);
        for (hash, nonce, _) in ready {
            // A block takes nonces in order.
            if nonce == self.next_nonce() {
                self.mined.insert(nonce, (hash, !fails));
            }
        }
        self.head += 1;
    }

    fn take(&mut self, raw: &Value) -> Reply {
        if self.loses {
            return Reply::Silence(FOREVER);
        }
        if let Some(words) = self.refuses {
            return Reply::Error(-32_000, words);
        }
        let bytes = hex::decode(&raw.as_str().unwrap()[2..]).unwrap();
        let (tx, _) = TypedTransaction::decode_signed(&Rlp::new(&bytes)).unwrap();
        let hash = keccak256(&bytes);
        if self.seen.iter().any(|(known, ..)| *known == hash) {
            return Reply::Error(-32_000, "already known");
        }
        if tx.nonce().unwrap().as_u64() < self.next_nonce() {
            return Reply::Error(-32_000, "nonce too low");
        }
        let fee = tx
            .as_eip1559_ref()
            .unwrap()
            .max_fee_per_gas
            .unwrap()
            .as_u128();
        self.seen.push((hash, tx.nonce().unwrap().as_u64(), fee));
        self.mine();
        Reply::Result(json!(hash))
    }

    fn receipt(&mut self, wanted: &Value) -> Value {
        if self.late_receipts > 0 {
            self.late_receipts -= 1;
            return Value::Null;
        }
        let found = self
            .mined
            .iter()
            .find(|(_, (hash, _))| json!(hash) == *wanted);
        let Some((nonce, (tx, succeeded))) = found else {
            return Value::Null;
        };
        json!({
            "transactionHash": tx, "blockNumber": format!("{:#x}", 11 + nonce),
            "blockHash": hash(5), "status": if *succeeded { "0x1" } else { "0x0" },
            "gasUsed": "0x5208", "effectiveGasPrice": "0x64", "contractAddress": null,
        })
    }

    pub(super) fn answer(&mut self, method: &str, params: &Value) -> Reply {
        match method {
            "eth_estimateGas" => Reply::Result(json!("0x5208")),
            "eth_feeHistory" => {
                Reply::Result(json!({ "baseFeePerGas": [format!("{:#x}", self.base_fee)] }))
            }
            "eth_getTransactionCount" => {
                let pooled = self
                    .seen
                    .iter()
                    .map(|(_, nonce, _)| nonce + 1)
                    .max()
                    .unwrap_or(0);
                let next = self.next_nonce();
                let count = if params[1] == json!("pending") {
                    self.pending_shown.unwrap_or(next.max(pooled))
                } else {
                    next
                };
                Reply::Result(json!(format!("{count:#x}")))
            }
            "eth_sendRawTransaction" => self.take(&params[0]),
            "eth_getTransactionReceipt" => Reply::Result(self.receipt(&params[0])),
            "eth_getBlockByNumber" => {
                self.mine();
                Reply::Result(block_json(self.head, hash(4), 100))
            }
            "eth_call" => Reply::Error(3, "execution reverted: EscrowAmountZero()"),
            other => panic!("{other}"),
        }
    }
}
