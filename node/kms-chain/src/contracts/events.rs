//! The contracts' events as closed enums of kms-protocol's types. `events/decode.rs` makes them
//! from raw logs, whose address `chain::logs` has checked.

use kms_protocol::{Address, Amount, B256, Period, PolicyId, Terms};

mod decode;

pub(crate) use decode::{Undecodable, decode};

/// The contract an event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "a variant is named after its contract")]
pub enum EventSource {
    Escrow,
    Rewards,
    Policies,
    Adjudicator,
    Challenges,
}

/// An event and its place on the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// Height of the block that holds the event.
    pub block_number: u64,
    /// Hash of the block that holds the event.
    pub block_hash: B256,
    /// Hash of the transaction that emitted it.
    pub tx_hash: B256,
    /// Index of the log within the block.
    pub log_index: u64,
    /// The event, decoded from the log.
    pub event: ChainEvent,
}

/// Every event of the contracts that a node or client uses. The Solidity interfaces say when each
/// one is emitted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "fields are those of the Solidity events, documented there"
)]
pub enum ChainEvent {
    /// `payer` locked `amount` more tokens for `miner`.
    Deposited {
        miner: Address,
        payer: Address,
        amount: Amount,
        locked: Amount,
        lock_periods: u32,
    },
    /// A miner lengthened its lock to `lock_periods`.
    LockExtended { miner: Address, lock_periods: u32 },
    /// Wind-down was switched on, or off (`None`).
    WindDownSet {
        miner: Address,
        unlock_period: Option<Period>,
    },
    /// Locked tokens moved to the unbonding tranche.
    Unbonded {
        miner: Address,
        amount: Amount,
        locked: Amount,
        unbonding: Amount,
        release_period: Period,
    },
    /// A miner's free tokens left the escrow.
    Withdrawn {
        miner: Address,
        recipient: Address,
        amount: Amount,
        locked: Amount,
    },
    /// A worker was bonded, or unbonded (`None`).
    WorkerBonded {
        seq: u64,
        miner: Address,
        worker: Option<Address>,
    },
    /// A node record was set. `url` is text the miner chose.
    NodeRegistered {
        seq: u64,
        miner: Address,
        url: String,
    },
    /// A miner posted the least rate that it accepts.
    MinRatePosted {
        seq: u64,
        miner: Address,
        min_rate: Amount,
    },
    /// A conviction took a part of the stake.
    Slashed {
        seq: u64,
        miner: Address,
        penalty: Amount,
        challenger: Address,
        reward: Amount,
        locked: Amount,
        unbonding: Amount,
    },
    /// A miner allowed or forbade its worker to restake rewards.
    RestakeSet { miner: Address, enabled: bool },
    /// A miner took or lengthened its lease.
    ActivityConfirmed {
        miner: Address,
        from_period: Period,
        through_period: Period,
        weight: Amount,
        locked: Amount,
    },
    /// The reward of a miner was minted.
    RewardClaimed {
        miner: Address,
        recipient: Address,
        amount: Amount,
    },
    /// A miner was suspended: its lease, if it had one, ended with `end_period`, the present one,
    /// and confirmations are refused through `through_period`.
    MinerSuspended {
        miner: Address,
        end_period: Period,
        through_period: Period,
    },
    /// Tokens burned by a conviction returned to the reserve.
    ReserveReturned { amount: Amount },
    /// A policy was created and paid. What the contract does not check (the verifier, for one) is
    /// not checked here either, so that nobody can stop a node by creating a policy.
    PolicyCreated {
        seq: u64,
        policy_id: PolicyId,
        keys_hash: B256,
        author: Address,
        terms: Terms,
        memo: Vec<u8>,
    },
    /// A policy was extended to a later last period.
    PolicyExtended {
        seq: u64,
        policy_id: PolicyId,
        last_period: Period,
        payer: Address,
    },
    /// A policy was revoked; access ends here. `effective_last` is never (0) if it had not begun.
    PolicyRevoked {
        seq: u64,
        policy_id: PolicyId,
        effective_last: Period,
        refund: Amount,
    },
    /// The arrangement with one miner was revoked; its access ends here.
    ArrangementRevoked {
        seq: u64,
        policy_id: PolicyId,
        miner: Address,
        effective_last: Period,
        refund: Amount,
    },
    /// Fees of idle periods went back to the sponsor.
    PolicyRefunded {
        policy_id: PolicyId,
        through_period: Period,
        amount: Amount,
    },
    /// A miner collected its fees of a policy.
    FeesCollected {
        policy_id: PolicyId,
        miner: Address,
        through_period: Period,
        amount: Amount,
    },
    /// Fees of active periods of a miner went to the sponsor: it was given its kfrag later, or did
    /// not prove in time that it has it.
    FeesReturned {
        policy_id: PolicyId,
        miner: Address,
        through_period: Period,
        amount: Amount,
    },
    /// A miner was convicted. `fault_code` is 0 unless a cfrag was wrong.
    MinerConvicted {
        policy_id: PolicyId,
        miner: Address,
        challenger: Address,
        offence: u8,
        fault_code: u8,
        capsule_hash: B256,
        penalty: Amount,
        reward: Amount,
        to_sponsor: Amount,
        held: Amount,
    },
    /// The other requester was paid what was held for it over a capsule.
    HeldRewardPaid {
        policy_id: PolicyId,
        miner: Address,
        challenger: Address,
        capsule_hash: B256,
        amount: Amount,
    },
    /// What was held for a requester that did not come was burned.
    HeldRewardBurned {
        policy_id: PolicyId,
        miner: Address,
        capsule_hash: B256,
        amount: Amount,
    },
    /// A challenge was opened: the miner must answer by `deadline`.
    ChallengeOpened {
        seq: u64,
        policy_id: PolicyId,
        miner: Address,
        requester: Address,
        challenger: Address,
        deadline: u64,
        bond: Amount,
        capsule: Vec<u8>,
    },
    /// A miner answered a challenge in time.
    ChallengeAnswered {
        policy_id: PolicyId,
        miner: Address,
        requester: Address,
        capsule_hash: B256,
        commitments_hash: B256,
        block_time: u64,
        block_hash: B256,
        cfrag: Vec<u8>,
        signature: Vec<u8>,
    },
    /// A challenge ended without an answer. `outcome`: 0 silent, 1 void by a revocation, 2 closed
    /// too late. Of the miner's `penalty` for silence, zero if it paid one already, `reward` went
    /// to the challenger, `fee` to whoever closed, `to_sponsor` to the sponsor; the rest burned.
    ChallengeClosed {
        policy_id: PolicyId,
        miner: Address,
        challenger: Address,
        outcome: u8,
        penalty: Amount,
        reward: Amount,
        fee: Amount,
        to_sponsor: Amount,
    },
}

impl ChainEvent {
    /// The contract that emits this event.
    #[must_use]
    pub fn source(&self) -> EventSource {
        match self {
            Self::Deposited { .. }
            | Self::LockExtended { .. }
            | Self::WindDownSet { .. }
            | Self::Unbonded { .. }
            | Self::Withdrawn { .. }
            | Self::WorkerBonded { .. }
            | Self::NodeRegistered { .. }
            | Self::MinRatePosted { .. }
            | Self::Slashed { .. }
            | Self::RestakeSet { .. } => EventSource::Escrow,
            Self::ActivityConfirmed { .. }
            | Self::RewardClaimed { .. }
            | Self::MinerSuspended { .. }
            | Self::ReserveReturned { .. } => EventSource::Rewards,
            Self::PolicyCreated { .. }
            | Self::PolicyExtended { .. }
            | Self::PolicyRevoked { .. }
            | Self::ArrangementRevoked { .. }
            | Self::PolicyRefunded { .. }
            | Self::FeesCollected { .. }
            | Self::FeesReturned { .. } => EventSource::Policies,
            Self::MinerConvicted { .. }
            | Self::HeldRewardPaid { .. }
            | Self::HeldRewardBurned { .. } => EventSource::Adjudicator,
            Self::ChallengeOpened { .. }
            | Self::ChallengeAnswered { .. }
            | Self::ChallengeClosed { .. } => EventSource::Challenges,
        }
    }

    /// Sequence number within the contract, for the events that carry one: a gap proves that an
    /// event was missed.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        match self {
            Self::WorkerBonded { seq, .. }
            | Self::NodeRegistered { seq, .. }
            | Self::MinRatePosted { seq, .. }
            | Self::PolicyCreated { seq, .. }
            | Self::PolicyExtended { seq, .. }
            | Self::PolicyRevoked { seq, .. }
            | Self::Slashed { seq, .. }
            | Self::ArrangementRevoked { seq, .. }
            | Self::ChallengeOpened { seq, .. } => Some(*seq),
            Self::Deposited { .. }
            | Self::LockExtended { .. }
            | Self::WindDownSet { .. }
            | Self::Unbonded { .. }
            | Self::Withdrawn { .. }
            | Self::ActivityConfirmed { .. }
            | Self::RewardClaimed { .. }
            | Self::PolicyRefunded { .. }
            | Self::FeesCollected { .. }
            | Self::FeesReturned { .. }
            | Self::RestakeSet { .. }
            | Self::MinerSuspended { .. }
            | Self::ReserveReturned { .. }
            | Self::MinerConvicted { .. }
            | Self::HeldRewardPaid { .. }
            | Self::HeldRewardBurned { .. }
            | Self::ChallengeAnswered { .. }
            | Self::ChallengeClosed { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
