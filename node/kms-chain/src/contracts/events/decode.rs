//! Decodes raw logs into `ChainEvent`s, by the generated types of each contract. A log that is none
//! of its contract's events is an error: the endpoint cannot be trusted.

use ethers::abi::RawLog;
use ethers::contract::EthLogDecode;
use ethers::types::H256;
use kms_protocol::{Amount, B256, Period};

use super::{ChainEvent, EventSource};
use crate::contracts::bindings::{
    adjudicator, mining_rewards, policy_manager, silence_challenges, staking_escrow,
};
use crate::convert::{address, amount, policy_id, some_address, some_period, terms};
use crate::types::wire::WireLog;

/// Why a log is not an event of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undecodable {
    /// No event of that contract has this shape.
    Shape,
    /// A field is outside the range the contract can produce.
    Range,
}

/// Decodes a log of `source`. `None` for events that nothing here uses: a pause, a used quote,
/// ERC-5267.
pub(crate) fn decode(
    source: EventSource,
    log: &WireLog,
) -> Result<Option<ChainEvent>, Undecodable> {
    let raw = RawLog {
        topics: log.topics.iter().map(|topic| H256(topic.0)).collect(),
        data: log.data.0.clone(),
    };
    match source {
        EventSource::Escrow => escrow(parse(&raw)?),
        EventSource::Rewards => rewards(parse(&raw)?),
        EventSource::Policies => policies(parse(&raw)?),
        EventSource::Adjudicator => adjudicator(parse(&raw)?),
        EventSource::Challenges => challenges(parse(&raw)?),
    }
}

fn parse<E: EthLogDecode>(raw: &RawLog) -> Result<E, Undecodable> {
    E::decode_log(raw).map_err(|_| Undecodable::Shape)
}

fn escrow(event: staking_escrow::StakingEscrowEvents) -> Result<Option<ChainEvent>, Undecodable> {
    use staking_escrow::StakingEscrowEvents as E;
    Ok(Some(match event {
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
        },
        E::MinRatePostedFilter(e) => ChainEvent::MinRatePosted {
            seq: e.seq,
            miner: address(e.miner),
            min_rate: Amount(e.min_rate),
        },
        E::SlashedFilter(e) => ChainEvent::Slashed {
            seq: e.seq,
            miner: address(e.miner),
            penalty: Amount(e.penalty),
            challenger: address(e.challenger),
            reward: Amount(e.reward),
            locked: Amount(e.locked),
            unbonding: Amount(e.unbonding),
        },
        E::RestakeSetFilter(e) => ChainEvent::RestakeSet {
            miner: address(e.miner),
            enabled: e.enabled,
        },
        E::DepositsPausedFilter(_) | E::Eip712DomainChangedFilter(_) => return Ok(None),
    }))
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
        E::MinerSuspendedFilter(e) => ChainEvent::MinerSuspended {
            miner: address(e.miner),
            end_period: Period(e.end_period),
            through_period: Period(e.through_period),
        },
        E::ReserveReturnedFilter(e) => ChainEvent::ReserveReturned {
            amount: Amount(e.amount),
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
            memo: e.memo.to_vec(),
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
        E::ArrangementRevokedFilter(e) => ChainEvent::ArrangementRevoked {
            seq: e.seq,
            policy_id: policy_id(e.policy_id),
            miner: address(e.miner),
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
        E::FeesReturnedFilter(e) => ChainEvent::FeesReturned {
            policy_id: policy_id(e.policy_id),
            miner: address(e.miner),
            through_period: Period(e.through_period),
            amount: amount(e.amount).ok_or(Undecodable::Range)?,
        },
        E::QuoteUsedFilter(_)
        | E::QuoteCancelledFilter(_)
        | E::PoliciesPausedFilter(_)
        | E::Eip712DomainChangedFilter(_) => return Ok(None),
    }))
}

fn adjudicator(event: adjudicator::AdjudicatorEvents) -> Result<Option<ChainEvent>, Undecodable> {
    use adjudicator::AdjudicatorEvents as E;
    Ok(Some(match event {
        E::MinerConvictedFilter(e) => ChainEvent::MinerConvicted {
            policy_id: policy_id(e.policy_id),
            miner: address(e.miner),
            challenger: address(e.challenger),
            offence: e.offence,
            fault_code: e.fault_code,
            capsule_hash: B256(e.capsule_hash),
            penalty: Amount(e.penalty),
            reward: Amount(e.reward),
            to_sponsor: Amount(e.to_sponsor),
            held: Amount(e.held),
        },
        E::HeldRewardPaidFilter(e) => ChainEvent::HeldRewardPaid {
            policy_id: policy_id(e.policy_id),
            miner: address(e.miner),
            challenger: address(e.challenger),
            capsule_hash: B256(e.capsule_hash),
            amount: Amount(e.amount),
        },
        E::HeldRewardBurnedFilter(e) => ChainEvent::HeldRewardBurned {
            policy_id: policy_id(e.policy_id),
            miner: address(e.miner),
            capsule_hash: B256(e.capsule_hash),
            amount: Amount(e.amount),
        },
        E::Eip712DomainChangedFilter(_) => return Ok(None),
    }))
}

fn challenges(
    event: silence_challenges::SilenceChallengesEvents,
) -> Result<Option<ChainEvent>, Undecodable> {
    use silence_challenges::SilenceChallengesEvents as E;
    Ok(Some(match event {
        E::ChallengeOpenedFilter(e) => ChainEvent::ChallengeOpened {
            seq: e.seq,
            policy_id: policy_id(e.policy_id),
            miner: address(e.miner),
            requester: address(e.requester),
            challenger: address(e.challenger),
            deadline: e.deadline,
            bond: Amount(e.bond),
            capsule: e.capsule.to_vec(),
        },
        E::ChallengeAnsweredFilter(e) => ChainEvent::ChallengeAnswered {
            policy_id: policy_id(e.policy_id),
            miner: address(e.miner),
            requester: address(e.requester),
            capsule_hash: B256(e.capsule_hash),
            commitments_hash: B256(e.commitments_hash),
            block_time: e.block_time,
            block_hash: B256(e.block_hash),
            cfrag: e.cfrag.to_vec(),
            signature: e.signature.to_vec(),
        },
        E::ChallengeClosedFilter(e) => ChainEvent::ChallengeClosed {
            policy_id: policy_id(e.policy_id),
            miner: address(e.miner),
            challenger: address(e.challenger),
            outcome: e.outcome,
            penalty: Amount(e.fine.penalty),
            reward: Amount(e.fine.reward),
            fee: Amount(e.fine.fee),
            to_sponsor: Amount(e.fine.to_sponsor),
        },
        E::Eip712DomainChangedFilter(_) => return Ok(None),
    }))
}
