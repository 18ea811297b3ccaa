//! The form of the answers: JSON in which an amount is its exact text with the unit, and what is
//! not known is null.

use std::fmt::Display;

use kms_protocol::messages::KfragState;
use kms_protocol::{Address, Amount, B256, Period, PolicyId, Wei};
use serde::{Deserialize, Serialize, Serializer};

use crate::view::snapshot::Snapshot;

fn text<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn maybe<T: Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

/// A period, unless it is [`Period::NEVER`].
pub(super) fn known(period: Period) -> Option<Period> {
    (!period.is_never()).then_some(period)
}

/// Where the chain is.
#[derive(Serialize)]
pub(super) struct Moment {
    head: Option<u64>,
    timestamp: Option<u64>,
    pub(super) period: Option<Period>,
    period_start: Option<u64>,
    period_seconds: Option<u32>,
}

impl Moment {
    pub(super) fn of(snapshot: Option<&Snapshot>) -> Self {
        Self {
            head: snapshot.map(|of| of.head.number),
            timestamp: snapshot.map(|of| of.head.timestamp),
            period: snapshot.and_then(|of| known(of.period)),
            period_start: snapshot.map(|of| of.period_start),
            period_seconds: snapshot.map(|of| of.period_seconds),
        }
    }
}

/// A check of the reports.
#[derive(Serialize)]
pub(super) struct CheckRow {
    pub(super) id: &'static str,
    pub(super) ok: bool,
    /// What its failure costs: `serving`, `pages` or `earning`.
    pub(super) concern: &'static str,
    pub(super) reason: Option<String>,
    pub(super) remedy: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct Summary {
    pub(super) miner: Address,
    pub(super) worker: Address,
    pub(super) url: String,
    pub(super) version: &'static str,
    pub(super) chain_id: u64,
    pub(super) ready: bool,
    pub(super) earning: bool,
    pub(super) failing: Vec<CheckRow>,
    pub(super) chain: Moment,
    /// Milliseconds since the chain was last looked at.
    pub(super) view_age_ms: Option<u64>,
    pub(super) lease_through: Option<Period>,
    pub(super) suspended_through: Option<Period>,
    #[serde(serialize_with = "maybe")]
    pub(super) locked: Option<Amount>,
    #[serde(serialize_with = "maybe")]
    pub(super) claimable: Option<Amount>,
    #[serde(serialize_with = "maybe")]
    pub(super) collectable: Option<Amount>,
    #[serde(serialize_with = "maybe")]
    pub(super) ether: Option<Wei>,
    #[serde(serialize_with = "maybe")]
    pub(super) gas_price: Option<Wei>,
    pub(super) ether_days: Option<f64>,
    pub(super) next_confirmation: Option<Period>,
    /// Kinds of the transactions that are not final, oldest first.
    pub(super) open_transactions: Vec<String>,
    pub(super) policies_paid: u64,
    pub(super) kfrags: u64,
    pub(super) challenges: u64,
}

/// Which periods are asked for.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct Range {
    pub(super) from: Option<Period>,
    pub(super) to: Option<Period>,
}

#[derive(Serialize)]
pub(super) struct Earnings {
    pub(super) chain: Moment,
    /// Completed periods, oldest first.
    pub(super) periods: Vec<EarningsRow>,
    pub(super) totals: Option<Totals>,
    pub(super) projection: Option<Projection>,
}

/// What some periods in a row brought; several where the node was not there to see each.
#[derive(Serialize)]
pub(super) struct EarningsRow {
    pub(super) first: Period,
    pub(super) last: Period,
    /// Null where the node saw no beginning or no end.
    #[serde(serialize_with = "maybe")]
    pub(super) reward: Option<Amount>,
    #[serde(serialize_with = "text")]
    pub(super) fees: Amount,
}

/// All there ever was.
#[derive(Serialize)]
pub(super) struct Totals {
    #[serde(serialize_with = "text")]
    pub(super) claimed: Amount,
    #[serde(serialize_with = "maybe")]
    pub(super) claimable: Option<Amount>,
    #[serde(serialize_with = "text")]
    pub(super) collected: Amount,
    #[serde(serialize_with = "text")]
    pub(super) collectable: Amount,
}

/// What the running period brings by the reward formula.
#[derive(Serialize)]
pub(super) struct Projection {
    pub(super) period: Period,
    #[serde(serialize_with = "text")]
    pub(super) reward: Amount,
    #[serde(serialize_with = "text")]
    pub(super) fees: Amount,
}

#[derive(Serialize)]
pub(super) struct Stake {
    pub(super) chain: Moment,
    #[serde(serialize_with = "text")]
    pub(super) locked: Amount,
    pub(super) lock_periods: u32,
    #[serde(serialize_with = "maybe")]
    pub(super) weight: Option<Amount>,
    pub(super) lease_from: Option<Period>,
    pub(super) lease_through: Option<Period>,
    pub(super) next_confirmation: Option<Period>,
    pub(super) suspended_through: Option<Period>,
    pub(super) unlock_period: Option<Period>,
    #[serde(serialize_with = "text")]
    pub(super) unbonding: Amount,
    pub(super) release_period: Option<Period>,
    #[serde(serialize_with = "text")]
    pub(super) min_rate: Amount,
    pub(super) worker: Option<Address>,
    pub(super) url: String,
}

#[derive(Serialize)]
pub(super) struct Policies {
    pub(super) chain: Moment,
    pub(super) total: u64,
    pub(super) policies: Vec<PolicyRow>,
    /// Cursor of the next page; null on the last one.
    pub(super) next: Option<PolicyId>,
}

#[derive(Serialize)]
pub(super) struct PolicyRow {
    pub(super) id: PolicyId,
    pub(super) created_block: u64,
    #[serde(serialize_with = "text")]
    pub(super) rate: Amount,
    pub(super) first_period: Period,
    pub(super) last_paid: Option<Period>,
    pub(super) revoked_block: Option<u64>,
    pub(super) delivered: Option<Period>,
    pub(super) collected_through: Option<Period>,
    #[serde(serialize_with = "text")]
    pub(super) collectable: Amount,
    pub(super) kfrag: KfragState,
    pub(super) serving: bool,
    /// Code and title of the refusal that a request would meet.
    pub(super) refusal: Option<(&'static str, String)>,
    /// Requests answered in the window of time of the quota.
    pub(super) requests: u64,
}

#[derive(Serialize)]
pub(super) struct Transactions {
    pub(super) transactions: Vec<TransactionRow>,
    /// Cursor of the next page; null on the last one.
    pub(super) next: Option<i64>,
}

#[derive(Serialize)]
pub(super) struct TransactionRow {
    pub(super) id: i64,
    pub(super) kind: String,
    pub(super) state: &'static str,
    pub(super) period: Period,
    pub(super) detail: String,
    /// The duty as it was recorded.
    pub(super) duty: serde_json::Value,
    pub(super) attempts: Vec<AttemptRow>,
}

#[derive(Serialize)]
pub(super) struct AttemptRow {
    pub(super) hash: B256,
    pub(super) nonce: u64,
    #[serde(serialize_with = "text")]
    pub(super) max_fee: Wei,
    #[serde(serialize_with = "text")]
    pub(super) tip: Wei,
    pub(super) block: Option<u64>,
    pub(super) succeeded: Option<bool>,
}

#[derive(Serialize)]
pub(super) struct Health {
    pub(super) ready: bool,
    pub(super) earning: bool,
    pub(super) checks: Vec<CheckRow>,
    pub(super) tasks: Vec<TaskRow>,
    pub(super) endpoints: Vec<EndpointRow>,
    pub(super) connections: u64,
    pub(super) queue: u64,
    pub(super) public_url: String,
    pub(super) version: &'static str,
}

#[derive(Serialize)]
pub(super) struct TaskRow {
    pub(super) task: &'static str,
    /// Milliseconds since its last progress.
    pub(super) age_ms: u64,
}

#[derive(Serialize)]
pub(super) struct EndpointRow {
    /// Host and port: a path may hold a secret.
    pub(super) name: String,
    pub(super) verified: bool,
    /// Consecutive failures.
    pub(super) failures: u32,
    pub(super) latency_ms: Option<u64>,
    pub(super) requests: u64,
}
