//! Values read from the chain, parsed once: blocks, positions, leases, fees, transactions.
//!
//! `wire` holds the JSON shapes they are made from. Amounts are kms-protocol's, times are periods
//! or seconds of chain time.

use kms_protocol::{Address, Amount, B256, Period, PeriodClock, Wei};

pub(crate) mod wire;

/// A block, as far as this program needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHeader {
    /// Height.
    pub number: u64,
    /// Hash as the endpoint gave it.
    pub hash: B256,
    /// Hash of the parent; zero for block 0.
    pub parent: B256,
    /// Seconds since the Unix epoch, the chain's only time.
    pub timestamp: u64,
    /// Base fee per gas; zero on chains without one.
    pub base_fee: Wei,
}

/// Which state of the chain a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// After the newest block.
    Latest,
    /// Including the pool of the endpoint.
    Pending,
    /// The newest block that will not be reorganised unless the network is attacked.
    Safe,
    /// The newest final block.
    Finalized,
}

impl Tag {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::Pending => "pending",
            Self::Safe => "safe",
            Self::Finalized => "finalized",
        }
    }
}

/// The parameters of a deployment that clients and nodes work with, read from the contracts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainParams {
    /// Genesis and length of the periods.
    pub clock: PeriodClock,
    /// Longest lease L, in periods.
    pub max_lease_periods: u32,
    /// floor(2^64 * (1 - 2^(-1/H))).
    pub decay: u64,
    /// Kappa's T1 in periods; `None` while kappa is off.
    pub kappa_periods: Option<u32>,
    /// Least stake.
    pub min_locked: Amount,
    /// Shortest lock, in periods.
    pub min_lock_periods: u32,
    /// Longest lock, in periods.
    pub max_lock_periods: u32,
    /// Periods between two bondings of a worker.
    pub worker_cooldown_periods: u32,
    /// Longest policy, in periods.
    pub max_policy_periods: u32,
}

/// A miner's stake; all zero for a stranger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Tokens that carry weight.
    pub locked: Amount,
    /// Lock duration in periods.
    pub lock_periods: u32,
    /// First free period while winding down.
    pub unlock_period: Option<Period>,
    /// Tokens of the unbonding tranche.
    pub unbonding: Amount,
    /// First period in which the tranche may be withdrawn.
    pub release_period: Option<Period>,
}

/// What a client needs to choose and reach a miner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinerInfo {
    /// The owner address.
    pub miner: Address,
    /// The bonded worker.
    pub worker: Option<Address>,
    /// Its stake.
    pub position: Position,
    /// Least rate it accepts, per period.
    pub min_rate: Amount,
    /// Base URL; empty until registered. Chosen by the miner: untrusted text.
    pub url: String,
    /// Compressed Umbral key; `None` until registered. Not proven to be a point.
    pub umbral_key: Option<[u8; 33]>,
}

/// A miner's current activity lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Last leased period; `None` if it never confirmed.
    pub through: Option<Period>,
    /// Weight it was confirmed with.
    pub weight: Amount,
}

/// Totals of a period over all miners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeriodTotals {
    /// Sum of weights.
    pub weight: Amount,
    /// Sum of locked tokens.
    pub locked: Amount,
}

/// What the chain stores of a policy that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyState {
    /// True once its author took it back.
    pub revoked: bool,
    /// Last period that is paid for.
    pub effective_last: Period,
    /// Idle periods are refunded up to here; `None` before the first refund.
    pub refunded_through: Option<Period>,
}

/// A challenge of silence that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenChallenge {
    /// Posted the bond and gets it back if there is no answer.
    pub challenger: Address,
    /// Last second of the answer, by chain time.
    pub deadline: u64,
    /// What an answer earns.
    pub bond: Amount,
}

/// Fees per gas of an EIP-1559 transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fees {
    /// `maxFeePerGas`.
    pub max_fee: Wei,
    /// `maxPriorityFeePerGas`.
    pub tip: Wei,
}

/// Numbers of the last sequenced events, per contract that counts them; 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastSeqs {
    /// Of the StakingEscrow.
    pub escrow: u64,
    /// Of the PolicyManager.
    pub policies: u64,
    /// Of SilenceChallenges.
    pub challenges: u64,
}

/// The result of a mined transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TxReceipt {
    /// Its hash.
    pub tx_hash: B256,
    /// Block that holds it.
    pub block_number: u64,
    /// Hash of that block.
    pub block_hash: B256,
    /// False when it reverted.
    pub succeeded: bool,
    /// Gas it used.
    pub gas_used: u64,
    /// What it cost in all.
    pub fee: Wei,
}

#[cfg(test)]
mod tests;
