//! The ABI-encoded arguments of each constructor, in the order of deployment. Addresses of
//! contracts that come later are predicted ones.

use kms_protocol::Address;
use kms_protocol::abi::{WORD, Words};

use crate::contracts::PerContract;
use crate::deployment::params::{DeployParams, Genesis};
use crate::error::ChainError;

pub(crate) type Addresses = PerContract<Address>;

/// Encodes the arguments of all constructors. `params` must be resolved.
pub(crate) fn all(
    params: &DeployParams,
    addresses: &Addresses,
) -> Result<PerContract<Words>, ChainError> {
    Ok(PerContract {
        token: token(params, addresses)?,
        escrow: escrow(params, addresses)?,
        rewards: rewards(params, addresses),
        policies: policy_manager(params, addresses),
        adjudicator: adjudicator(params, addresses),
        challenges: Words::default().address(&addresses.policies),
        timelock: timelock(params),
        control: control(params, addresses)?,
    })
}

/// Encodes `constructor(cap, initialSupply, initialHolder, minter)`.
fn token(params: &DeployParams, addresses: &Addresses) -> Result<Words, ChainError> {
    let holder = params
        .initial_holder
        .ok_or(ChainError::Bug("the holder is resolved"))?;
    Ok(Words::default()
        .uint(params.cap.0)
        .uint(params.initial_supply.0)
        .address(&holder)
        .address(&addresses.rewards))
}

/// Encodes `constructor(Params(token, genesisTime, periodSeconds, minLocked, minLockPeriods,
/// maxLockPeriods, workerCooldown, evidencePeriods, rewards, adjudicator, challenges, control))`.
fn escrow(params: &DeployParams, addresses: &Addresses) -> Result<Words, ChainError> {
    let Genesis::At(genesis) = params.genesis else {
        return Err(ChainError::Bug("the genesis is resolved"));
    };
    Ok(Words::default()
        .address(&addresses.token)
        .uint(genesis)
        .uint(params.period_seconds)
        .uint(params.min_locked.0)
        .uint(params.min_lock_periods)
        .uint(params.max_lock_periods)
        .uint(params.worker_cooldown_periods)
        .uint(params.evidence_periods)
        .address(&addresses.rewards)
        .address(&addresses.adjudicator)
        .address(&addresses.challenges)
        .address(&addresses.control))
}

/// Encodes `constructor(Params(token, escrow, maxLeasePeriods, halfLifeSeconds, kappaEnabled,
/// kappaPeriods, warmUpLocked, adjudicator, challenges))`.
fn rewards(params: &DeployParams, addresses: &Addresses) -> Words {
    Words::default()
        .address(&addresses.token)
        .address(&addresses.escrow)
        .uint(params.max_lease_periods)
        .uint(params.half_life_seconds)
        .uint(u8::from(params.kappa_enabled))
        .uint(params.kappa_periods)
        .uint(params.warm_up_locked.0)
        .address(&addresses.adjudicator)
        .address(&addresses.challenges)
}

/// Encodes `constructor(token, escrow, rewards, control, maxPolicyPeriods)`.
fn policy_manager(params: &DeployParams, addresses: &Addresses) -> Words {
    Words::default()
        .address(&addresses.token)
        .address(&addresses.escrow)
        .address(&addresses.rewards)
        .address(&addresses.control)
        .uint(params.max_policy_periods)
}

/// Encodes `constructor(policies, graceSeconds)`.
fn adjudicator(params: &DeployParams, addresses: &Addresses) -> Words {
    Words::default()
        .address(&addresses.policies)
        .uint(params.penalty.grace_seconds)
}

/// Encodes the arguments `(minimumDelay, proposers, executors)`.
fn timelock(params: &DeployParams) -> Words {
    let control = &params.control;
    let list = |words: Words, addresses: &[Address]| {
        addresses
            .iter()
            .fold(words.size(addresses.len()), Words::address)
    };
    let head = Words::default()
        .uint(control.timelock_delay_seconds)
        .size(3 * WORD)
        .size((4 + control.proposers.len()) * WORD);
    list(list(head, &control.proposers), &control.executors)
}

/// Encodes `constructor(Params(owner, guardian, escrow, rewards, policies, adjudicator, challenges,
/// maxPausePeriods, minWindowSeconds, maxWindowSeconds, PenaltyTerms, ChallengeTerms))`.
fn control(params: &DeployParams, addresses: &Addresses) -> Result<Words, ChainError> {
    let control = &params.control;
    let guardian = control
        .guardian
        .ok_or(ChainError::Bug("the guardian is resolved"))?;
    let named = [
        &addresses.timelock,
        &guardian,
        &addresses.escrow,
        &addresses.rewards,
        &addresses.policies,
        &addresses.adjudicator,
        &addresses.challenges,
    ];
    Ok(named
        .into_iter()
        .fold(Words::default(), Words::address)
        .uint(control.max_pause_periods)
        .uint(control.min_window_seconds)
        .uint(control.max_window_seconds)
        .append(&penalty(params))
        .append(&challenge(params)))
}

/// Encodes the terms of penalties, not paused.
pub(crate) fn penalty(params: &DeployParams) -> Words {
    let terms = &params.penalty;
    Words::default()
        .uint(terms.floor.0)
        .uint(terms.share_bps)
        .uint(terms.history_bps)
        .uint(terms.cap_bps)
        .uint(terms.network_cap_bps)
        .uint(terms.reward_bps)
        .uint(terms.suspension_periods)
        // pausedThrough
        .uint(0_u8)
        .uint(terms.reward_floor.0)
        .uint(terms.sponsor_bps)
}

pub(crate) fn challenge(params: &DeployParams) -> Words {
    let terms = &params.challenge;
    Words::default()
        .uint(terms.bond.0)
        .uint(terms.window_seconds)
        .uint(terms.suspension_periods)
        .uint(terms.distance_periods)
        .uint(terms.penalty_bonds)
}
