//! The reward formula over the events of confirmations alone: which miner was active in which
//! period, at which weight, and the reward that each claim must have paid. Pure; `chain.rs` reads
//! the events.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use kms_chain::{ChainEvent, EventRecord};
use kms_protocol::reward::{ActiveMiner, RewardLedger};
use kms_protocol::{Address, Amount, Period, Terms};

pub(super) struct Dated {
    /// Period of the block's timestamp.
    pub(super) period: Period,
    pub(super) record: EventRecord,
}

/// The rewards of a miner: expected and claimed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Earned {
    /// Sum of the miner's claims, by the formula.
    pub(super) expected: Amount,
    /// Sum of the miner's claims, on chain.
    pub(super) claimed: Amount,
    pub(super) claims: u32,
}

#[derive(Clone, Copy)]
struct Lease {
    from: Period,
    through: Period,
    weight: Amount,
    locked: Amount,
}

/// The state after the events of the miners' activity.
pub(super) struct Replay {
    ledger: RewardLedger,
    leases: BTreeMap<Address, Vec<Lease>>,
    earned: BTreeMap<Address, Earned>,
}

impl Replay {
    /// Replays `events`, oldest first, in a ledger before period 1.
    pub(super) fn run(ledger: RewardLedger, events: &[Dated]) -> Result<Self> {
        let mut replay = Self {
            ledger,
            leases: BTreeMap::new(),
            earned: BTreeMap::new(),
        };
        for event in events {
            replay.book_through(event.period.saturating_sub(1))?;
            replay.apply(event)?;
        }
        Ok(replay)
    }

    /// The rewards of a miner so far.
    pub(super) fn earned(&self, miner: &Address) -> Earned {
        self.earned.get(miner).copied().unwrap_or_default()
    }

    /// Whether a lease of the miner covers the period.
    pub(super) fn is_active(&self, miner: &Address, period: Period) -> bool {
        self.lease_in(miner, period).is_some()
    }

    /// The refund of a policy that ends with the period `effective_last`: the rate for each
    /// period of the terms and each miner that was not active in it.
    pub(super) fn unearned(&self, terms: &Terms, effective_last: Period) -> Result<Amount> {
        let mut periods: u128 = 0;
        for miner in &terms.miners {
            let worked = (terms.first_period.0..=effective_last.0)
                .filter(|period| self.is_active(miner, Period(*period)))
                .count();
            periods += u128::from(terms.period_count()) - u128::try_from(worked)?;
        }
        terms
            .rate
            .checked_mul(periods)
            .context("a refund beyond 128 bits")
    }

    fn lease_in(&self, miner: &Address, period: Period) -> Option<Lease> {
        // A later confirmation replaces an earlier one from its first period on.
        let leases = self.leases.get(miner)?;
        let lease = leases.iter().rev().find(|lease| lease.from <= period)?;
        (period <= lease.through).then_some(*lease)
    }

    fn book_through(&mut self, last: Period) -> Result<()> {
        while self.ledger.last_period() < last {
            let period = self
                .ledger
                .last_period()
                .checked_add(1)
                .context("end of the clock")?;
            let active: Vec<ActiveMiner> = self
                .leases
                .keys()
                .filter_map(|miner| {
                    let lease = self.lease_in(miner, period)?;
                    let (weight, locked) = (lease.weight, lease.locked);
                    Some(ActiveMiner {
                        miner: *miner,
                        weight,
                        locked,
                    })
                })
                .collect();
            self.ledger.step(period, &active)?;
        }
        Ok(())
    }

    fn apply(&mut self, dated: &Dated) -> Result<()> {
        match &dated.record.event {
            ChainEvent::ActivityConfirmed {
                miner,
                from_period,
                through_period,
                weight,
                locked,
            } => {
                let (from, through) = (*from_period, *through_period);
                let new = Lease {
                    from,
                    through,
                    weight: *weight,
                    locked: *locked,
                };
                self.confirm(*miner, dated.period, new)
            }
            ChainEvent::RewardClaimed { miner, amount, .. } => self.claim(*miner, *amount),
            _ => Ok(()),
        }
    }

    fn confirm(&mut self, miner: Address, current: Period, new: Lease) -> Result<()> {
        ensure!(
            Some(new.from) == current.checked_add(1),
            "a lease that begins in {}",
            new.from
        );
        let old = self.lease_in(&miner, current);
        if old.is_some_and(|old| (old.weight, old.locked) != (new.weight, new.locked)) {
            self.ledger.reprice(&miner, current)?;
        }
        self.leases.entry(miner).or_default().push(new);
        Ok(())
    }

    fn claim(&mut self, miner: Address, amount: Amount) -> Result<()> {
        let expected = self.ledger.claim(&miner)?;
        let earned = self.earned.entry(miner).or_default();
        let add = |a: Amount, b: Amount| a.checked_add(b).context("rewards beyond 128 bits");
        earned.expected = add(earned.expected, expected)?;
        earned.claimed = add(earned.claimed, amount)?;
        earned.claims += 1;
        Ok(())
    }
}

/// The payments of a policy: fees to miners, refunds to the sponsor.
pub(super) struct Flows {
    /// Sum of the collected fees, by miner.
    pub(super) fees: BTreeMap<Address, Amount>,
    /// Sum of the refunds: at revocation, for periods without activity or before the delivery.
    pub(super) refunds: Amount,
    /// Last period before the delivery, by miner, where fees returned for such periods.
    pub(super) undelivered: BTreeMap<Address, Period>,
}

/// Sums the payments of one policy.
pub(super) fn flows(events: &[Dated], policy: kms_protocol::PolicyId) -> Result<Flows> {
    let mut flows = Flows {
        fees: BTreeMap::new(),
        refunds: Amount::ZERO,
        undelivered: BTreeMap::new(),
    };
    let mut seen = BTreeSet::new();
    for dated in events {
        ensure!(
            seen.insert((dated.record.block_number, dated.record.log_index)),
            "the chain reported an event twice"
        );
        if let ChainEvent::FeesReturned {
            policy_id,
            miner,
            through_period,
            ..
        } = &dated.record.event
            && *policy_id == policy
        {
            flows.undelivered.insert(*miner, *through_period);
        }
        match &dated.record.event {
            ChainEvent::FeesCollected {
                policy_id,
                miner,
                amount,
                ..
            } if *policy_id == policy => {
                let sum = flows.fees.entry(*miner).or_default();
                *sum = sum.checked_add(*amount).context("fees beyond 128 bits")?;
            }
            ChainEvent::PolicyRevoked {
                policy_id,
                refund: amount,
                ..
            }
            | ChainEvent::PolicyRefunded {
                policy_id, amount, ..
            }
            | ChainEvent::FeesReturned {
                policy_id, amount, ..
            } if *policy_id == policy => {
                flows.refunds = flows
                    .refunds
                    .checked_add(*amount)
                    .context("refunds beyond 128 bits")?;
            }
            _ => {}
        }
    }
    Ok(flows)
}

#[cfg(test)]
mod tests;
