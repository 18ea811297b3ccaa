//! The reports of `kms grant`: the quote before payment, the policy after it.

use std::fmt;

use kms_client::{Funds, GrantReport, Label, NodeFailure, Quote, Step};
use kms_protocol::{Address, Amount, B256, Period, PolicyId, Wei};
use serde::Serialize;

use crate::plan::step_text;
use crate::text::utc;

/// The quote of a grant: price, gas, and the miners drawn.
#[derive(Serialize)]
pub(super) struct QuoteReport {
    dry_run: bool,
    #[serde(skip)]
    summary: String,
    label: Label,
    reader: String,
    threshold: u8,
    rate: Amount,
    price: Amount,
    periods: u64,
    first_period: Period,
    last_period: Period,
    starts_at: u64,
    expires_at: u64,
    miners: Vec<QuotedRow>,
    set_aside: Vec<NodeFailure>,
    transactions: Vec<Step>,
    /// KMS of the account that pays.
    balance: Amount,
    /// Native currency of that account, for gas.
    gas_balance: Wei,
}

#[derive(Serialize)]
struct QuotedRow {
    miner: Address,
    locked: Amount,
    min_rate: Amount,
    url: String,
}

impl QuoteReport {
    pub(super) fn new(quote: &Quote, transactions: Vec<Step>, funds: Funds) -> Self {
        let (spec, schedule) = (quote.spec(), quote.schedule);
        let row = |miner: &kms_client::QuotedMiner| QuotedRow {
            miner: miner.miner,
            locked: miner.locked,
            min_rate: miner.min_rate,
            url: miner.url.clone(),
        };
        Self {
            dry_run: true,
            summary: summary(quote),
            label: spec.label.clone(),
            reader: spec.card.name().to_owned(),
            threshold: spec.threshold,
            rate: quote.rate,
            price: quote.price,
            periods: schedule.first.count_through(schedule.last),
            first_period: schedule.first,
            last_period: schedule.last,
            starts_at: schedule.starts_at,
            expires_at: schedule.expires_at,
            miners: quote.miners.iter().map(row).collect(),
            set_aside: quote.set_aside.clone(),
            transactions,
            balance: funds.tokens,
            gas_balance: funds.ether,
        }
    }
}

/// Summarises a quote in one line.
pub(super) fn summary(quote: &Quote) -> String {
    let (spec, schedule) = (quote.spec(), quote.schedule);
    let (label, reader, threshold) = (&spec.label, spec.card.name(), spec.threshold);
    let periods = schedule.first.count_through(schedule.last);
    let (n, rate, price) = (quote.miners.len(), quote.rate, quote.price);
    let (starts, expires) = (utc(schedule.starts_at), utc(schedule.expires_at));
    format!(
        "{label} to {reader}: {threshold} of {n} miners, {periods} periods at {rate} each: \
         {price}; from {starts} to {expires}"
    )
}

impl fmt::Display for QuoteReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)?;
        for QuotedRow {
            miner,
            locked,
            min_rate,
            url,
        } in &self.miners
        {
            write!(f, "\n  {miner}  {locked} locked, asks {min_rate}  {url}")?;
        }
        for step in &self.transactions {
            write!(f, "\n  {}", step_text(step))?;
        }
        write!(
            f,
            "\nthe account holds {} and {}",
            self.balance, self.gas_balance
        )?;
        if !self.set_aside.is_empty() {
            write!(f, "\ncannot serve this grant:")?;
            for reason in &self.set_aside {
                write!(f, "\n  {reason}")?;
            }
        }
        Ok(())
    }
}

/// The policy of a completed grant.
#[derive(Serialize)]
pub(super) struct GrantedReport {
    policy: PolicyId,
    tx_hash: B256,
    threshold: u8,
    miners: usize,
    first_period: Period,
    last_period: Period,
    delivered: Vec<Address>,
    pending: Vec<NodeFailure>,
}

impl From<&GrantReport> for GrantedReport {
    fn from(report: &GrantReport) -> Self {
        let terms = &report.terms;
        Self {
            policy: report.policy,
            tx_hash: report.tx_hash,
            threshold: terms.threshold,
            miners: terms.miners.len(),
            first_period: terms.first_period,
            last_period: terms.last_period,
            delivered: report.delivered.clone(),
            pending: report.pending.clone(),
        }
    }
}

impl fmt::Display for GrantedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            policy,
            first_period,
            last_period,
            miners,
            ..
        } = self;
        write!(
            f,
            "policy {policy}\nperiods {first_period} to {last_period}, "
        )?;
        write!(
            f,
            "{} of {miners} miners hold their kfrag",
            self.delivered.len()
        )?;
        self.pending
            .iter()
            .try_for_each(|reason| write!(f, "\n  {reason}"))
    }
}
