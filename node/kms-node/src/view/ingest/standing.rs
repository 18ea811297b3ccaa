//! From facts to the standing of the miner, and the kinds of facts that say more than the newest
//! value. `facts` makes them of events.

use std::collections::HashMap;

use kms_protocol::{Amount, Period};

use crate::store::{Result, StoreError};
use crate::view::snapshot::MinerView;

/// First and last period of a confirmation.
pub(super) const LEASE: &str = "lease";
/// End of the lease and last period of a suspension.
pub(super) const SUSPENSION: &str = "suspension";
/// Tokens locked after a change.
pub(super) const LOCKED: &str = "locked";
/// Tokens in the unbonding tranche after a change, and the period that frees them.
pub(super) const UNBONDING: &str = "unbonding";
pub(super) const RELEASE: &str = "release_period";
/// What left the escrow, and what is locked after that.
pub(super) const WITHDRAWN: &str = "withdrawn";
/// The amounts of one claim and of one collection.
pub(super) const CLAIMED: &str = "claimed";
pub(super) const COLLECTED: &str = "collected";

/// Makes the standing of the miner from all facts, oldest first: those of the kinds above in turn,
/// of each other kind the newest.
pub(super) fn miner_view(facts: &[(String, String)]) -> Result<MinerView> {
    let newest: HashMap<&str, &str> = facts
        .iter()
        .map(|(kind, value)| (kind.as_str(), value.as_str()))
        .collect();
    let mut view = newest_view(&newest)?;
    for (kind, value) in facts {
        match kind.as_str() {
            LEASE => {
                let (from, through) = two(value)?;
                view.lease(Period(from), Period(through));
            }
            SUSPENSION => {
                let (end, through) = two(value)?;
                view.suspend(Period(end), Period(through));
            }
            LOCKED => view.locked = amount(value)?,
            UNBONDING => view.unbonding = amount(value)?,
            RELEASE => view.release_period = Period(number(value)?),
            WITHDRAWN => {
                let (left, locked) = two(value)?;
                view.withdraw(Amount(left), Amount(locked));
            }
            CLAIMED => view.claimed = sum(view.claimed, amount(value)?),
            COLLECTED => view.collected = sum(view.collected, amount(value)?),
            _ => {}
        }
    }
    Ok(view)
}

fn sum(a: Amount, b: Amount) -> Amount {
    Amount(a.0.saturating_add(b.0))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| StoreError::Corrupt {
        what: format!("a number {text:?}"),
    })
}

fn amount(text: &str) -> Result<Amount> {
    number(text).map(Amount)
}

fn two<T: std::str::FromStr>(text: &str) -> Result<(T, T)> {
    let (first, last) = text.split_once(' ').ok_or_else(|| StoreError::Corrupt {
        what: format!("two numbers {text:?}"),
    })?;
    Ok((number(first)?, number(last)?))
}

/// Parses the standing but for what is told in turn.
fn newest_view(facts: &HashMap<&str, &str>) -> Result<MinerView> {
    fn get<T: std::str::FromStr + Default>(
        facts: &HashMap<&str, &str>,
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
        min_rate: Amount(get(facts, "min_rate")?),
        lock_periods: get(facts, "lock_periods")?,
        unlock_period: Period(get(facts, "unlock_period")?),
        ..MinerView::default()
    })
}
