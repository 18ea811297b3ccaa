//! What a long operation tells its caller while it runs. Neighbours: grant, revoke and read report
//! here; the command line draws it.

use kms_protocol::{Address, PolicyId};

/// Something that happened during a long operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A grant was written to the journal, before anything was paid.
    Journaled {
        /// Id that the policy will have.
        policy: PolicyId,
    },
    /// A transaction was handed to the chain.
    TxSent {
        /// `Call::kind`: `create_policy`, `revoke_policy`, ...
        kind: &'static str,
    },
    /// A transaction is in a block.
    TxMined {
        /// `Call::kind` of the transaction.
        kind: &'static str,
        /// The block it is in.
        block_number: u64,
    },
    /// No endpoint takes a transaction for now.
    TxRefused {
        /// `Call::kind` of the transaction.
        kind: &'static str,
        /// What the endpoints say.
        words: String,
    },
    /// A nonce that was missing before a transaction was used up by a transfer of nothing.
    NonceFilled {
        /// The nonce.
        nonce: u64,
    },
    /// A miner did its part: stored a kfrag, answered a reader, or refuses since the revocation.
    /// A reader's answer may still fail: it is verified when the first m do not open.
    NodeDone {
        /// Owner address, as the terms name it.
        miner: Address,
        /// Miners done so far, this one included.
        done: usize,
        /// Miners that are asked in all.
        of: usize,
    },
    /// A miner has not done its part yet and will be asked again.
    NodeWaiting {
        /// Owner address, as the terms name it.
        miner: Address,
        /// Why, as a code of [`NodeFailure`](crate::NodeFailure).
        code: String,
    },
    /// A miner will not do its part.
    NodeFailed {
        /// Owner address, as the terms name it.
        miner: Address,
        /// Why, as a code of [`NodeFailure`](crate::NodeFailure).
        code: String,
    },
    /// A miner's false answer was kept as evidence.
    EvidenceKept {
        /// Owner address, as the terms name it.
        miner: Address,
    },
    /// A miner's false answer could not be kept.
    EvidenceLost {
        /// Owner address, as the terms name it.
        miner: Address,
        /// Why, as an error code.
        code: &'static str,
    },
    /// The policy has not begun; the reader waits for its first period.
    WaitingForStart {
        /// Chain time at which it begins, seconds since the Unix epoch.
        starts_at: u64,
    },
}

/// Receives the steps of a long operation.
pub trait Progress: Send + Sync {
    /// Called once per step, from the task that took it; must not block.
    fn event(&self, event: Event);
}

/// Reports to nobody: drops every event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _event: Event) {}
}
