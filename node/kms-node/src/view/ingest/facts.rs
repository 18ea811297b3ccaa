//! From events to rows: what of an event is worth keeping, and the miner's standing from the kept
//! facts. Pure; `ingest` writes the batch and publishes the view.

use std::collections::HashMap;

use kms_chain::{BlockHeader, ChainEvent, EventRecord, EventSource};
use kms_protocol::messages::CapsuleBytes;
use kms_protocol::{Address, Amount, Domain, Period};

use crate::store::chain::{Batch, Fact, Place};
use crate::store::{Result, StoreError};
use crate::view::snapshot::MinerView;

/// Whose events are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope {
    /// This miner's.
    pub(crate) miner: Address,
    /// Of this chain and policy manager.
    pub(crate) domain: Domain,
}

/// The batch of a step's headers and events, in chain order.
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
        of_policies(scope, record, |fact| facts.push((place, fact)));
        facts.extend(challenge(scope.miner, &record.event).map(|fact| (place, fact)));
        of_miner(scope.miner, &record.event, |kind, value| {
            facts.push((place, Fact::Miner { kind, value }));
        });
    }
    Batch { headers, facts }
}

fn contract_name(source: EventSource) -> &'static str {
    match source {
        EventSource::Escrow => "escrow",
        EventSource::Rewards => "rewards",
        EventSource::Policies => "policies",
        EventSource::Adjudicator => "adjudicator",
        EventSource::Challenges => "challenges",
    }
}

fn of_policies(scope: &Scope, record: &EventRecord, mut keep: impl FnMut(Fact)) {
    match &record.event {
        ChainEvent::PolicyCreated {
            policy_id, terms, ..
        } if terms.includes(&scope.miner) => {
            // The contract lets through terms no node can serve; they are not indexed.
            let named = terms.id(scope.domain.chain_id, &scope.domain.contract);
            if terms.validate().is_ok() && named == *policy_id {
                keep(Fact::Created {
                    id: *policy_id,
                    terms: Box::new(terms.clone()),
                });
            } else {
                tracing::warn!(policy = %policy_id, "terms that cannot be served, ignored");
            }
        }
        ChainEvent::PolicyExtended {
            policy_id,
            last_period,
            ..
        } => {
            keep(Fact::Extended {
                id: *policy_id,
                last_period: last_period.0,
            });
        }
        ChainEvent::PolicyRevoked {
            policy_id,
            effective_last,
            ..
        } => {
            keep(Fact::Revoked {
                id: *policy_id,
                last_period: effective_last.0,
            });
        }
        // To this miner the end of its arrangement is the end of the policy.
        ChainEvent::ArrangementRevoked {
            policy_id,
            miner,
            effective_last,
            ..
        } if *miner == scope.miner => {
            keep(Fact::Revoked {
                id: *policy_id,
                last_period: effective_last.0,
            });
        }
        ChainEvent::FeesCollected {
            policy_id,
            miner,
            through_period,
            ..
        } if *miner == scope.miner => {
            keep(Fact::Collected {
                id: *policy_id,
                through_period: through_period.0,
            });
        }
        _ => {}
    }
}

/// What an event says of the challenges of `about`'s silence.
fn challenge(about: Address, event: &ChainEvent) -> Option<Fact> {
    match event {
        ChainEvent::ChallengeOpened {
            seq,
            policy_id,
            miner,
            requester,
            deadline,
            capsule,
            ..
        } if *miner == about => Some(Fact::Challenged {
            id: *policy_id,
            seq: *seq,
            requester: *requester,
            deadline: *deadline,
            // The contract takes no other length.
            capsule: CapsuleBytes::try_from(capsule.as_slice()).ok()?,
        }),
        ChainEvent::ChallengeAnswered {
            policy_id, miner, ..
        }
        | ChainEvent::ChallengeClosed {
            policy_id, miner, ..
        } if *miner == about => Some(Fact::ChallengeEnded { id: *policy_id }),
        _ => None,
    }
}

/// Calls `keep` with what an event says about `miner`, if it is about it.
fn of_miner(miner: Address, event: &ChainEvent, keep: impl FnMut(&'static str, String)) {
    let about = match event {
        ChainEvent::Deposited { miner, .. }
        | ChainEvent::LockExtended { miner, .. }
        | ChainEvent::WindDownSet { miner, .. }
        | ChainEvent::Unbonded { miner, .. }
        | ChainEvent::Withdrawn { miner, .. }
        | ChainEvent::WorkerBonded { miner, .. }
        | ChainEvent::NodeRegistered { miner, .. }
        | ChainEvent::MinRatePosted { miner, .. }
        | ChainEvent::Slashed { miner, .. }
        | ChainEvent::MinerSuspended { miner, .. }
        | ChainEvent::ActivityConfirmed { miner, .. } => *miner,
        ChainEvent::RewardClaimed { .. }
        | ChainEvent::RestakeSet { .. }
        | ChainEvent::ReserveReturned { .. }
        | ChainEvent::ArrangementRevoked { .. }
        | ChainEvent::MinerConvicted { .. }
        | ChainEvent::ChallengeOpened { .. }
        | ChainEvent::ChallengeAnswered { .. }
        | ChainEvent::ChallengeClosed { .. }
        | ChainEvent::PolicyCreated { .. }
        | ChainEvent::PolicyExtended { .. }
        | ChainEvent::PolicyRevoked { .. }
        | ChainEvent::PolicyRefunded { .. }
        | ChainEvent::FeesCollected { .. } => return,
    };
    if about == miner {
        keep_facts(event, keep);
    }
}

fn keep_facts(event: &ChainEvent, mut keep: impl FnMut(&'static str, String)) {
    let period = |period: &Option<Period>| period.unwrap_or(Period::NEVER).to_string();
    match event {
        ChainEvent::Deposited {
            miner,
            payer,
            locked,
            lock_periods,
            ..
        } => {
            keep("locked", locked.0.to_string());
            keep("lock_periods", lock_periods.to_string());
            // A deposit ends a wind-down; a restaked reward, which MiningRewards pays, does not.
            if payer == miner {
                keep("unlock_period", period(&None));
            }
        }
        ChainEvent::LockExtended { lock_periods, .. } => {
            keep("lock_periods", lock_periods.to_string());
        }
        ChainEvent::WindDownSet { unlock_period, .. } => {
            keep("unlock_period", period(unlock_period));
        }
        ChainEvent::Unbonded { locked, .. }
        | ChainEvent::Withdrawn { locked, .. }
        | ChainEvent::Slashed { locked, .. } => {
            keep("locked", locked.0.to_string());
        }
        ChainEvent::WorkerBonded { worker, .. } => {
            keep(
                "worker",
                worker.map_or_else(String::new, |worker| worker.to_string()),
            );
        }
        ChainEvent::NodeRegistered {
            url, umbral_key, ..
        } => {
            keep("url", url.clone());
            keep("umbral_key", hex::encode(umbral_key));
        }
        ChainEvent::MinRatePosted { min_rate, .. } => keep("min_rate", min_rate.0.to_string()),
        ChainEvent::ActivityConfirmed { through_period, .. } => {
            keep("lease_through", through_period.to_string());
        }
        ChainEvent::MinerSuspended { through_period, .. } => {
            keep("suspended_through", through_period.to_string());
            // The lease ended: some period of the past.
            keep("lease_through", Period(1).to_string());
        }
        _ => {}
    }
}

/// The newest fact of each kind, parsed.
pub(super) fn miner_view(facts: &HashMap<String, String>) -> Result<MinerView> {
    fn get<T: std::str::FromStr + Default>(
        facts: &HashMap<String, String>,
        kind: &'static str,
    ) -> Result<T> {
        let Some(text) = facts.get(kind).filter(|text| !text.is_empty()) else {
            return Ok(T::default());
        };
        text.parse().map_err(|_| StoreError::Corrupt {
            what: format!("{kind} {text:?}"),
        })
    }
    let worker = facts.get("worker").filter(|text| !text.is_empty());
    let worker = worker.map(|text| text.parse()).transpose();
    Ok(MinerView {
        worker: worker.map_err(|_| StoreError::Corrupt {
            what: "worker".into(),
        })?,
        url: get(facts, "url")?,
        umbral_key: get(facts, "umbral_key")?,
        min_rate: Amount(get(facts, "min_rate")?),
        lease_through: Period(get(facts, "lease_through")?),
        suspended_through: Period(get(facts, "suspended_through")?),
        locked: Amount(get(facts, "locked")?),
        lock_periods: get(facts, "lock_periods")?,
        unlock_period: Period(get(facts, "unlock_period")?),
    })
}
