//! The simulation: a network that keeps a fraction of the supply locked, and four small miners in
//! it (shortest and full lock; spending the reward or restaking it) whose return is observed.
//! Pure; every reward is computed by `kms_protocol::reward`, in the token's smallest units.

use anyhow::{Context, Result, ensure};
use kms_chain::DeployParams;
use kms_protocol::reward::{self, ActiveMiner, RewardLedger};
use kms_protocol::{Address, Amount, Period};

/// Seconds of a year of 365 days, the unit of rates and half-lives.
pub(crate) const YEAR_SECONDS: u64 = 365 * 86_400;
/// Limit of periods of a simulation: some seconds of computing.
const PERIODS_MAX: u64 = 500_000;
/// An observed miner's stake at the start is the supply divided by this, negligible in the total.
const OBSERVED_DIVISOR: u128 = 1_000_000;

/// Addresses in the ledger, by lock (shortest, full): the network, then the observed miners.
const NETWORK: [Address; 2] = [Address([1; 20]), Address([2; 20])];
const EARNING: [Address; 2] = [Address([3; 20]), Address([4; 20])];
const RESTAKING: [Address; 2] = [Address([5; 20]), Address([6; 20])];

/// Whether the lock duration scales a miner's weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kappa {
    /// The weight is the locked tokens.
    Off,
    /// kappa = 0.5 + 0.5 * min(T, T1) / T1.
    On,
}

/// The inputs of a simulation.
pub(crate) struct Model {
    cap: Amount,
    initial_supply: Amount,
    decay: u64,
    warm_up: Amount,
    locked_percent: u32,
    row_count: u32,
    row_seconds: u64,
    pub(crate) kappa: Kappa,
    /// T1: shortest lock of full weight, in periods.
    pub(crate) full_lock: u32,
    /// Shortest lock, in periods.
    pub(crate) short_lock: u32,
    /// Length of a row of the table, in periods.
    pub(crate) periods_per_row: u64,
}

#[derive(Debug)]
pub(crate) struct Curve {
    pub(crate) rows: Vec<Row>,
    /// Periods until half of the reserve is emitted; `None` if the simulation ends before.
    pub(crate) half_life_periods: Option<f64>,
}

/// A row of the table: one year, or one half-life if that is shorter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// Number of the row, from 1.
    pub(crate) number: u32,
    /// Supply at the end of the row, in KMS.
    pub(crate) supply_kms: f64,
    /// Tokens emitted during the row, in KMS.
    pub(crate) emitted_kms: f64,
    /// Return of a miner with the shortest lock.
    pub(crate) short: Return,
    /// Return of a miner with a lock of full weight.
    pub(crate) full: Return,
}

/// A miner's gain during a row, as a fraction of its stake at the beginning of the row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Return {
    /// The miner spends its rewards, the stake stays constant.
    pub(crate) earned: f64,
    /// The miner restakes every reward at once.
    pub(crate) restaked: f64,
}

impl Row {
    /// Tokens emitted during the row, as a fraction of the supply at its beginning.
    pub(crate) fn growth(&self) -> f64 {
        self.emitted_kms / (self.supply_kms - self.emitted_kms)
    }
}

impl Model {
    /// Creates a network under `params` with `locked_percent` of the supply locked at any time.
    pub(crate) fn new(
        params: &DeployParams,
        locked_percent: u32,
        row_count: u32,
        kappa: Kappa,
    ) -> Result<Self> {
        ensure!(
            (1..=100).contains(&locked_percent),
            "the locked share must be 1 to 100 percent, not {locked_percent}"
        );
        ensure!(row_count > 0, "at least one year must be simulated");
        ensure!(
            params.initial_supply.0 >= OBSERVED_DIVISOR,
            "without an initial supply nobody has a stake"
        );
        ensure!(
            kappa == Kappa::Off || params.kappa_periods > 0,
            "kappa_periods must not be zero to switch kappa on"
        );
        let row_seconds = YEAR_SECONDS.min(params.half_life_seconds);
        let periods_per_row = row_seconds / u64::from(params.period_seconds);
        let periods = periods_per_row.saturating_mul(u64::from(row_count));
        ensure!(
            (1..=PERIODS_MAX).contains(&periods),
            "{periods} periods are too many to simulate; ask for fewer years"
        );
        Ok(Self {
            cap: params.cap,
            initial_supply: params.initial_supply,
            decay: reward::decay(params.half_life_seconds, params.period_seconds)?,
            warm_up: params.warm_up_locked,
            locked_percent,
            row_count,
            row_seconds,
            kappa,
            full_lock: params.kappa_periods.max(params.min_lock_periods),
            short_lock: params.min_lock_periods,
            periods_per_row,
        })
    }

    /// Name of a row: "year" or "half-life".
    pub(crate) fn row_name(&self) -> &'static str {
        if self.row_seconds == YEAR_SECONDS {
            "year"
        } else {
            "half-life"
        }
    }

    /// Plural of [`Model::row_name`].
    pub(crate) fn rows_name(&self) -> &'static str {
        if self.row_seconds == YEAR_SECONDS {
            "years"
        } else {
            "half-lives"
        }
    }

    pub(crate) fn rows(&self, periods: f64) -> f64 {
        periods / self.periods_per_row as f64
    }

    /// The factor kappa of the shortest lock.
    pub(crate) fn kappa_of_short(&self) -> f64 {
        let unit = Amount(u128::from(u64::MAX));
        self.weight(unit, self.short_lock)
            .map_or(f64::NAN, |weight| ratio(weight, unit))
    }

    /// The supply at the start and the cap, in KMS.
    pub(crate) fn bounds_kms(&self) -> (f64, f64) {
        (kms(self.initial_supply), kms(self.cap))
    }

    fn weight(&self, locked: Amount, lock_periods: u32) -> Result<Amount> {
        let kappa_periods = match self.kappa {
            Kappa::Off => 0,
            Kappa::On => self.full_lock,
        };
        Ok(reward::weight(locked, lock_periods, kappa_periods)?)
    }

    pub(crate) fn run(&self) -> Result<Curve> {
        let mut state = State::new(self)?;
        let mut rows = Vec::new();
        let mut half_life_periods = None;
        let half = Amount(state.ledger.reserve().0 / 2);
        for number in 1..=self.row_count {
            let begin = state.note();
            for _ in 0..self.periods_per_row {
                let before = state.ledger.reserve();
                state.step(self)?;
                let after = state.ledger.reserve();
                if after <= half && half_life_periods.is_none() {
                    let part = ratio(Amount(before.0 - half.0), Amount(before.0 - after.0));
                    half_life_periods = Some(f64::from(state.period.0 - 1) + part);
                }
            }
            rows.push(state.row(self, number, &begin)?);
        }
        Ok(Curve {
            rows,
            half_life_periods,
        })
    }
}

/// The state of a simulation. Index 0: shortest lock, 1: full lock.
struct State {
    ledger: RewardLedger,
    period: Period,
    /// Constant stake of an observed miner that spends its rewards.
    stake: Amount,
    earned: [Amount; 2],
    restaked: [Amount; 2],
}

/// The state at the beginning of a row.
struct Note {
    reserve: Amount,
    earned: [Amount; 2],
    restaked: [Amount; 2],
}

impl State {
    fn new(model: &Model) -> Result<Self> {
        let reserve = model
            .cap
            .checked_sub(model.initial_supply)
            .context("the initial supply is above the cap")?;
        let stake = Amount(model.initial_supply.0 / OBSERVED_DIVISOR);
        Ok(Self {
            ledger: RewardLedger::new(reserve, model.decay, model.warm_up),
            period: Period::NEVER,
            stake,
            earned: [Amount::ZERO; 2],
            restaked: [stake; 2],
        })
    }

    fn supply(&self, model: &Model) -> Amount {
        Amount(model.cap.0 - self.ledger.reserve().0)
    }

    /// Simulates one period, in which every miner is active and claims.
    fn step(&mut self, model: &Model) -> Result<()> {
        let locked = self.supply(model).0 / 100 * u128::from(model.locked_percent);
        let observed = 2 * self.stake.0 + self.restaked.iter().map(|stake| stake.0).sum::<u128>();
        let network = Amount(locked.saturating_sub(observed) / 2);
        let locks = [model.short_lock, model.full_lock];
        let mut active = Vec::new();
        for class in locks
            .into_iter()
            .zip(NETWORK)
            .zip(EARNING.into_iter().zip(RESTAKING))
            .zip(self.restaked)
        {
            let (((lock, network_miner), (earning, restaking)), restaked) = class;
            for (miner, locked) in [
                (network_miner, network),
                (earning, self.stake),
                (restaking, restaked),
            ] {
                let weight = model.weight(locked, lock)?;
                active.push(ActiveMiner {
                    miner,
                    weight,
                    locked,
                });
            }
        }
        self.period = self.period.checked_add(1).context("the last period")?;
        self.ledger.step(self.period, &active)?;
        for miner in NETWORK {
            self.ledger.claim(&miner)?;
        }
        for (miner, earned) in EARNING.iter().zip(&mut self.earned) {
            *earned = sum(*earned, self.ledger.claim(miner)?)?;
        }
        for (miner, stake) in RESTAKING.iter().zip(&mut self.restaked) {
            *stake = sum(*stake, self.ledger.claim(miner)?)?;
        }
        Ok(())
    }

    fn note(&self) -> Note {
        Note {
            reserve: self.ledger.reserve(),
            earned: self.earned,
            restaked: self.restaked,
        }
    }

    fn row(&self, model: &Model, number: u32, begin: &Note) -> Result<Row> {
        let gain = |now: Amount, then: Amount| now.checked_sub(then).context("a reward below zero");
        let [earned_short, earned_full] = self.earned;
        let [restaked_short, restaked_full] = self.restaked;
        let [begin_short, begin_full] = begin.earned;
        let [stake_short, stake_full] = begin.restaked;
        let emitted = gain(begin.reserve, self.ledger.reserve())?;
        Ok(Row {
            number,
            supply_kms: kms(self.supply(model)),
            emitted_kms: kms(emitted),
            short: Return {
                earned: ratio(gain(earned_short, begin_short)?, self.stake),
                restaked: ratio(gain(restaked_short, stake_short)?, stake_short),
            },
            full: Return {
                earned: ratio(gain(earned_full, begin_full)?, self.stake),
                restaked: ratio(gain(restaked_full, stake_full)?, stake_full),
            },
        })
    }
}

fn sum(a: Amount, b: Amount) -> Result<Amount> {
    a.checked_add(b).context("an amount beyond 128 bits")
}

/// Divides two amounts, with the 53 bits of a float, for tables and plots.
fn ratio(part: Amount, whole: Amount) -> f64 {
    part.0 as f64 / whole.0 as f64
}

fn kms(amount: Amount) -> f64 {
    amount.0 as f64 / 1e18
}

#[cfg(test)]
mod tests;
