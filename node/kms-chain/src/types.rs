//! Values read from the chain, parsed once: blocks, positions, leases, fees, transactions.
//!
//! `wire` and `header` hold the JSON shapes they are made from, `bloom` the filter of a block's
//! logs. Amounts are kms-protocol's, times are periods or seconds of chain time.

use kms_protocol::{Address, Amount, B256, Period, PeriodClock, Wei};
use serde::{Deserialize, Serialize};

pub(crate) mod bloom;
pub(crate) mod header;
pub(crate) mod wire;

/// The header fields of a block that this program uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHeader {
    /// Height of the block; 0 for the first.
    pub number: u64,
    /// Hash of the header.
    pub hash: B256,
    /// Hash of the parent; zero for block 0.
    pub parent: B256,
    /// Seconds since the Unix epoch, the chain's only time.
    pub timestamp: u64,
    /// Base fee per gas; zero on chains without one.
    pub base_fee: Wei,
}

/// The state of the chain that a read refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// State after the newest block.
    Latest,
    /// State after the newest block and the endpoint's pool.
    Pending,
    /// State after the newest block that is reorganised only in an attack on the network.
    Safe,
    /// State after the newest final block.
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
    /// Part of the reserve emitted in a period: floor(2^64 * (1 - 2^(-1/H))), H the half-life in
    /// periods.
    pub decay: u64,
    /// Kappa's T1 in periods; `None` while kappa is off.
    pub kappa_periods: Option<u32>,
    /// Least stake of a miner.
    pub min_locked: Amount,
    /// Shortest lock of a stake, in periods.
    pub min_lock_periods: u32,
    /// Longest lock of a stake, in periods.
    pub max_lock_periods: u32,
    /// Periods between two bondings of a worker.
    pub worker_cooldown_periods: u32,
    /// Periods for which the stake stays in custody after the last one of a policy.
    pub evidence_periods: u32,
    /// Greatest number of periods of a policy.
    pub max_policy_periods: u32,
}

/// A miner's stake; all zero for an address that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Tokens from which the weight of a lease is computed.
    pub locked: Amount,
    /// Periods, from the next one on, that a wind-down or an unbond takes.
    pub lock_periods: u32,
    /// First period in which a position that winds down may be withdrawn.
    pub unlock_period: Option<Period>,
    /// Tokens of the unbonding tranche.
    pub unbonding: Amount,
    /// First period in which the tranche may be withdrawn.
    pub release_period: Option<Period>,
}

/// The facts by which a client chooses and reaches a miner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinerInfo {
    /// Owner address, which holds the stake.
    pub miner: Address,
    /// Bonded worker; `None` if there is none.
    pub worker: Option<Address>,
    /// Stake; all zero for an address that is no miner.
    pub position: Position,
    /// Least rate it accepts, per period.
    pub min_rate: Amount,
    /// Suspended, and no activity confirmed since: the contract takes it for no policy.
    pub suspended: bool,
    /// Base URL; empty until registered. Chosen by the miner: untrusted text.
    pub url: String,
}

/// Whether a miner could serve a policy, or the first reason why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// It could.
    Able,
    /// Less than the least stake is locked.
    StakeTooSmall,
    /// Its tokens may leave before the policy is over.
    LockTooShort,
    /// It asks for a higher rate.
    RateTooLow,
    /// It was suspended and has not confirmed activity since.
    Suspended,
}

/// All that the contracts say of a miner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinerStatus {
    /// Stake, worker, node record, least rate.
    pub info: MinerInfo,
    /// Present period.
    pub period: Period,
    /// Its latest lease.
    pub lease: Lease,
    /// Last period of its latest suspension, which may be over; `None` if it has confirmed since.
    pub suspended_through: Option<Period>,
    /// Reward that a claim would mint now.
    pub claimable: Amount,
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
    /// Sum of the weights of the leases.
    pub weight: Amount,
    /// Sum of the tokens that the weights are computed from.
    pub locked: Amount,
}

/// The state of a policy on chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyState {
    /// Whether the policy was revoked as a whole.
    pub revoked: bool,
    /// Last period that is paid for.
    pub effective_last: Period,
    /// Idle periods are refunded up to here; `None` before the first refund.
    pub refunded_through: Option<Period>,
}

/// What a policy owes one of its miners, collected or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinerFees {
    /// Fees that the miner could collect now without a proof of delivery.
    pub collectable: Amount,
    /// Fees of its active periods while no delivery is proved: its own from the delivery on if it
    /// proves one, the sponsor's else.
    pub unproven: Amount,
    /// Last period in which the sponsor has to wait for the proof.
    pub provable_through: Period,
}

/// A challenge of silence that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenChallenge {
    /// Account that posted the bond, and gets it back if there is no answer.
    pub challenger: Address,
    /// Last block timestamp at which an answer counts, in seconds.
    pub deadline: u64,
    /// Bond, which an answer earns.
    pub bond: Amount,
}

/// Fees per gas of an EIP-1559 transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fees {
    /// Most that is paid per gas, base fee included (`maxFeePerGas`).
    pub max_fee: Wei,
    /// Tip per gas for whoever makes the block (`maxPriorityFeePerGas`).
    pub tip: Wei,
}

/// Sequence number of the last event of each contract that numbers them; 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastSeqs {
    /// Last number of StakingEscrow's events.
    pub escrow: u64,
    /// Last number of PolicyManager's events.
    pub policies: u64,
    /// Last number of SilenceChallenges' events.
    pub challenges: u64,
}

/// The result of a mined transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TxReceipt {
    /// keccak256 of the signed transaction.
    pub tx_hash: B256,
    /// Height of the block that holds it.
    pub block_number: u64,
    /// Hash of the block that holds it.
    pub block_hash: B256,
    /// Whether the call succeeded; false if it reverted.
    pub succeeded: bool,
    /// Gas used, at most the limit.
    pub gas_used: u64,
    /// Gas used times the price paid per gas, in wei.
    pub fee: Wei,
}

#[cfg(test)]
mod tests;
