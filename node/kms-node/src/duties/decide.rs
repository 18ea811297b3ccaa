//! Finds the duties due: a pure function of the snapshot, the desired state and the ledger.
//! Level-triggered: a duty is due for as long as the chain shows it undone, so a failure is retried
//! until it succeeds or its time is over, and no event is missed.

use std::collections::HashMap;

use kms_chain::Call;
use kms_protocol::{Address, Amount, Period, PolicyId};
use serde::{Deserialize, Serialize};

use crate::view::snapshot::{MinerView, Snapshot};

/// Limit of answers to challenges under way in parallel.
pub(crate) const ANSWERS_AT_ONCE: usize = 16;

/// Limit of policies collected in one transaction.
pub(crate) const COLLECT_BATCH: usize = 16;

/// An effect on chain that the node owes now. Stored as the payload of its intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "duty", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Duty {
    /// The node record differs from the configuration.
    RegisterNode { url: String },
    /// The posted rate differs from the configuration.
    SetMinRate { rate: Amount },
    /// Half of the longest lease or less is left.
    ConfirmActivity { through: Period },
    /// A claim is due by the configured interval and minimum.
    Claim,
    /// Fees of completed periods are due.
    Collect { policies: Vec<PolicyId> },
    /// A challenge of this miner is open: without an answer by its deadline the miner is suspended.
    AnswerChallenge { policy: PolicyId, seq: u64 },
}

impl Duty {
    /// The kind of its intents, equal to the kind of its call.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::RegisterNode { .. } => "register_node",
            Self::SetMinRate { .. } => "set_min_rate",
            Self::ConfirmActivity { .. } => "confirm_activity",
            Self::Claim => Self::CLAIM,
            Self::Collect { .. } => Self::COLLECT,
            Self::AnswerChallenge { .. } => Self::ANSWER,
        }
    }

    /// The lane: duties of one lane back off together after a refusal. It is the kind, but each
    /// challenge has a lane of its own, so that one that cannot be answered delays no other.
    pub(crate) fn lane(&self) -> String {
        match self {
            Self::AnswerChallenge { seq, .. } => format!("{}:{seq}", Self::ANSWER),
            Self::RegisterNode { .. }
            | Self::SetMinRate { .. }
            | Self::ConfirmActivity { .. }
            | Self::Claim
            | Self::Collect { .. } => self.kind().to_owned(),
        }
    }

    pub(crate) const KINDS: [&'static str; 6] = [
        "register_node",
        "set_min_rate",
        "confirm_activity",
        Self::CLAIM,
        Self::COLLECT,
        Self::ANSWER,
    ];
    pub(crate) const ANSWER: &'static str = "answer_challenge";
    pub(crate) const CLAIM: &'static str = "claim";
    pub(crate) const COLLECT: &'static str = "collect";

    /// The call of a duty that needs nothing from the store; `None` for a collection or an
    /// answer.
    pub(crate) fn call(&self, miner: Address) -> Option<Call> {
        match self {
            Self::RegisterNode { url } => Some(Call::RegisterNode { url: url.clone() }),
            Self::SetMinRate { rate } => Some(Call::SetMinRate { rate: *rate }),
            Self::ConfirmActivity { through } => Some(Call::ConfirmActivity { through: *through }),
            Self::Claim => Some(Call::Claim { miner }),
            Self::Collect { .. } | Self::AnswerChallenge { .. } => None,
        }
    }
}

/// The desired state, from configuration and keys.
#[derive(Debug, Clone)]
pub(crate) struct Wishes {
    pub(crate) worker: Address,
    pub(crate) url: String,
    pub(crate) min_rate: Option<Amount>,
    pub(crate) claim_every_periods: u32,
    pub(crate) claim_minimum: Amount,
    pub(crate) collect_every_periods: u32,
}

/// Inputs of the decision that are not in the snapshot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    /// Longest lease L, in periods.
    pub(crate) max_lease_periods: u32,
    /// Reward of completed periods, as of the head.
    pub(crate) claimable: Amount,
    /// Period of the last claim; `NEVER` for none.
    pub(crate) last_claim: Period,
    /// Period of the last collection; `NEVER` for none.
    pub(crate) last_collect: Period,
    /// Policies without fees due, each with the period in which the contract said so.
    pub(crate) nothing_due: HashMap<PolicyId, Period>,
}

/// Lists the duties due now, most urgent first. There are none while the worker is not bonded:
/// the contracts would refuse whatever it sends.
pub(crate) fn decide(snapshot: &Snapshot, wishes: &Wishes, ledger: &Ledger) -> Vec<Duty> {
    let miner = &*snapshot.miner;
    if snapshot.period.is_never() || miner.worker != Some(wishes.worker) {
        return Vec::new();
    }
    let mut duties = Vec::new();
    duties.extend(answers(snapshot));
    duties.extend(confirm(snapshot.period, miner, ledger));
    duties.extend(register(miner, wishes));
    duties.extend(min_rate(miner, wishes));
    duties.extend(claim(snapshot.period, wishes, ledger));
    duties.extend(collect(snapshot, wishes, ledger));
    duties
}

/// The most urgent challenges that are confirmed and before their deadline. A challenge of a
/// revoked policy needs no answer.
fn answers(snapshot: &Snapshot) -> impl Iterator<Item = Duty> {
    snapshot
        .challenges
        .iter()
        .filter(|challenge| {
            let policy = snapshot.policy(&challenge.policy);
            snapshot.is_confirmed(challenge.opened_block)
                && snapshot.head.timestamp < challenge.deadline
                && policy.is_some_and(|policy| policy.revocation.is_none())
        })
        .take(ANSWERS_AT_ONCE)
        .map(|challenge| Duty::AnswerChallenge {
            policy: challenge.policy,
            seq: challenge.seq,
        })
}

/// Renews the lease once half of the longest one is left, to have time for retries; with L = 1 in
/// each period for the next. Not during a suspension, when the contract refuses it.
fn confirm(now: Period, miner: &MinerView, ledger: &Ledger) -> Option<Duty> {
    if miner.locked.is_zero() || now <= miner.suspended_through {
        return None;
    }
    let longest = ledger.max_lease_periods.min(miner.lock_periods.max(1));
    let mut through = now.checked_add(longest)?;
    if !miner.unlock_period.is_never() {
        through = through.min(miner.unlock_period.saturating_sub(1));
    }
    let left = miner.lease_through.0.saturating_sub(now.0);
    let short = left < longest.div_ceil(2).max(1);
    let extends = through > miner.lease_through && through > now;
    (short && extends).then_some(Duty::ConfirmActivity { through })
}

fn register(miner: &MinerView, wishes: &Wishes) -> Option<Duty> {
    (miner.url != wishes.url).then(|| Duty::RegisterNode {
        url: wishes.url.clone(),
    })
}

fn min_rate(miner: &MinerView, wishes: &Wishes) -> Option<Duty> {
    let rate = wishes.min_rate?;
    (rate != miner.min_rate).then_some(Duty::SetMinRate { rate })
}

fn claim(now: Period, wishes: &Wishes, ledger: &Ledger) -> Option<Duty> {
    let worth = !ledger.claimable.is_zero() && ledger.claimable >= wishes.claim_minimum;
    let time = is_time(now, ledger.last_claim, wishes.claim_every_periods);
    (worth && time).then_some(Duty::Claim)
}

fn collect(snapshot: &Snapshot, wishes: &Wishes, ledger: &Ledger) -> Option<Duty> {
    let now = snapshot.period;
    let completed = now.saturating_sub(1);
    let time = is_time(now, ledger.last_collect, wishes.collect_every_periods);
    let mut due: Vec<(Period, PolicyId)> = snapshot
        .policies
        .iter()
        .filter(|(id, policy)| {
            let payable = completed.min(policy.last_paid());
            let ended = policy.last_paid() < now;
            payable >= policy.first_period
                && payable > policy.collected_through
                && (time || ended)
                && ledger
                    .nothing_due
                    .get(id)
                    .is_none_or(|checked| *checked < now)
        })
        .map(|(id, policy)| (policy.last_period, *id))
        .collect();
    due.sort_unstable();
    due.truncate(COLLECT_BATCH);
    let policies: Vec<PolicyId> = due.into_iter().map(|(_, id)| id).collect();
    (!policies.is_empty()).then_some(Duty::Collect { policies })
}

/// True if `last` is never, at least `every` periods ago, or the current period, within which an
/// incomplete batch goes on.
fn is_time(now: Period, last: Period, every: u32) -> bool {
    last.is_never() || now == last || last.checked_add(every).is_some_and(|next| now >= next)
}

#[cfg(test)]
mod tests;
