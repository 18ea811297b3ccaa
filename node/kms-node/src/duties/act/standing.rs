//! What keeps the miner from earning, or will: the checks of `/earnz` that the duties know of.

use kms_protocol::Wei;

use super::{Result, Sender};
use crate::chain::NodeChain;
use crate::duties::books::Purse;
use crate::host::health::Concern;
use crate::store::intent::Intent;
use crate::view::snapshot::Snapshot;

/// Gas that a node spends in a period at most: alone, as `kms-scripts gas` measures it.
const GAS_PER_PERIOD: u32 = 30_000;
/// Days for which the worker's ether should last.
const DAYS_WANTED: f64 = 7.0;
/// Gas that the worker's ether should buy at least: more than the limit of any confirmation.
const LEAST_GAS: f64 = 400_000.0;
const DAY_SECONDS: f64 = 86_400.0;
/// Periods after which an open transaction is worth a look.
const OLD_PERIODS: u32 = 1;

impl<C: NodeChain> Sender<C> {
    /// Sets the checks that follow from the standing on chain and the open transactions.
    pub(super) fn report_standing(&self, snapshot: &Snapshot, open: &[Intent]) {
        let (health, miner, period) = (&self.node.health, &snapshot.miner, snapshot.period);
        let worker = self.wishes.worker;
        let bonded = miner.worker == Some(worker);
        let problem = (!bonded)
            .then(|| format!("bond the worker {worker} with the owner's key: kms worker bond"));
        health.set("worker_bonded", Concern::Earning, problem);
        let late = self.is_lease_late(snapshot);
        let problem = late.then(|| format!("no lease for the period after {period}"));
        health.set("next_period_leased", Concern::Earning, problem);
        let through = miner.suspended_through;
        let suspended = !through.is_never() && period <= through;
        let problem = suspended.then(|| {
            format!(
                "convicted of an offence, or a challenge was not answered: no reward and no lease \
                 through period {through}; confirmed again by itself after that"
            )
        });
        health.set("not_suspended", Concern::Earning, problem);
        let unlock = miner.unlock_period;
        let problem = match miner.locked.is_zero() {
            true => Some("nothing is locked".to_owned()),
            false => (!unlock.is_never()).then(|| {
                let left = unlock.0.saturating_sub(period.0);
                format!("the stake winds down: free from period {unlock}, {left} periods left")
            }),
        };
        health.set("stake_locked", Concern::Earning, problem);
        let problem = snapshot.challenges.first().map(|challenge| {
            let (policy, deadline) = (challenge.policy, challenge.deadline);
            format!("a challenge of policy {policy} is open until {deadline} of chain time")
        });
        health.set("no_challenge", Concern::Earning, problem);
        let mut old = open
            .iter()
            .filter(|intent| period.0.saturating_sub(intent.period) > OLD_PERIODS);
        let problem = old
            .next()
            .map(|intent| format!("{} is open since period {}", intent.kind, intent.period));
        health.set("transaction_age", Concern::Earning, problem);
    }

    /// Whether the next period should have been leased by now: the present one is not, or is half
    /// over.
    fn is_lease_late(&self, snapshot: &Snapshot) -> bool {
        let (through, period) = (snapshot.miner.lease_through, snapshot.period);
        let half = u64::from(self.clock.period_seconds / 2);
        let start = self.clock.start_of(period).unwrap_or(0);
        let half_over = snapshot.head.timestamp >= start.saturating_add(half);
        through < period || (through == period && half_over)
    }

    /// Tells for how many days the worker's ether lasts at this price of gas, and whether it is
    /// enough for that and for what the last tick could not send.
    pub(super) async fn report_balance(&self, gas_price: Wei) -> Result<Purse> {
        let worker = self.wishes.worker;
        let balance = self.chain.eth_balance(worker).await?;
        let per_day =
            f64::from(GAS_PER_PERIOD) * DAY_SECONDS / f64::from(self.clock.period_seconds.max(1));
        let gas = balance.0 / gas_price.0.max(1);
        let gas = u32::try_from(gas / 1_000).map_or(f64::from(u32::MAX), f64::from) * 1_000.0;
        let days = gas / per_day;
        self.node.metrics.days_left.set(days);
        let wanted = (DAYS_WANTED * per_day).max(LEAST_GAS);
        let short_of = self.short_of.filter(|needed| balance < *needed);
        let problem = match short_of {
            Some(needed) => Some(format!(
                "worker {worker} has {balance}, and needs {needed} now"
            )),
            None => (gas < wanted).then(|| {
                let wanted = wanted / per_day;
                format!("worker {worker} has {balance}, gas for {days:.1} days of {wanted:.1}")
            }),
        };
        let health = &self.node.health;
        health.set("worker_balance", Concern::Earning, problem);
        Ok(Purse {
            balance,
            gas_price,
            days,
        })
    }
}
