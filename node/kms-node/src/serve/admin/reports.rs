//! Makes the answers of the operator's pages. Nothing here asks the chain.

use std::sync::Arc;
use std::time::Duration;

use kms_protocol::{Amount, Period, PolicyId};

use super::income;
use super::view::{
    AttemptRow, CheckRow, Earnings, EarningsRow, EndpointRow, Health, Moment, Policies, PolicyRow,
    Projection, Range, Stake, Summary, TaskRow, Totals, TransactionRow, Transactions, known,
};
use crate::host::health::{Check, Concern};
use crate::node::Node;
use crate::store::Result;
use crate::store::history::PastIntent;
use crate::view::snapshot::{PolicyView, Snapshot};

/// Periods told where none are named, and at most.
const PERIODS: u32 = 30;
const PERIODS_MAX: u32 = 400;
/// Rows of a page.
const ROWS: usize = 50;

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn check_row(check: Check) -> CheckRow {
    CheckRow {
        id: check.id,
        ok: check.ok,
        concern: match check.concern {
            Concern::Serving => "serving",
            Concern::Pages => "pages",
            Concern::Earning => "earning",
        },
        reason: check.reason,
        remedy: check.remedy,
    }
}

impl Node {
    /// Whether the miner earns, and whether anything is wrong.
    pub(super) async fn summary(&self) -> Result<Summary> {
        let (report, snapshot, books) = (self.report().await, self.snapshot(), self.books());
        let deliveries = self.store.deliveries().await?;
        let open = self.store.open_intents().await?;
        let of = snapshot.as_deref();
        let paid = |policy: &Arc<PolicyView>, now| policy.last_paid() >= now;
        Ok(Summary {
            miner: self.miner(),
            worker: self.keys.worker.address(),
            url: self.config.public_url.clone(),
            version: env!("CARGO_PKG_VERSION"),
            chain_id: self.domain.chain_id,
            ready: report.ready,
            earning: report.earning,
            failing: report
                .checks
                .into_iter()
                .filter(|check| !check.ok)
                .map(check_row)
                .collect(),
            chain: Moment::of(of),
            view_age_ms: self.age.age().map(millis),
            lease_through: of.and_then(|of| known(of.miner.lease_through)),
            suspended_through: of.and_then(|of| known(of.miner.suspended_through)),
            locked: of.map(|of| of.miner.locked),
            claimable: books.as_ref().map(|books| books.claimable),
            collectable: of.map(|of| income::all_due(of, &deliveries)),
            ether: books.as_ref().map(|books| books.purse.balance),
            gas_price: books.as_ref().map(|books| books.purse.gas_price),
            ether_days: books.as_ref().map(|books| books.purse.days),
            next_confirmation: books.and_then(|books| books.next_confirmation),
            open_transactions: open.into_iter().map(|intent| intent.kind).collect(),
            policies_paid: of.map_or(0, |of| {
                let paid = of
                    .policies
                    .values()
                    .filter(|policy| paid(policy, of.period));
                count(paid.count())
            }),
            kfrags: self.metrics.kfrags.get(),
            challenges: of.map_or(0, |of| count(of.challenges.len())),
        })
    }

    /// What each completed period brought.
    pub(super) async fn earnings(&self, range: Range) -> Result<Earnings> {
        let (snapshot, books) = (self.snapshot(), self.books());
        let mut earnings = Earnings {
            chain: Moment::of(snapshot.as_deref()),
            periods: Vec::new(),
            totals: None,
            projection: None,
        };
        let Some(snapshot) = snapshot else {
            return Ok(earnings);
        };
        let deliveries = self.store.deliveries().await?;
        let miner = &snapshot.miner;
        earnings.totals = Some(Totals {
            claimed: miner.claimed,
            claimable: books.as_ref().map(|books| books.claimable),
            collected: miner.collected,
            collectable: income::all_due(&snapshot, &deliveries),
        });
        let now = snapshot.period;
        let running = books.as_ref().and_then(|books| books.running);
        earnings.projection =
            running
                .filter(|(period, _)| *period == now)
                .map(|(period, reward)| {
                    let fees = income::by_period(&snapshot, &deliveries, period, period);
                    let fees = fees.first().copied().unwrap_or_default();
                    Projection {
                        period,
                        reward,
                        fees,
                    }
                });
        if let Some((first, last)) = span(range, now) {
            let fees = income::by_period(&snapshot, &deliveries, first, last);
            let seen = self.store.earned(last, PERIODS_MAX + 1).await?;
            earnings.periods = rows(first, &seen, &fees);
        }
        Ok(earnings)
    }

    pub(super) fn stake(&self) -> Option<Stake> {
        let (snapshot, books) = (self.snapshot()?, self.books());
        let miner = &snapshot.miner;
        Some(Stake {
            chain: Moment::of(Some(&snapshot)),
            locked: miner.locked,
            lock_periods: miner.lock_periods,
            weight: books.as_ref().map(|books| books.weight),
            lease_from: known(miner.lease_from),
            lease_through: known(miner.lease_through),
            next_confirmation: books.and_then(|books| books.next_confirmation),
            suspended_through: known(miner.suspended_through),
            unlock_period: known(miner.unlock_period),
            unbonding: miner.unbonding,
            release_period: known(miner.release_period),
            min_rate: miner.min_rate,
            worker: miner.worker,
            url: miner.url.clone(),
        })
    }

    /// The policies, the newest first, from the one after `cursor` on.
    pub(super) async fn policies_after(&self, cursor: Option<PolicyId>) -> Result<Policies> {
        let snapshot = self.snapshot();
        let mut page = Policies {
            chain: Moment::of(snapshot.as_deref()),
            total: 0,
            policies: Vec::new(),
            next: None,
        };
        let Some(snapshot) = snapshot else {
            return Ok(page);
        };
        let deliveries = self.store.deliveries().await?;
        let mut ids: Vec<_> = snapshot.policies.iter().collect();
        ids.sort_unstable_by_key(|(id, policy)| (std::cmp::Reverse(policy.created_block), **id));
        page.total = count(ids.len());
        let after = cursor.map_or(0, |cursor| {
            let found = ids.iter().position(|(id, _)| **id == cursor);
            found.map_or(ids.len(), |at| at + 1)
        });
        for (id, policy) in ids.iter().skip(after).take(ROWS) {
            let row = self.policy_row(&snapshot, **id, policy, &deliveries);
            page.policies.push(row.await?);
        }
        let last = page.policies.last().map(|row| row.id);
        page.next = last.filter(|_| after + ROWS < ids.len());
        Ok(page)
    }

    async fn policy_row(
        &self,
        snapshot: &Snapshot,
        id: PolicyId,
        policy: &PolicyView,
        deliveries: &income::Deliveries,
    ) -> Result<PolicyRow> {
        let stored = self.store.kfrag(id).await?.is_some();
        let erasure = self.store.erasure(id).await?;
        let (kfrag, refusal) = self.serves(id, erasure.as_ref(), stored);
        Ok(PolicyRow {
            id,
            created_block: policy.created_block,
            rate: policy.rate,
            first_period: policy.first_period,
            last_paid: known(policy.last_paid()),
            revoked_block: policy.revocation.map(|(block, _)| block),
            delivered: deliveries.get(&id).copied(),
            collected_through: known(policy.collected_through),
            collectable: income::due(snapshot, &id, policy, deliveries),
            kfrag,
            serving: refusal.is_none(),
            refusal: refusal.map(|problem| (problem.code.code(), problem.title)),
            requests: count(self.replay.answered(&id)),
        })
    }

    /// The intents, the newest first, from the one after `cursor` on.
    pub(super) async fn transactions_after(&self, cursor: Option<i64>) -> Result<Transactions> {
        let rows = u32::try_from(ROWS).unwrap_or(u32::MAX);
        let before = cursor.unwrap_or(i64::MAX);
        let past = self.store.intents_before(before, rows).await?;
        let last = past.last().map(|past| past.intent.id);
        Ok(Transactions {
            next: last.filter(|_| past.len() == ROWS),
            transactions: past.into_iter().map(transaction_row).collect(),
        })
    }

    pub(super) async fn health_report(&self) -> Health {
        let report = self.report().await;
        let rpc = self.metrics.rpc.get();
        let requests = rpc.map(kms_chain::Rpc::requests).unwrap_or_default();
        let endpoints = rpc.map(kms_chain::Rpc::health).unwrap_or_default();
        let made = |name: &str| {
            let of = requests.iter().filter(|one| one.endpoint == name);
            of.map(|one| one.count).sum()
        };
        let tasks = self.health.beat_ages().into_iter();
        Health {
            ready: report.ready,
            earning: report.earning,
            checks: report.checks.into_iter().map(check_row).collect(),
            tasks: tasks
                .map(|(task, age)| TaskRow {
                    task,
                    age_ms: millis(age),
                })
                .collect(),
            endpoints: endpoints
                .into_iter()
                .map(|endpoint| EndpointRow {
                    requests: made(&endpoint.name),
                    name: endpoint.name,
                    verified: endpoint.verified,
                    failures: endpoint.failures,
                    latency_ms: endpoint.latency_ms,
                })
                .collect(),
            connections: self.metrics.connections.get(),
            queue: count(self.pool.depth()),
            public_url: self.config.public_url.clone(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

fn transaction_row(past: PastIntent) -> TransactionRow {
    let PastIntent {
        intent,
        detail,
        attempts,
    } = past;
    TransactionRow {
        id: intent.id,
        duty: serde_json::from_str(&intent.payload).unwrap_or_default(),
        kind: intent.kind,
        state: intent.state.text(),
        period: Period(intent.period),
        detail,
        attempts: attempts
            .into_iter()
            .map(|attempt| AttemptRow {
                hash: attempt.hash,
                nonce: attempt.nonce,
                max_fee: attempt.fees.max_fee,
                tip: attempt.fees.tip,
                block: attempt.mined.map(|mined| mined.block_number),
                succeeded: attempt.mined.map(|mined| mined.succeeded),
            })
            .collect(),
    }
}

/// The completed periods of a range, at most [`PERIODS_MAX`]; `None` if there are none.
fn span(range: Range, now: Period) -> Option<(Period, Period)> {
    let newest = now.saturating_sub(1);
    let last = range.to.map_or(newest, |to| to.min(newest));
    let usual = Period(last.0.saturating_sub(PERIODS - 1).max(1));
    let first = range.from.unwrap_or(usual);
    let first = first.max(Period(last.0.saturating_sub(PERIODS_MAX - 1).max(1)));
    (first <= last && !last.is_never()).then_some((first, last))
}

/// Joins what was seen of the reward with the fees of the periods from `first` on: one row for each
/// period, but for several through which the reward was not seen.
fn rows(first: Period, seen: &[(Period, Amount)], fees: &[Amount]) -> Vec<EarningsRow> {
    let mut rows: Vec<EarningsRow> = Vec::new();
    let mut open = Vec::new();
    let mut known = None;
    let mut seen = seen.iter().peekable();
    while let Some((_, total)) = seen.next_if(|(period, _)| *period < first) {
        known = Some(*total);
    }
    for (period, fee) in (first.0..).map(Period).zip(fees) {
        open.push(*fee);
        let total = seen
            .next_if(|(at, _)| *at == period)
            .map(|(_, total)| *total);
        if let Some(total) = total {
            rows.push(row(
                period,
                &open,
                known.map(|known| total.saturating_sub(known)),
            ));
            known = Some(known.map_or(total, |known| total.max(known)));
            open.clear();
        }
    }
    let last = Period(
        first
            .0
            .saturating_add(u32::try_from(fees.len()).unwrap_or(0)),
    );
    if !open.is_empty() {
        rows.push(row(last.saturating_sub(1), &open, None));
    }
    rows
}

/// The row of the periods up to `last` whose fees are `open`.
fn row(last: Period, open: &[Amount], reward: Option<Amount>) -> EarningsRow {
    let periods = u32::try_from(open.len()).unwrap_or(u32::MAX);
    EarningsRow {
        first: Period(last.0.saturating_sub(periods.saturating_sub(1))),
        last,
        reward,
        fees: Amount(open.iter().fold(0, |sum, fee| sum.saturating_add(fee.0))),
    }
}
