//! Finds the duties due: a pure function of the snapshot, the desired state and the ledger.
//! Level-triggered: a duty is due for as long as the chain shows it undone, so a failure is retried
//! until it succeeds or its time is over, and no event is missed. Neighbours: `takings` says which
//! incomes are worth their transaction, `dues` keeps what the policies owe in order.

pub(crate) mod dues;
pub(crate) mod takings;

use kms_chain::Call;
use kms_protocol::{Address, Amount, Period, PolicyId, Wei};
use serde::{Deserialize, Serialize};

use crate::view::snapshot::{MinerView, Snapshot};
use dues::Dues;
use takings::Thrift;

/// Limit of answers to challenges under way in parallel.
pub(crate) const ANSWERS_AT_ONCE: usize = 16;

/// Rate posted where none is posted and none is configured, per period: 0.001 KMS.
pub(crate) const DEFAULT_MIN_RATE: Amount = Amount(Amount::KMS.0 / 1_000);

/// Time that a confirmation has before the lease is over, seconds: room to try again.
const CONFIRM_ROOM_SECONDS: u32 = 12 * 3_600;

/// An effect on chain that the node owes now. Stored as the payload of its intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "duty", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Duty {
    /// The node record differs from the configuration.
    RegisterNode { url: String },
    /// The posted rate differs from the configuration.
    SetMinRate { rate: Amount },
    /// The lease is about to end.
    ConfirmActivity { through: Period },
    /// The lease is about to end, and a claim is due.
    ConfirmAndClaim { through: Period },
    /// A claim is due, and no confirmation comes that could take it along.
    Claim,
    /// Fees of completed periods are due and worth it.
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
            Self::ConfirmActivity { .. } => Self::CONFIRM,
            Self::ConfirmAndClaim { .. } => Self::CONFIRM_AND_CLAIM,
            Self::Claim => Self::CLAIM,
            Self::Collect { .. } => "collect",
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
            | Self::ConfirmAndClaim { .. }
            | Self::Claim
            | Self::Collect { .. } => self.kind().to_owned(),
        }
    }

    /// The kinds of intents that must not be under way beside one of this duty: of the calls of
    /// MiningRewards one at a time, as each changes what the others would find.
    pub(crate) fn rivals(&self) -> &[&'static str] {
        match self {
            Self::ConfirmActivity { .. } | Self::ConfirmAndClaim { .. } | Self::Claim => {
                &[Self::CONFIRM, Self::CONFIRM_AND_CLAIM, Self::CLAIM]
            }
            Self::RegisterNode { .. } => &["register_node"],
            Self::SetMinRate { .. } => &["set_min_rate"],
            Self::Collect { .. } => &["collect"],
            Self::AnswerChallenge { .. } => &[Self::ANSWER],
        }
    }

    pub(crate) const KINDS: [&'static str; 7] = [
        "register_node",
        "set_min_rate",
        Self::CONFIRM,
        Self::CONFIRM_AND_CLAIM,
        Self::CLAIM,
        "collect",
        Self::ANSWER,
    ];
    pub(crate) const CONFIRM: &'static str = "confirm_activity";
    pub(crate) const CONFIRM_AND_CLAIM: &'static str = "confirm_and_claim";
    pub(crate) const ANSWER: &'static str = "answer_challenge";
    pub(crate) const CLAIM: &'static str = "claim";

    /// The call of a duty that needs nothing from the store; `None` for a collection or an
    /// answer.
    pub(crate) fn call(&self, miner: Address) -> Option<Call> {
        match self {
            Self::RegisterNode { url } => Some(Call::RegisterNode { url: url.clone() }),
            Self::SetMinRate { rate } => Some(Call::SetMinRate { rate: *rate }),
            Self::ConfirmActivity { through } => Some(Call::ConfirmActivity { through: *through }),
            Self::ConfirmAndClaim { through } => Some(Call::ConfirmAndClaim {
                through: *through,
                miner,
            }),
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
    pub(crate) collect_every_periods: u32,
    pub(crate) fee_per_kms: Wei,
}

/// Inputs of the decision that are not in the snapshot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    /// Longest lease L, in periods.
    pub(crate) max_lease_periods: u32,
    /// Length of a period.
    pub(crate) period_seconds: u32,
    /// Most that a unit of gas costs now; `None` until it is read.
    pub(crate) gas_price: Option<Wei>,
    /// Reward of completed periods, as of the head.
    pub(crate) claimable: Amount,
    /// Period of the last claim; `NEVER` for none.
    pub(crate) last_claim: Period,
    /// Period in which a claim was refused last; `NEVER` for none.
    pub(crate) claim_refused: Period,
    /// What the policies owe as of the snapshot.
    pub(crate) dues: Dues,
}

impl Ledger {
    /// What is worth a transaction now; `None` while the price of gas is unknown.
    pub(crate) fn thrift(&self, wishes: &Wishes) -> Option<Thrift> {
        self.gas_price.map(|gas_price| Thrift {
            fee_per_kms: wishes.fee_per_kms,
            gas_price,
        })
    }
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
    let claim = takings::claim_is_due(snapshot, wishes, ledger);
    let now = snapshot.period;
    match confirm(now, miner, ledger) {
        Some(through) if claim => duties.push(Duty::ConfirmAndClaim { through }),
        Some(through) => duties.push(Duty::ConfirmActivity { through }),
        None => {}
    }
    duties.extend(register(miner, wishes));
    duties.extend(min_rate(miner, wishes));
    if claim && !confirms_again(now, miner) {
        duties.push(Duty::Claim);
    }
    let policies = takings::collection(snapshot, wishes, ledger);
    if !policies.is_empty() {
        duties.push(Duty::Collect { policies });
    }
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

/// The end of the lease to confirm now: late, so that a lease is confirmed as seldom as can be, and
/// early enough to try again for half a day, or for half of the longest lease where that is less.
fn confirm(now: Period, miner: &MinerView, ledger: &Ledger) -> Option<Period> {
    let longest = ledger.max_lease_periods;
    let room = CONFIRM_ROOM_SECONDS
        .div_ceil(ledger.period_seconds.max(1))
        .clamp(1, longest.div_ceil(2).max(1));
    let left = miner.lease_through.0.saturating_sub(now.0);
    lease_end(now, miner, ledger).filter(|_| left < room)
}

/// The first period from now on in which a confirmation is due, should nothing else change.
pub(crate) fn next_confirmation(snapshot: &Snapshot, ledger: &Ledger) -> Option<Period> {
    let (now, miner) = (snapshot.period, &*snapshot.miner);
    (now.0..=now.max(miner.lease_through).0)
        .map(Period)
        .find(|period| confirm(*period, miner, ledger).is_some())
}

/// Whether a confirmation comes that can take a claim along: not in a suspension, when the contract
/// refuses it, nor for a stake that is leased until it is free.
fn confirms_again(now: Period, miner: &MinerView) -> bool {
    let unlock = miner.unlock_period;
    let to_lease = unlock.is_never() || miner.lease_through < unlock.saturating_sub(1);
    !miner.locked.is_zero() && now > miner.suspended_through && to_lease
}

/// The last period that could be leased now, if that is later than the lease in force.
fn lease_end(now: Period, miner: &MinerView, ledger: &Ledger) -> Option<Period> {
    if !confirms_again(now, miner) {
        return None;
    }
    let longest = ledger.max_lease_periods.min(miner.lock_periods.max(1));
    let mut through = now.checked_add(longest)?;
    if !miner.unlock_period.is_never() {
        through = through.min(miner.unlock_period.saturating_sub(1));
    }
    (through > miner.lease_through && through > now).then_some(through)
}

fn register(miner: &MinerView, wishes: &Wishes) -> Option<Duty> {
    (miner.url != wishes.url).then(|| Duty::RegisterNode {
        url: wishes.url.clone(),
    })
}

fn min_rate(miner: &MinerView, wishes: &Wishes) -> Option<Duty> {
    let rate = match wishes.min_rate {
        Some(rate) => rate,
        None if miner.min_rate.is_zero() => DEFAULT_MIN_RATE,
        None => return None,
    };
    (rate != miner.min_rate).then_some(Duty::SetMinRate { rate })
}

#[cfg(test)]
mod tests;
