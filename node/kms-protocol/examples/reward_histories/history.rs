//! Random histories of a few miners and what they earn. A history holds the rules by which the
//! contracts accept an act, and a plain table of who is active when; the rewards are those of
//! `kms_protocol::reward`. The contract's bookkeeping is not repeated here.

use std::collections::BTreeMap;

use kms_protocol::reward::{ActiveMiner, RewardLedger, decay, weight};
use kms_protocol::{Address, Amount, Period, Result};
use serde_json::{Value, json};

use super::random::Random;

/// Parameters of the contract's test deployment (`test/base/KmsTest.sol`).
const RESERVE: Amount = Amount(2_890_000_000 * Amount::KMS.0);
const MIN_LOCKED: u128 = 15_000 * Amount::KMS.0;
const MOST_DEPOSITED: u128 = 20_000_000 * Amount::KMS.0;
const LOCK_PERIODS: (u32, u32) = (30, 1_460);
const HALF_LIFE_SECONDS: u64 = 2 * 365 * 86_400;
const PERIOD_SECONDS: u32 = 86_400;
const KAPPA_PERIODS: u32 = 365;
/// Thresholds of the warm-up in turn: none, some that the miners pass and fall back into, one that
/// they never reach.
const WARM_UPS_KMS: [u128; 4] = [0, 1_000_000, 10_000_000, 100_000_000];
/// Period in which every history begins.
const START: u32 = 10;

/// Longest lease of each pair of histories, one with kappa and one without.
const LEASES: [u32; 10] = [1, 2, 3, 5, 7, 7, 11, 16, 23, 30];
const ACTS: usize = 60;
const MINERS: usize = 3;

/// An act: its code, the miner, and two numbers. The codes are those of `RewardHistories.t.sol`.
type Act = (u8, usize, u128, u128);

/// Arguments: amount, periods of the lock.
const DEPOSIT: u8 = 0;
/// Argument: amount.
const UNBOND: u8 = 1;
/// Argument: 1 to begin, 0 to stop.
const WIND_DOWN: u8 = 2;
/// Argument: periods of the longer lock.
const EXTEND_LOCK: u8 = 3;
/// Argument: last period of the lease.
const CONFIRM: u8 = 4;
/// Result expected: the amount paid.
const CLAIM: u8 = 5;
/// Argument: number of periods.
const SKIP: u8 = 6;
/// Result expected: the amount claimable.
const WORTH: u8 = 7;
/// Results expected: weight, locked tokens of the current period.
const TOTALS: u8 = 8;
/// Results expected: reserve, pool.
const BOOKS: u8 = 9;

/// The locked tokens and the term (min(lock, kappa periods), 0 without kappa) of a lease.
type Price = (u128, u32);

#[derive(Default)]
struct Miner {
    locked: u128,
    lock_periods: u32,
    /// First period in which a wind-down frees the tokens; 0 for none.
    unlock: u32,
    price: Price,
    /// Last leased period.
    through: u32,
    /// Locked tokens and term of the lease by period, from the current one on.
    active: BTreeMap<u32, Price>,
}

struct History {
    random: Random,
    lease: u32,
    kappa: u32,
    now: u32,
    miners: Vec<Miner>,
    ledger: RewardLedger,
    acts: Vec<Act>,
}

/// Writes the whole file, one history per line.
///
/// # Errors
/// Those of the reward formula; none for these parameters.
pub(crate) fn file() -> Result<String> {
    let decay = decay(HALF_LIFE_SECONDS, PERIOD_SECONDS)?;
    let mut lines = Vec::new();
    for (seed, lease) in (1..).zip(LEASES) {
        for kappa in [0, KAPPA_PERIODS] {
            let turn = lines.len() % WARM_UPS_KMS.len();
            let warm_up = WARM_UPS_KMS.get(turn).copied().unwrap_or_default();
            let ledger = RewardLedger::new(RESERVE, decay, Amount(warm_up * Amount::KMS.0));
            let seed = 2 * seed + u64::from(kappa > 0);
            let history = History::new(seed, lease, kappa, ledger).run(warm_up)?;
            lines.push(history.to_string());
        }
    }
    let (reserve, decay) = (RESERVE.0.to_string(), decay.to_string());
    let head = json!({ "format": 1, "start": START, "reserve": reserve, "decay": decay });
    let head = head.to_string();
    let head = head.trim_end_matches('}');
    Ok(format!(
        "{head},\"histories\":[\n{}\n]}}\n",
        lines.join(",\n")
    ))
}

impl History {
    fn new(seed: u64, lease: u32, kappa: u32, ledger: RewardLedger) -> Self {
        Self {
            random: Random(seed),
            lease,
            kappa,
            now: START,
            miners: (0..MINERS).map(|_| Miner::default()).collect(),
            ledger,
            acts: Vec::new(),
        }
    }

    /// Runs the history; the contract is deployed with a warm-up of `warm_up` KMS.
    fn run(mut self, warm_up: u128) -> Result<Value> {
        for i in 0..MINERS {
            self.deposit(i);
        }
        while self.acts.len() < ACTS {
            let i = usize::try_from(self.random.next() % 3).unwrap_or_default();
            match self.random.between(0, 15) {
                0 | 1 => self.deposit(i),
                2 => self.unbond(i),
                3 => self.wind_down(i),
                4 => self.extend_lock(i),
                5..=9 => self.confirm(i)?,
                10 => self.claim(i)?,
                11 => self.worth(i)?,
                _ => self.skip()?,
            }
        }
        self.settle()?;
        let acts: Vec<Value> = self.acts.iter().flat_map(numbers).collect();
        let warm_up = (warm_up * Amount::KMS.0).to_string();
        let kappa = self.kappa > 0;
        Ok(json!({ "lease": self.lease, "kappa": kappa, "warmUp": warm_up, "acts": acts }))
    }

    /// Lets every lease end and claims all rewards.
    fn settle(&mut self) -> Result<()> {
        self.advance(self.lease + 1)?;
        for i in 0..MINERS {
            self.worth(i)?;
            self.claim(i)?;
            self.worth(i)?;
        }
        self.books();
        Ok(())
    }

    fn act(&mut self, code: u8, miner: usize, first: u128, second: u128) {
        self.acts.push((code, miner, first, second));
    }

    fn deposit(&mut self, i: usize) {
        let Some(miner) = self.miners.get_mut(i) else {
            return;
        };
        let (shortest, longest) = LOCK_PERIODS;
        let least = if miner.locked == 0 { MIN_LOCKED } else { 1 };
        let amount = self.random.amount(least, MOST_DEPOSITED);
        // Half of the locks are shorter than the lock of full weight.
        let longest = if self.random.one_in(2) {
            KAPPA_PERIODS
        } else {
            longest
        };
        let shortest = shortest.max(miner.lock_periods);
        let periods = self.random.between(shortest, longest.max(shortest));
        miner.locked += amount;
        miner.lock_periods = periods;
        miner.unlock = 0;
        self.act(DEPOSIT, i, amount, periods.into());
    }

    fn unbond(&mut self, i: usize) {
        let Some(miner) = self.miners.get_mut(i) else {
            return;
        };
        if miner.locked == 0 {
            return;
        }
        let amount = if miner.locked == MIN_LOCKED || self.random.one_in(4) {
            miner.locked
        } else {
            self.random.amount(1, (miner.locked - MIN_LOCKED).max(1))
        };
        miner.locked -= amount;
        if miner.locked == 0 {
            (miner.lock_periods, miner.unlock) = (0, 0);
        }
        self.act(UNBOND, i, amount, 0);
    }

    fn wind_down(&mut self, i: usize) {
        let now = self.now;
        let Some(miner) = self.miners.get_mut(i) else {
            return;
        };
        if miner.locked == 0 {
            return;
        }
        let begins = miner.unlock == 0;
        miner.unlock = if begins {
            now + 1 + miner.lock_periods
        } else {
            0
        };
        self.act(WIND_DOWN, i, begins.into(), 0);
    }

    fn extend_lock(&mut self, i: usize) {
        let Some(miner) = self.miners.get_mut(i) else {
            return;
        };
        let (_, longest) = LOCK_PERIODS;
        if miner.locked == 0 || miner.lock_periods == longest {
            return;
        }
        miner.lock_periods = self.random.between(miner.lock_periods + 1, longest);
        miner.unlock = 0;
        let periods = miner.lock_periods;
        self.act(EXTEND_LOCK, i, periods.into(), 0);
    }

    fn confirm(&mut self, i: usize) -> Result<()> {
        let (now, kappa) = (self.now, self.kappa);
        let Some(miner) = self.miners.get_mut(i) else {
            return Ok(());
        };
        let price = (miner.locked, miner.term(now, kappa));
        let mut last = now + self.lease;
        if miner.unlock != 0 {
            last = last.min(miner.unlock.saturating_sub(1));
        }
        let first = miner.through.max(now + 1);
        if miner.locked == 0 || first > last {
            return Ok(());
        }
        let through = self.random.between(first, last);
        let was_leased = miner.through >= now;
        if through == miner.through && price == miner.price {
            return Ok(());
        }
        if was_leased && price != miner.price {
            self.ledger.reprice(&address(i), Period(now))?;
        }
        miner
            .active
            .extend((now + 1..=through).map(|period| (period, price)));
        (miner.price, miner.through) = (price, through);
        self.act(CONFIRM, i, through.into(), 0);
        Ok(())
    }

    /// Claims; the contract refuses a claim of nothing, so that is no act.
    fn claim(&mut self, i: usize) -> Result<()> {
        if !self.ledger.reward_of(&address(i))?.is_zero() {
            let paid = self.ledger.claim(&address(i))?;
            self.act(CLAIM, i, paid.0, 0);
        }
        Ok(())
    }

    fn worth(&mut self, i: usize) -> Result<()> {
        let worth = self.ledger.reward_of(&address(i))?;
        self.act(WORTH, i, worth.0, 0);
        Ok(())
    }

    fn books(&mut self) {
        self.act(BOOKS, 0, self.ledger.reserve().0, self.ledger.pool().0);
    }

    /// Skips mostly one period, sometimes more than the longest lease, seldom so many that the
    /// contract jumps.
    fn skip(&mut self) -> Result<()> {
        let periods = match self.random.between(0, 11) {
            0 => self.lease + self.random.between(0, 3),
            1 => 100 + self.random.between(0, 2_000),
            2 | 3 => self.random.between(1, self.lease + 1),
            _ => 1,
        };
        self.advance(periods)
    }

    fn advance(&mut self, periods: u32) -> Result<()> {
        self.act(SKIP, 0, periods.into(), 0);
        for _ in 0..periods {
            let active = self.active_now()?;
            self.ledger.step(Period(self.now), &active)?;
            self.now += 1;
        }
        let active = self.active_now()?;
        let sum = |of: fn(&ActiveMiner) -> Amount| active.iter().map(|row| of(row).0).sum();
        let (weight, locked) = (sum(|row| row.weight), sum(|row| row.locked));
        self.act(TOTALS, 0, weight, locked);
        Ok(())
    }

    fn active_now(&self) -> Result<Vec<ActiveMiner>> {
        let numbered = self.miners.iter().enumerate();
        let leased = numbered.filter_map(|(i, miner)| Some((i, miner.active.get(&self.now)?)));
        leased
            .map(|(i, (locked, term))| {
                let locked = Amount(*locked);
                let weight = weight(locked, *term, self.kappa)?;
                Ok(ActiveMiner {
                    miner: address(i),
                    weight,
                    locked,
                })
            })
            .collect()
    }
}

impl Miner {
    fn term(&self, now: u32, kappa: u32) -> u32 {
        let left = match self.unlock {
            0 => self.lock_periods,
            unlock => unlock.saturating_sub(now),
        };
        left.min(kappa)
    }
}

fn address(i: usize) -> Address {
    Address([u8::try_from(i + 1).unwrap_or(u8::MAX); 20])
}

/// Writes small numbers as numbers, amounts as strings: JSON readers lose the low digits of large
/// numbers.
fn numbers(&(code, miner, first, second): &Act) -> [Value; 4] {
    let number = |value: u128| match u32::try_from(value) {
        Ok(small) => json!(small),
        Err(_) => json!(value.to_string()),
    };
    [json!(code), json!(miner), number(first), number(second)]
}
