//! The transactions in the journal of a home's account: what waits, and what is mined and was not
//! told yet. Neighbour: `payer` sends, bumps and cancels.

use kms_chain::{DirJournal, Fees, JournaledTx, TxJournal as _};
use kms_protocol::{Address, B256, Wei};
use serde::Serialize;

use crate::error::Result;
use crate::home::Home;

/// Whether a transaction of the journal is in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TxState {
    /// It is in no block yet, as far as this home knows.
    Open,
    /// It is mined, and no command has told its result.
    Mined,
}

/// One signed attempt of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TxAttempt {
    /// keccak256 of its bytes.
    pub hash: B256,
    /// What it is: `Call::kind`, or `cancel`.
    pub call: String,
    /// Most that it offers per gas.
    pub max_fee: Wei,
    /// Tip per gas, in wei.
    pub tip: Wei,
}

/// A transaction, which is its nonce: at most one of its attempts is ever mined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenTx {
    /// Nonce, shared by all attempts.
    pub nonce: u64,
    /// Whether it is in a block.
    pub state: TxState,
    /// What it does: `Call::kind` of its first attempt.
    pub call: String,
    /// Account or contract that the first attempt calls.
    pub to: Address,
    /// The block it is in.
    pub block_number: Option<u64>,
    /// Attempts, the cheapest first.
    pub attempts: Vec<TxAttempt>,
}

/// Reads the journal of the home's account, in the order of nonces. Asks nobody.
///
/// # Errors
/// [`Error::Chain`](crate::Error::Chain) if the journal cannot be read.
pub fn transactions(home: &Home) -> Result<Vec<OpenTx>> {
    let journal = DirJournal::open(&home.tx_dir())?;
    let (chain, account) = (home.config().deployment.chain_id, home.wallet_address());
    let mut found: Vec<OpenTx> = Vec::new();
    for settled in journal.kept(chain, account)? {
        let block_number = Some(settled.receipt.block_number);
        found.push(OpenTx {
            state: TxState::Mined,
            block_number,
            ..first(&settled.tx)
        });
    }
    for tx in journal.load(chain, account)? {
        match found.iter_mut().find(|other| other.nonce == tx.nonce) {
            // An attempt of what is settled: the run was killed before it cleared it.
            Some(other) if other.state == TxState::Mined => {}
            Some(other) => other.attempts.push(attempt(&tx)),
            None => found.push(first(&tx)),
        }
    }
    found.sort_by_key(|tx| tx.nonce);
    Ok(found)
}

fn first(tx: &JournaledTx) -> OpenTx {
    OpenTx {
        nonce: tx.nonce,
        state: TxState::Open,
        call: tx.kind.clone(),
        to: tx.to,
        block_number: None,
        attempts: vec![attempt(tx)],
    }
}

pub(crate) fn attempt(tx: &JournaledTx) -> TxAttempt {
    let Fees { max_fee, tip } = tx.fees();
    TxAttempt {
        hash: tx.hash,
        call: tx.kind.clone(),
        max_fee,
        tip,
    }
}
