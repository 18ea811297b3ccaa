//! Pure functions from events to facts, which the index keeps as rows. `standing` makes the miner's
//! standing of them, `ingest` writes and publishes them.

use kms_chain::{BlockHeader, ChainEvent, EventRecord, EventSource};
use kms_protocol::messages::CapsuleBytes;
use kms_protocol::{Address, Amount, Domain, Period, PolicyId, Terms};

use super::standing::{
    CLAIMED, COLLECTED, LEASE, LOCKED, RELEASE, SUSPENSION, UNBONDING, WITHDRAWN,
};
use crate::store::chain::{Batch, Fact, Place};
use crate::view::snapshot::ChallengeView;

/// The miner and the chain whose events the index keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope {
    pub(crate) miner: Address,
    /// Chain id and PolicyManager, from which policy ids are computed.
    pub(crate) domain: Domain,
}

/// Makes the batch of a step's headers and events, in chain order.
pub(super) fn batch(scope: &Scope, headers: Vec<BlockHeader>, events: &[EventRecord]) -> Batch {
    let mut facts = Vec::new();
    for record in events {
        let place = Place {
            block_number: record.block_number,
            log_index: record.log_index,
        };
        if let Some(seq) = record.event.seq() {
            let contract = contract_name(record.event.source());
            facts.push((place, Fact::Sequence { contract, seq }));
        }
        let about = of_policy(scope, &record.event)
            .into_iter()
            .chain(of_challenge(
                scope.miner,
                record.block_number,
                &record.event,
            ));
        facts.extend(about.map(|fact| (place, fact)));
        let standing = of_stake(scope.miner, &record.event)
            .into_iter()
            .chain(of_leaving(scope.miner, &record.event))
            .chain(of_lease(scope.miner, &record.event))
            .chain(of_income(scope.miner, &record.event));
        facts.extend(standing.map(|(kind, value)| (place, Fact::Miner { kind, value })));
    }
    Batch { headers, facts }
}

/// The contract's name in the table of sequence numbers.
pub(super) fn contract_name(source: EventSource) -> &'static str {
    match source {
        EventSource::Escrow => "escrow",
        EventSource::Rewards => "rewards",
        EventSource::Policies => "policies",
        EventSource::Adjudicator => "adjudicator",
        EventSource::Challenges => "challenges",
    }
}

/// The fact of an event about a policy of this miner.
fn of_policy(scope: &Scope, event: &ChainEvent) -> Option<Fact> {
    match event {
        ChainEvent::PolicyCreated {
            policy_id, terms, ..
        } => created(scope, *policy_id, terms),
        ChainEvent::PolicyExtended {
            policy_id,
            last_period,
            ..
        } => Some(Fact::Extended {
            id: *policy_id,
            last_period: last_period.0,
        }),
        ChainEvent::PolicyRevoked {
            policy_id,
            effective_last,
            ..
        } => Some(Fact::Revoked {
            id: *policy_id,
            last_period: effective_last.0,
        }),
        // For this miner, revoking its arrangement ends the policy.
        ChainEvent::ArrangementRevoked {
            policy_id,
            miner,
            effective_last,
            ..
        } => (*miner == scope.miner).then_some(Fact::Revoked {
            id: *policy_id,
            last_period: effective_last.0,
        }),
        ChainEvent::FeesCollected { .. } | ChainEvent::FeesReturned { .. } => {
            of_fees(scope.miner, event)
        }
        ChainEvent::Deposited { .. }
        | ChainEvent::LockExtended { .. }
        | ChainEvent::WindDownSet { .. }
        | ChainEvent::Unbonded { .. }
        | ChainEvent::Withdrawn { .. }
        | ChainEvent::WorkerBonded { .. }
        | ChainEvent::NodeRegistered { .. }
        | ChainEvent::MinRatePosted { .. }
        | ChainEvent::Slashed { .. }
        | ChainEvent::RestakeSet { .. }
        | ChainEvent::ActivityConfirmed { .. }
        | ChainEvent::RewardClaimed { .. }
        | ChainEvent::MinerSuspended { .. }
        | ChainEvent::ReserveReturned { .. }
        | ChainEvent::PolicyRefunded { .. }
        | ChainEvent::MinerConvicted { .. }
        | ChainEvent::HeldRewardPaid { .. }
        | ChainEvent::HeldRewardBurned { .. }
        | ChainEvent::ChallengeOpened { .. }
        | ChainEvent::ChallengeAnswered { .. }
        | ChainEvent::ChallengeClosed { .. } => None,
    }
}

/// The fact of an event that settles fees of the miner `about`: those that returned are settled as
/// those collected are.
fn of_fees(about: Address, event: &ChainEvent) -> Option<Fact> {
    let (ChainEvent::FeesCollected {
        policy_id,
        miner,
        through_period,
        ..
    }
    | ChainEvent::FeesReturned {
        policy_id,
        miner,
        through_period,
        ..
    }) = event
    else {
        return None;
    };
    (*miner == about).then_some(Fact::Collected {
        id: *policy_id,
        through_period: through_period.0,
    })
}

/// The fact of a created policy, if it names this miner. The contract accepts terms that no node
/// can serve; they are not indexed.
fn created(scope: &Scope, id: PolicyId, terms: &Terms) -> Option<Fact> {
    if !terms.includes(&scope.miner) {
        return None;
    }
    let named = terms.id(scope.domain.chain_id, &scope.domain.contract);
    if terms.validate().is_err() || named != id {
        tracing::warn!(policy = %id, "terms that cannot be served, ignored");
        return None;
    }
    let terms = Box::new(terms.clone());
    Some(Fact::Created { id, terms })
}

/// The fact of an event about a challenge of the miner `about`.
fn of_challenge(about: Address, opened_block: u64, event: &ChainEvent) -> Option<Fact> {
    if let ChainEvent::ChallengeOpened {
        seq,
        policy_id,
        miner,
        requester,
        deadline,
        capsule,
        ..
    } = event
    {
        // The contract accepts no other length.
        let capsule = CapsuleBytes::try_from(capsule.as_slice()).ok()?;
        let opened = ChallengeView {
            seq: *seq,
            policy: *policy_id,
            opened_block,
            requester: *requester,
            deadline: *deadline,
            capsule,
        };
        return (*miner == about).then(|| Fact::Challenged(Box::new(opened)));
    }
    let (ChainEvent::ChallengeAnswered {
        policy_id, miner, ..
    }
    | ChainEvent::ChallengeClosed {
        policy_id, miner, ..
    }) = event
    else {
        return None;
    };
    (*miner == about).then_some(Fact::ChallengeEnded { id: *policy_id })
}

/// The facts, kind and value, of an event about stake, worker and record of the miner `about`.
fn of_stake(about: Address, event: &ChainEvent) -> Vec<(&'static str, String)> {
    let never = Period::NEVER.to_string();
    let (miner, facts) = match event {
        ChainEvent::Deposited {
            miner,
            payer,
            locked,
            lock_periods,
            ..
        } => {
            let mut facts = vec![
                (LOCKED, locked.0.to_string()),
                ("lock_periods", lock_periods.to_string()),
            ];
            // A deposit ends a wind-down; a restaked reward, which MiningRewards pays, does not.
            if payer == miner {
                facts.push(("unlock_period", never));
            }
            (miner, facts)
        }
        ChainEvent::LockExtended {
            miner,
            lock_periods,
        } => (miner, vec![("lock_periods", lock_periods.to_string())]),
        ChainEvent::WindDownSet {
            miner,
            unlock_period,
        } => {
            let period = unlock_period.map_or(never, |period| period.to_string());
            (miner, vec![("unlock_period", period)])
        }
        ChainEvent::WorkerBonded { miner, worker, .. } => {
            let worker = worker.map_or_else(String::new, |worker| worker.to_string());
            (miner, vec![("worker", worker)])
        }
        ChainEvent::NodeRegistered { miner, url, .. } => (miner, vec![("url", url.clone())]),
        ChainEvent::MinRatePosted {
            miner, min_rate, ..
        } => (miner, vec![("min_rate", min_rate.0.to_string())]),
        ChainEvent::Unbonded { .. }
        | ChainEvent::Withdrawn { .. }
        | ChainEvent::Slashed { .. }
        | ChainEvent::RestakeSet { .. }
        | ChainEvent::ActivityConfirmed { .. }
        | ChainEvent::MinerSuspended { .. }
        | ChainEvent::RewardClaimed { .. }
        | ChainEvent::ReserveReturned { .. }
        | ChainEvent::PolicyCreated { .. }
        | ChainEvent::PolicyExtended { .. }
        | ChainEvent::PolicyRevoked { .. }
        | ChainEvent::ArrangementRevoked { .. }
        | ChainEvent::PolicyRefunded { .. }
        | ChainEvent::FeesCollected { .. }
        | ChainEvent::FeesReturned { .. }
        | ChainEvent::MinerConvicted { .. }
        | ChainEvent::HeldRewardPaid { .. }
        | ChainEvent::HeldRewardBurned { .. }
        | ChainEvent::ChallengeOpened { .. }
        | ChainEvent::ChallengeAnswered { .. }
        | ChainEvent::ChallengeClosed { .. } => return Vec::new(),
    };
    if *miner == about { facts } else { Vec::new() }
}

/// The facts, kind and value, of an event that takes from the stake of the miner `about`.
fn of_leaving(about: Address, event: &ChainEvent) -> Vec<(&'static str, String)> {
    let (miner, facts) = if let ChainEvent::Unbonded {
        miner,
        locked,
        unbonding,
        release_period,
        ..
    } = event
    {
        let release = (RELEASE, release_period.to_string());
        (
            miner,
            [tranche(*locked, *unbonding), vec![release]].concat(),
        )
    } else if let ChainEvent::Slashed {
        miner,
        locked,
        unbonding,
        ..
    } = event
    {
        (miner, tranche(*locked, *unbonding))
    } else if let ChainEvent::Withdrawn {
        miner,
        locked,
        amount,
        ..
    } = event
    {
        let value = format!("{} {}", amount.0, locked.0);
        (miner, vec![(WITHDRAWN, value)])
    } else {
        return Vec::new();
    };
    if *miner == about { facts } else { Vec::new() }
}

fn tranche(locked: Amount, unbonding: Amount) -> Vec<(&'static str, String)> {
    vec![
        (LOCKED, locked.0.to_string()),
        (UNBONDING, unbonding.0.to_string()),
    ]
}

/// The facts, kind and value, of an event about the lease of the miner `about`.
fn of_lease(about: Address, event: &ChainEvent) -> Vec<(&'static str, String)> {
    let (miner, kind, first, last) = if let ChainEvent::ActivityConfirmed {
        miner,
        from_period,
        through_period,
        ..
    } = event
    {
        (miner, LEASE, from_period, through_period)
    } else if let ChainEvent::MinerSuspended {
        miner,
        end_period,
        through_period,
    } = event
    {
        (miner, SUSPENSION, end_period, through_period)
    } else {
        return Vec::new();
    };
    match *miner == about {
        true => vec![(kind, format!("{first} {last}"))],
        false => Vec::new(),
    }
}

/// The facts, kind and value, of what the miner `about` was paid.
fn of_income(about: Address, event: &ChainEvent) -> Vec<(&'static str, String)> {
    let (miner, kind, amount) = if let ChainEvent::RewardClaimed { miner, amount, .. } = event {
        (miner, CLAIMED, amount)
    } else if let ChainEvent::FeesCollected { miner, amount, .. } = event {
        (miner, COLLECTED, amount)
    } else {
        return Vec::new();
    };
    match *miner == about {
        true => vec![(kind, amount.0.to_string())],
        false => Vec::new(),
    }
}
