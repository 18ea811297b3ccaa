//! The contracts' events as closed enums of kms-protocol's types. `decode` makes them of raw logs;
//! `chain::logs` checks where a log comes from before it gets here.

use ethers::abi::RawLog;
use ethers::contract::EthLogDecode;
use ethers::types::H256;
use kms_protocol::{Address, Amount, B256, Period, PolicyId, Terms};

use crate::bindings::{mining_rewards, policy_manager, staking_escrow};
use crate::convert::{address, amount, policy_id, some_address, some_period, terms};
use crate::types::wire::WireLog;

/// The contract an event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventSource {
    /// StakingEscrow.
    Escrow,
    /// MiningRewards.
    Rewards,
    /// PolicyManager.
    Policies,
}

/// An event and its place on the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// Height of its block.
    pub block_number: u64,
    /// Hash of its block.
    pub block_hash: B256,
    /// Transaction that caused it.
    pub tx_hash: B256,
    /// Its number within the block.
    pub log_index: u64,
    /// What happened.
    pub event: ChainEvent,
}

/// Everything the contracts report, the token's transfers excepted. Amounts in units of 1e-18 KMS.
/// The Solidity interfaces say when each one is emitted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "fields are those of the Solidity events, documented there"
)]
pub enum ChainEvent {
    /// Tokens were locked.
    Deposited {
        miner: Address,
        payer: Address,
        amount: Amount,
        locked: Amount,
        lock_periods: u32,
    },
    /// The lock duration grew.
    LockExtended { miner: Address, lock_periods: u32 },
    /// Wind-down was switched on, or off (`None`).
    WindDownSet {
        miner: Address,
        unlock_period: Option<Period>,
    },
    /// Locked tokens moved to the tranche.
    Unbonded {
        miner: Address,
        amount: Amount,
        locked: Amount,
        unbonding: Amount,
        release_period: Period,
    },
    /// Tokens left the escrow.
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
        umbral_key: [u8; 33],
    },
    /// A least rate was posted.
    MinRatePosted {
        seq: u64,
        miner: Address,
        min_rate: Amount,
    },
    /// A lease was taken or lengthened.
    ActivityConfirmed {
        miner: Address,
        from_period: Period,
        through_period: Period,
        weight: Amount,
        locked: Amount,
    },
    /// Rewards were minted.
    RewardClaimed {
        miner: Address,
        recipient: Address,
        amount: Amount,
    },
    /// A policy was created and paid. The terms are as strange as the contract lets them be: what
    /// it does not check (the verifier, for one) is not checked here either, so that nobody can
    /// stop a node by creating a policy.
    PolicyCreated {
        seq: u64,
        policy_id: PolicyId,
        keys_hash: B256,
        author: Address,
        terms: Terms,
    },
    /// A policy was lengthened.
    PolicyExtended {
        seq: u64,
        policy_id: PolicyId,
        last_period: Period,
        payer: Address,
    },
    /// A policy was revoked; access ends here. `effective_last` may be never (0) before its start.
    PolicyRevoked {
        seq: u64,
        policy_id: PolicyId,
        effective_last: Period,
        refund: Amount,
    },
    /// Fees of idle periods went back to the sponsor.
    PolicyRefunded {
        policy_id: PolicyId,
        through_period: Period,
        amount: Amount,
    },
    /// A miner was paid.
    FeesCollected {
        policy_id: PolicyId,
        miner: Address,
        through_period: Period,
        amount: Amount,
    },
}

impl ChainEvent {
    /// The contract it comes from.
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
            | Self::MinRatePosted { .. } => EventSource::Escrow,
            Self::ActivityConfirmed { .. } | Self::RewardClaimed { .. } => EventSource::Rewards,
            Self::PolicyCreated { .. }
            | Self::PolicyExtended { .. }
            | Self::PolicyRevoked { .. }
            | Self::PolicyRefunded { .. }
            | Self::FeesCollected { .. } => EventSource::Policies,
        }
    }

    /// Its gap-free number within its contract, for the events that carry one: a missing number
    /// proves a missed event.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        match self {
            Self::WorkerBonded { seq, .. }
            | Self::NodeRegistered { seq, .. }
            | Self::MinRatePosted { seq, .. }
            | Self::PolicyCreated { seq, .. }
            | Self::PolicyExtended { seq, .. }
            | Self::PolicyRevoked { seq, .. } => Some(*seq),
            Self::Deposited { .. }
            | Self::LockExtended { .. }
            | Self::WindDownSet { .. }
            | Self::Unbonded { .. }
            | Self::Withdrawn { .. }
            | Self::ActivityConfirmed { .. }
            | Self::RewardClaimed { .. }
            | Self::PolicyRefunded { .. }
            | Self::FeesCollected { .. } => None,
        }
    }
}

/// Why a log is not an event of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undecodable {
    /// No event of that contract has this shape.
    Shape,
    /// A field is outside the range the contract can produce.
    Range,
}

/// Reads a log of `source`. `None` for events that say nothing to a node (ERC-5267).
pub(crate) fn decode(
    source: EventSource,
    log: &WireLog,
) -> Result<Option<ChainEvent>, Undecodable> {
    let raw = RawLog {
        topics: log.topics.iter().map(|topic| H256(topic.0)).collect(),
        data: log.data.0.clone(),
    };
    match source {
        EventSource::Escrow => escrow(parse(&raw)?).map(Some),
        EventSource::Rewards => rewards(parse(&raw)?),
        EventSource::Policies => policies(parse(&raw)?),
    }
}

fn parse<E: EthLogDecode>(raw: &RawLog) -> Result<E, Undecodable> {
    E::decode_log(raw).map_err(|_| Undecodable::Shape)
}

fn escrow(event: staking_escrow::StakingEscrowEvents) -> Result<ChainEvent, Undecodable> {
    use staking_escrow::StakingEscrowEvents as E;
    Ok(match event {
        E::DepositedFilter(e) => ChainEvent::Deposited {
            miner: address(e.miner),
            payer: address(e.payer),
            amount: Amount(e.amount),
            locked: Amount(e.locked),
            lock_periods: e.lock_periods,
        },
        E::LockExtendedFilter(e) => ChainEvent::LockExtended {
            miner: address(e.miner),
            lock_periods: e.lock_periods,
        },
        E::WindDownSetFilter(e) => ChainEvent::WindDownSet {
            miner: address(e.miner),
            unlock_period: some_period(e.unlock_period),
        },
        E::UnbondedFilter(e) => ChainEvent::Unbonded {
            miner: address(e.miner),
            amount: Amount(e.amount),
            locked: Amount(e.locked),
            unbonding: Amount(e.unbonding),
            release_period: Period(e.release_period),
        },
        E::WithdrawnFilter(e) => ChainEvent::Withdrawn {
            miner: address(e.miner),
            recipient: address(e.recipient),
            amount: Amount(e.amount),
            locked: Amount(e.locked),
        },
        E::WorkerBondedFilter(e) => ChainEvent::WorkerBonded {
            seq: e.seq,
            miner: address(e.miner),
            worker: some_address(e.worker),
        },
        E::NodeRegisteredFilter(e) => ChainEvent::NodeRegistered {
            seq: e.seq,
            miner: address(e.miner),
            url: e.url,
            umbral_key: e
                .umbral_key
                .as_ref()
                .try_into()
                .map_err(|_| Undecodable::Range)?,
        },
        E::MinRatePostedFilter(e) => ChainEvent::MinRatePosted {
            seq: e.seq,
            miner: address(e.miner),
            min_rate: Amount(e.min_rate),
        },
    })
}

fn rewards(event: mining_rewards::MiningRewardsEvents) -> Result<Option<ChainEvent>, Undecodable> {
    use mining_rewards::MiningRewardsEvents as E;
    Ok(Some(match event {
        E::ActivityConfirmedFilter(e) => ChainEvent::ActivityConfirmed {
            miner: address(e.miner),
            from_period: Period(e.from_period),
            through_period: Period(e.through_period),
            weight: Amount(e.weight),
            locked: Amount(e.locked),
        },
        E::RewardClaimedFilter(e) => ChainEvent::RewardClaimed {
            miner: address(e.miner),
            recipient: address(e.recipient),
            amount: amount(e.amount).ok_or(Undecodable::Range)?,
        },
        E::Eip712DomainChangedFilter(_) => return Ok(None),
    }))
}

fn policies(event: policy_manager::PolicyManagerEvents) -> Result<Option<ChainEvent>, Undecodable> {
    use policy_manager::PolicyManagerEvents as E;
    Ok(Some(match event {
        E::PolicyCreatedFilter(e) => ChainEvent::PolicyCreated {
            seq: e.seq,
            policy_id: policy_id(e.policy_id),
            keys_hash: B256(e.keys_hash),
            author: address(e.author),
            terms: terms(e.terms),
        },
        E::PolicyExtendedFilter(e) => ChainEvent::PolicyExtended {
            seq: e.seq,
            policy_id: policy_id(e.policy_id),
            last_period: Period(e.last_period),
            payer: address(e.payer),
        },
        E::PolicyRevokedFilter(e) => ChainEvent::PolicyRevoked {
            seq: e.seq,
            policy_id: policy_id(e.policy_id),
            effective_last: Period(e.effective_last),
            refund: amount(e.refund).ok_or(Undecodable::Range)?,
        },
        E::PolicyRefundedFilter(e) => ChainEvent::PolicyRefunded {
            policy_id: policy_id(e.policy_id),
            through_period: Period(e.through_period),
            amount: amount(e.amount).ok_or(Undecodable::Range)?,
        },
        E::FeesCollectedFilter(e) => ChainEvent::FeesCollected {
            policy_id: policy_id(e.policy_id),
            miner: address(e.miner),
            through_period: Period(e.through_period),
            amount: amount(e.amount).ok_or(Undecodable::Range)?,
        },
        E::Eip712DomainChangedFilter(_) => return Ok(None),
    }))
}

#[cfg(test)]
mod tests;
