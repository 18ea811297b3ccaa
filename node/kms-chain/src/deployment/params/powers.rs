//! The parameters of what can still change after a deployment: the timelock, the guardian's pause,
//! and the first terms of penalties and of challenges. Bounds as in `Control.sol`.

use kms_protocol::{Address, Amount};
use serde::{Deserialize, Serialize};

use super::{Check, DeployParams, amount_text};
use crate::error::ParamProblem;

/// Longest suspension the contracts accept, in periods.
const LONGEST_SUSPENSION: u16 = 64;
/// Seconds after a revocation in which a node may still serve.
const GRACE_SECONDS: std::ops::RangeInclusive<u32> = 60..=604_800;
/// Least penalty of silence, in bonds: more than twice the gas that it pays for.
const LEAST_PENALTY_BONDS: u8 = 11;
/// Longest distance between two challenges, in periods.
const LONGEST_DISTANCE: u32 = 400;

/// The timelock, the guardian, and the bounds of what they may set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlParams {
    /// Least time between a proposal and its execution, in seconds.
    pub timelock_delay_seconds: u64,
    /// Accounts that may propose and cancel; the deployer if empty, on a local chain only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposers: Vec<Address>,
    /// Accounts that may execute a proposal, the zero address for anyone; the deployer if empty, on
    /// a local chain only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub executors: Vec<Address>,
    /// Account that may pause; the deployer if absent, on a local chain only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardian: Option<Address>,
    /// Longest pause that the guardian may order, in periods.
    pub max_pause_periods: u32,
    /// Shortest time to answer a challenge that can ever be set, in seconds.
    pub min_window_seconds: u32,
    /// Longest time to answer a challenge that can ever be set, in seconds.
    pub max_window_seconds: u32,
}

/// First terms of a conviction. Shares in basis points, 1/10,000.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PenaltyParams {
    /// Least penalty, whatever the stake.
    #[serde(with = "amount_text")]
    pub floor: Amount,
    /// Penalty as a share of the stake at risk.
    pub share_bps: u16,
    /// Addition for each earlier window with a conviction, as a share of the penalty.
    pub history_bps: u16,
    /// Greatest sum of penalties in a window (the longest lease), as a share of the stake at risk.
    pub cap_bps: u16,
    /// Sum of all penalties of a day after which no more fall on it, as a share of all stakes.
    pub network_cap_bps: u16,
    /// Most that a conviction pays out, as a share of the penalty.
    pub reward_bps: u16,
    /// Suspension of a convicted miner, in periods.
    pub suspension_periods: u16,
    /// Seconds after a revocation in which a node may still serve; the only one of these that is
    /// fixed at deployment.
    pub grace_seconds: u32,
    /// What a requester gets though its policy has not paid for it: the gas of an accusation.
    #[serde(with = "amount_text")]
    pub reward_floor: Amount,
    /// Share of the sponsor in what is paid out beyond the floors of both requesters.
    pub sponsor_bps: u16,
}

/// First terms of a challenge of silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengeParams {
    /// Bond that the challenger posts: the gas of an answer. Who answers gets half of it.
    #[serde(with = "amount_text")]
    pub bond: Amount,
    /// Time to answer, in seconds.
    pub window_seconds: u32,
    /// Suspension of a silent miner, in periods.
    pub suspension_periods: u16,
    /// Least periods between two challenges for the same miner and policy.
    pub distance_periods: u32,
    /// Penalty of a silent miner, in bonds: five pay for the gas of opening and closing.
    pub penalty_bonds: u8,
}

impl ControlParams {
    pub(super) fn checks(&self, params: &DeployParams) -> Vec<Check> {
        use ParamProblem::{Above, Below, Duplicate, Zero};
        // A change that is proposed must leave time to unbond under the shortest lock, which runs
        // from the next period on.
        let exit = (u64::from(params.min_lock_periods) + 2) * u64::from(params.period_seconds);
        let window = self
            .max_window_seconds
            .div_ceil(params.period_seconds.max(1));
        let held_up = u64::from(self.max_pause_periods) + u64::from(window);
        vec![
            (
                self.timelock_delay_seconds >= exit,
                "control.timelock_delay_seconds",
                Below("min_lock_periods + 2 periods, so that miners can leave before a change"),
            ),
            (
                !self.proposers.contains(&Address::ZERO),
                "control.proposers",
                Zero,
            ),
            (is_set(&self.proposers), "control.proposers", Duplicate),
            (is_set(&self.executors), "control.executors", Duplicate),
            (
                self.guardian != Some(Address::ZERO),
                "control.guardian",
                Zero,
            ),
            (
                self.max_pause_periods > 0,
                "control.max_pause_periods",
                Zero,
            ),
            (
                self.max_pause_periods < params.min_lock_periods,
                "control.max_pause_periods",
                Above("min_lock_periods - 1"),
            ),
            (
                self.min_window_seconds > 0,
                "control.min_window_seconds",
                Zero,
            ),
            (
                self.min_window_seconds <= self.max_window_seconds,
                "control.max_window_seconds",
                Below("control.min_window_seconds"),
            ),
            (
                u64::from(params.evidence_periods) > held_up,
                "evidence_periods",
                Below("control.max_pause_periods + max_window_seconds in periods + 1"),
            ),
        ]
    }
}

impl PenaltyParams {
    pub(super) fn checks(&self, params: &DeployParams) -> Vec<Check> {
        use ParamProblem::{Above, Below, Zero};
        vec![
            (!self.floor.is_zero(), "penalty.floor", Zero),
            (
                self.floor.0 <= params.min_locked.0 / 2,
                "penalty.floor",
                Above("half of min_locked"),
            ),
            (self.share_bps <= 3_000, "penalty.share_bps", Above("3000")),
            (
                self.history_bps <= 10_000,
                "penalty.history_bps",
                Above("10000"),
            ),
            (self.cap_bps <= 5_000, "penalty.cap_bps", Above("5000")),
            (
                self.cap_bps >= self.share_bps,
                "penalty.cap_bps",
                Below("penalty.share_bps"),
            ),
            (
                self.network_cap_bps >= 50,
                "penalty.network_cap_bps",
                Below("50, so that convictions stay possible"),
            ),
            (
                self.network_cap_bps <= 5_000,
                "penalty.network_cap_bps",
                Above("5000"),
            ),
            (
                self.reward_bps < 5_000,
                "penalty.reward_bps",
                Above("4999, so that reporting oneself never pays"),
            ),
            (
                self.suspension_periods <= LONGEST_SUSPENSION,
                "penalty.suspension_periods",
                Above("64"),
            ),
            (
                self.grace_seconds >= *GRACE_SECONDS.start(),
                "penalty.grace_seconds",
                Below("60"),
            ),
            (
                self.grace_seconds <= *GRACE_SECONDS.end(),
                "penalty.grace_seconds",
                Above("604800, a week"),
            ),
            (
                self.reward_floor.0 <= self.floor.0 / 10,
                "penalty.reward_floor",
                Above("a tenth of penalty.floor"),
            ),
            (
                self.sponsor_bps <= 10_000,
                "penalty.sponsor_bps",
                Above("10000"),
            ),
        ]
    }
}

impl ChallengeParams {
    pub(super) fn checks(&self, params: &DeployParams) -> Vec<Check> {
        use ParamProblem::{Above, Below, Zero};
        let control = &params.control;
        let penalty = self.bond.0.checked_mul(u128::from(self.penalty_bonds));
        vec![
            (!self.bond.is_zero(), "challenge.bond", Zero),
            (
                self.penalty_bonds >= LEAST_PENALTY_BONDS,
                "challenge.penalty_bonds",
                Below("11, so that less than half of the penalty is paid out"),
            ),
            (
                penalty.is_some_and(|penalty| penalty <= params.min_locked.0 / 10),
                "challenge.bond",
                Above("a tenth of min_locked, divided by challenge.penalty_bonds"),
            ),
            (
                penalty.is_some_and(|penalty| penalty <= params.penalty.floor.0),
                "challenge.bond",
                Above(
                    "penalty.floor / penalty_bonds, so that a false answer costs more than silence",
                ),
            ),
            (
                self.window_seconds >= control.min_window_seconds,
                "challenge.window_seconds",
                Below("control.min_window_seconds"),
            ),
            (
                self.window_seconds <= control.max_window_seconds,
                "challenge.window_seconds",
                Above("control.max_window_seconds"),
            ),
            (
                self.suspension_periods <= LONGEST_SUSPENSION,
                "challenge.suspension_periods",
                Above("64"),
            ),
            (
                self.distance_periods > 0,
                "challenge.distance_periods",
                Zero,
            ),
            (
                self.distance_periods <= LONGEST_DISTANCE,
                "challenge.distance_periods",
                Above("400"),
            ),
        ]
    }
}

fn is_set(addresses: &[Address]) -> bool {
    let distinct: std::collections::BTreeSet<_> = addresses.iter().collect();
    distinct.len() == addresses.len()
}
