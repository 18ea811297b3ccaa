//! Quotes, and policies from the grant to the receipts of their erased kfrags.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use kms_protocol::{Address, Amount, PolicyId};
use serde::Deserialize;
use serde_json::{Value, json as object};

use super::call::{Answer, Call, json};
use super::once::Once;
use super::problem::Problem;
use super::state::State;
use crate::error::{Error, Result};
use crate::home::HomeLock;
use crate::owner::{
    Extension, FeeLimit, GrantReport, GrantSpec, PolicyReport, Quote, QuotedMiner, Rate, Repeat,
    RevocationReport, Selection, Span, Spend, Start, Unwilling, WaitLimits,
};
use crate::ports::Scope;
use crate::progress::Silent;
use kms_core::label::Label;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantBody {
    label: String,
    to: Vec<String>,
    threshold: u8,
    shares: u8,
    periods: Option<u32>,
    seconds: Option<u64>,
    until: Option<u64>,
    start: Option<u64>,
    rate: Option<String>,
    max_fee: Option<String>,
    #[serde(default)]
    miners: Vec<Address>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RenewBody {
    until: u64,
    max_fee: Option<String>,
}

impl GrantBody {
    fn specs(&self, call: &Call) -> Result<Vec<GrantSpec>, Problem> {
        let span = match (self.periods, self.seconds, self.until) {
            (Some(periods), None, None) => Span::Periods(periods),
            (None, Some(seconds), None) => Span::Seconds(seconds),
            (None, None, Some(time)) => Span::Until(time),
            _ => {
                return Err(Problem::invalid(
                    "one of periods, seconds and until is needed",
                ));
            }
        };
        let rate = amount(self.rate.as_deref())?.map_or(Rate::Market, Rate::Offer);
        let max_fee = limit(self.max_fee.as_deref())?;
        let spec = |name: &String| {
            Ok(GrantSpec {
                label: Label::new(&self.label)?,
                card: call.state.home.card(name)?,
                threshold: self.threshold,
                shares: self.shares,
                start: self.start.map_or(Start::Now, Start::At),
                span,
                rate,
                max_fee,
                selection: match self.miners.is_empty() {
                    true => Selection::random()?,
                    false => Selection::Miners(self.miners.clone()),
                },
                repeat: Repeat::Refuse,
            })
        };
        if self.to.is_empty() {
            return Err(Problem::invalid("a grant needs a reader"));
        }
        let specs: Result<Vec<GrantSpec>> = self.to.iter().map(spec).collect();
        specs.map_err(|error| call.failed(error))
    }
}

fn amount(text: Option<&str>) -> Result<Option<Amount>, Problem> {
    let parsed = text.map(str::parse::<Amount>);
    parsed.transpose().map_err(Problem::invalid)
}

fn limit(text: Option<&str>) -> Result<FeeLimit, Problem> {
    Ok(amount(text)?.map_or(FeeLimit::AsQuoted, FeeLimit::AtMost))
}

pub(super) fn quote(mut call: Call) -> BoxFuture<'static, Answer> {
    async move {
        let (_, body): (_, GrantBody) = call.json().await?;
        let mut rows = Vec::new();
        for spec in body.specs(&call)? {
            let quote = call.state.owner().quote(&spec).await;
            rows.push(quote_row(&quote.map_err(|error| call.failed(error))?));
        }
        json(&object!({ "quotes": rows }))
    }
    .boxed()
}

fn quote_row(quote: &Quote) -> Value {
    object!({
        "label": quote.spec().label,
        "reader": quote.spec().card.name(),
        "rate": quote.rate,
        "price": quote.price,
        "first_period": quote.schedule.first,
        "last_period": quote.schedule.last,
        "starts_at": quote.schedule.starts_at,
        "expires_at": quote.schedule.expires_at,
        "miners": quote.miners.iter().map(miner_row).collect::<Vec<_>>(),
        "set_aside": quote.set_aside,
    })
}

fn miner_row(miner: &QuotedMiner) -> Value {
    object!({ "miner": miner.miner, "min_rate": miner.min_rate, "url": miner.url })
}

pub(super) fn grant(mut call: Call) -> BoxFuture<'static, Answer> {
    async move {
        let (bytes, body): (_, GrantBody) = call.json().await?;
        let _one = call.state.spending.lock().await;
        let once = Once::begin(&call, &bytes)?;
        if let Some(answer) = &once.answer {
            return json(answer);
        }
        let specs = body.specs(&call)?;
        let granted = grant_all(&call.state, &specs, once.is_again).await;
        let rows = granted.map_err(|error| call.failed(error))?;
        let answer = object!({ "policies": rows });
        once.done(&answer).map_err(|error| call.failed(error))?;
        json(&answer)
    }
    .boxed()
}

/// Grants to all; a grant of the same request that was interrupted goes on.
async fn grant_all(state: &State, specs: &[GrantSpec], is_again: bool) -> Result<Vec<Value>> {
    let owner = state.owner();
    let keys = state.keys()?;
    let lock = state.home.lock()?;
    let payer = state.payer(&lock)?;
    let spend = Spend {
        lock: &lock,
        pay: &payer,
    };
    let (mut rows, mut quotes) = (Vec::new(), Vec::new());
    for spec in specs {
        let quote = owner.quote(spec).await?;
        match owner.check_grant(&quote, keys).await {
            Ok(()) => quotes.push(quote),
            Err(Error::GrantUnfinished { policy, .. }) if is_again => {
                let resumed = owner.resume(policy, keys, spend, &Silent).await?;
                rows.push(granted_row(&resumed));
            }
            Err(Error::AlreadyGranted { policy, .. }) if is_again => {
                rows.push(object!({ "policy": policy }));
            }
            Err(error) => return Err(error),
        }
    }
    for report in owner.grant_all(quotes, keys, spend, &Silent).await? {
        rows.push(granted_row(&report?));
    }
    payer.acknowledge()?;
    Ok(rows)
}

fn granted_row(report: &GrantReport) -> Value {
    object!({
        "policy": report.policy,
        "tx_hash": report.tx_hash,
        "first_period": report.terms.first_period,
        "last_period": report.terms.last_period,
        "delivered": report.delivered,
        "pending": report.pending,
    })
}

pub(super) fn list(call: Call) -> BoxFuture<'static, Answer> {
    async move {
        let reports = call.state.owner().policies().await;
        let reports = reports.map_err(|error| call.failed(error))?;
        let rows: Vec<Value> = reports.iter().map(policy_row).collect();
        json(&object!({ "policies": rows }))
    }
    .boxed()
}

pub(super) fn policy_row(report: &PolicyReport) -> Value {
    object!({
        "policy": report.policy,
        "label": report.label,
        "reader": report.reader,
        "standing": report.standing.name(),
        "threshold": report.terms.threshold,
        "miners": report.terms.miners,
        "rate": report.terms.rate,
        "price": report.price,
        "first_period": report.terms.first_period,
        "effective_last": report.effective_last,
        "starts_at": report.starts_at,
        "expires_at": report.expires_at,
    })
}

fn policy_of(call: &Call) -> Result<PolicyId, Problem> {
    let id = call.id.as_deref().unwrap_or_default();
    id.parse().map_err(Problem::invalid)
}

pub(super) fn renew(mut call: Call) -> BoxFuture<'static, Answer> {
    async move {
        let policy = policy_of(&call)?;
        let (bytes, body): (_, RenewBody) = call.json().await?;
        let max_fee = limit(body.max_fee.as_deref())?;
        let _one = call.state.spending.lock().await;
        let once = Once::begin(&call, &bytes)?;
        if let Some(answer) = &once.answer {
            return json(answer);
        }
        let extension = Extension {
            span: Span::Until(body.until),
            max_fee,
            unwilling: Unwilling::Refuse,
        };
        let renewed = renew_once(&call.state, policy, extension, once.is_again).await;
        let answer = renewed.map_err(|error| call.failed(error))?;
        once.done(&answer).map_err(|error| call.failed(error))?;
        json(&answer)
    }
    .boxed()
}

async fn renew_once(
    state: &State,
    policy: PolicyId,
    extension: Extension,
    is_again: bool,
) -> Result<Value> {
    let owner = state.owner();
    let lock: HomeLock = state.home.lock()?;
    let payer = state.payer(&lock)?;
    let plan = match owner.plan_renewal(policy, extension).await {
        // An interrupted run has paid for it.
        Err(Error::SpecInvalid { field: "until", .. }) if is_again => {
            return Ok(object!({ "policy": policy }));
        }
        plan => plan?,
    };
    let spend = Spend {
        lock: &lock,
        pay: &payer,
    };
    let report = owner.renew(&plan, spend, &Silent).await?;
    payer.acknowledge()?;
    Ok(object!(report))
}

pub(super) fn revoke(call: Call) -> BoxFuture<'static, Answer> {
    async move {
        let policy = policy_of(&call)?;
        let wait = match call.query("wait")? {
            None => 60,
            Some(text) => text.parse::<u64>().map_err(Problem::invalid)?.min(3_600),
        };
        let _one = call.state.spending.lock().await;
        let once = Once::begin(&call, &[])?;
        if let Some(answer) = &once.answer {
            return json(answer);
        }
        let revoked = revoke_once(&call.state, policy, wait).await;
        let report = revoked.map_err(|error| call.failed(error))?;
        let answer = revoked_row(&report);
        once.done(&answer).map_err(|error| call.failed(error))?;
        json(&answer)
    }
    .boxed()
}

async fn revoke_once(state: &State, policy: PolicyId, wait: u64) -> Result<RevocationReport> {
    let limits = WaitLimits {
        revoke_ms: wait.saturating_mul(1_000),
        ..WaitLimits::default()
    };
    let owner = state.owner().with_limits(limits);
    let lock = state.home.lock()?;
    let payer = state.payer(&lock)?;
    let spend = Spend {
        lock: &lock,
        pay: &payer,
    };
    let plan = owner.plan_revocation(&[policy], Scope::Policy).await?;
    let mut reports = owner.revoke(&plan, spend, &Silent).await?;
    payer.acknowledge()?;
    reports.pop().ok_or(Error::Bug("one policy has one report"))
}

fn revoked_row(report: &RevocationReport) -> Value {
    object!({
        "policy": report.policy,
        "tx_hash": report.tx_hash,
        "refund": report.refund,
        "effective_last": report.effective_last,
        "refusing": report.refusing,
        "erased": report.erased,
        "pending": report.pending,
    })
}
