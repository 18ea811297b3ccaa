//! Which duties are due: a pure function of the snapshot, the configuration and what the miner
//! could claim. Level-triggered: a duty is wanted for as long as the chain shows it undone, so a
//! failure is tried again until it succeeds or its time is over; nothing depends on catching an
//! event.

use std::collections::HashMap;

use kms_chain::Call;
use kms_protocol::{Address, Amount, Period, PolicyId};
use serde::{Deserialize, Serialize};

use crate::view::snapshot::{MinerView, Snapshot};

/// Answers to challenges under way at once at most.
pub(crate) const ANSWERS_AT_ONCE: usize = 16;

/// Policies collected in one transaction at most.
pub(crate) const COLLECT_BATCH: usize = 16;

/// An effect the node wants on chain. Stored as the payload of its intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "duty", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Duty {
    /// The node record differs from the configuration.
    RegisterNode { url: String, umbral_key: String },
    /// The posted rate differs from the configuration.
    SetMinRate { rate: Amount },
    /// The lease runs out.
    ConfirmActivity { through: Period },
    /// Rewards of completed periods wait.
    Claim,
    /// Fees of completed periods wait.
    Collect { policies: Vec<PolicyId> },
    /// This miner's silence was challenged: it answers before the deadline, or is suspended.
    AnswerChallenge { policy: PolicyId, seq: u64 },
}

impl Duty {
    /// The name of its intents, the same as its call's.
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

    /// Name of what backs off together after a refusal: the kind, but each challenge by itself, so
    /// that one that cannot be answered holds up no other.
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

    /// Every kind.
    pub(crate) const KINDS: [&'static str; 6] = [
        "register_node",
        "set_min_rate",
        "confirm_activity",
        Self::CLAIM,
        Self::COLLECT,
        Self::ANSWER,
    ];
    /// Kind of answers to challenges.
    pub(crate) const ANSWER: &'static str = "answer_challenge";
    /// Kind of claims.
    pub(crate) const CLAIM: &'static str = "claim";
    /// Kind of collections.
    pub(crate) const COLLECT: &'static str = "collect";

    /// The call, for duties that need nothing from the store. `None` for a collection or an answer,
    /// and for a payload that does not hold a key.
    pub(crate) fn call(&self, miner: Address) -> Option<Call> {
        match self {
            Self::RegisterNode { url, umbral_key } => {
                let umbral_key = hex::decode(umbral_key).ok()?.try_into().ok()?;
                Some(Call::RegisterNode {
                    url: url.clone(),
                    umbral_key,
                })
            }
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
    /// Hex of the compressed key.
    pub(crate) umbral_key: String,
    pub(crate) min_rate: Option<Amount>,
    pub(crate) claim_every_periods: u32,
    pub(crate) claim_minimum: Amount,
    pub(crate) collect_every_periods: u32,
}

/// What is known besides the snapshot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    /// Longest lease L.
    pub(crate) max_lease_periods: u32,
    /// Reward of completed periods, as of the head.
    pub(crate) claimable: Amount,
    /// Period of the last claim; `NEVER` for none.
    pub(crate) last_claim: Period,
    /// Period of the last collection; `NEVER` for none.
    pub(crate) last_collect: Period,
    /// Policies found to owe nothing in a period, by that period.
    pub(crate) nothing_due: HashMap<PolicyId, Period>,
}

/// The duties due now, most urgent first. Without the bond on chain there are none: nothing the
/// worker sends would be accepted.
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

/// The most urgent challenges that are confirmed and whose time is not over. A challenge of a
/// policy that was revoked asks for nothing any more.
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

/// Renews once half of the longest lease is left, so that a bad day costs nothing; with L = 1 in
/// each period for the next. Not while the miner is suspended: it would be refused.
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
    let same = miner.url == wishes.url && miner.umbral_key == wishes.umbral_key;
    (!same).then(|| Duty::RegisterNode {
        url: wishes.url.clone(),
        umbral_key: wishes.umbral_key.clone(),
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

/// Whether `every` periods have gone by since `last`. The period of the last time counts as done,
/// so a batch that is still incomplete goes on within it.
fn is_time(now: Period, last: Period, every: u32) -> bool {
    last.is_never() || now == last || last.checked_add(every).is_some_and(|next| now >= next)
}

#[cfg(test)]
mod tests;
