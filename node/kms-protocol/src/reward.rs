//! The reward formula: the same integers as `RewardMath.sol`, and a ledger that replays periods.
//!
//! reward_i = locked_i * R / sum(locked), in fixed point: miners are paid rounded down, emission is
//! booked rounded up. In the warm-up, while sum(locked) is below a threshold, the threshold stands
//! for it: the rest of R stays in the reserve. The ledger is written from the formula, not from the
//! contract, so that a test can compare the two to the last unit.

use core::ops::Range;
use std::collections::{BTreeMap, BTreeSet};

use k256::elliptic_curve::bigint::{CheckedAdd as _, CheckedSub as _, U256};

use crate::amount::Amount;
use crate::error::{Error, Result, RewardFault};
use crate::period::Period;
use crate::primitives::Address;

/// ln 2 in fixed point: floor(ln(2) * 2^128).
const LN2_X128: U256 = U256::from_u128(235_865_763_225_513_294_137_944_142_764_154_484_399);

/// Terms of the series in [`decay`]; the 41st is below 2^-180.
const DECAY_TERMS: u64 = 40;

/// Fraction bits of the index A (reward per unit of weight).
const INDEX_BITS: u32 = 96;

/// Computes decay = floor(2^64 * (1 - 2^(-period / half-life))), by the contract's series 1 - e^-x
/// = x - x^2/2! + x^3/3! - ..., x = ln 2 * period / half-life, in 128 fraction bits, every division
/// rounded down. Both in seconds, 0 < period <= half-life.
///
/// # Errors
/// [`Error::Reward`] when a period has no length, or the half-life is shorter than a period or so
/// long that nothing would ever be emitted; the contract refuses these too.
pub fn decay(half_life_seconds: u64, period_seconds: u32) -> Result<u64> {
    if period_seconds == 0 || half_life_seconds < u64::from(period_seconds) {
        return Err(Error::Reward(RewardFault::HalfLife));
    }
    let product = multiply(&LN2_X128, &U256::from(period_seconds))?;
    let y = divide_down(&product, &U256::from(half_life_seconds))?;
    let (mut term, mut sum) = (y, y);
    for k in 2..=DECAY_TERMS {
        term = divide_down(&multiply(&term, &y)?.shr_vartime(128), &U256::from(k))?;
        sum = if k % 2 == 0 {
            subtract(&sum, &term)?
        } else {
            add(&sum, &term)?
        };
    }
    match u64::try_from(to_u128(&sum.shr_vartime(64))?) {
        Ok(0) => Err(Error::Reward(RewardFault::HalfLife)),
        Ok(decay) => Ok(decay),
        Err(_) => Err(Error::Reward(RewardFault::Overflow)),
    }
}

/// Computes R = floor(reserve * decay / 2^64): the emission of a period when every weight equals
/// its locked tokens, after the warm-up.
pub fn emission(reserve: Amount, decay: u64) -> Amount {
    // With decay < 2^64: floor((high * 2^64 + low) * decay / 2^64), each product below 2^128.
    let (high, low) = (reserve.0 >> 64, reserve.0 & u128::from(u64::MAX));
    let decay = u128::from(decay);
    Amount((high * decay).saturating_add((low * decay) >> 64))
}

/// Computes the weight v = floor(locked * (T1 + min(T, T1)) / (2 * T1)), T = `lock_periods`, T1 =
/// `kappa_periods`. With T1 = 0 kappa is off, and the weight equals `locked`.
///
/// # Errors
/// [`Error::Reward`] when locked exceeds what 128-bit arithmetic can scale (no supply does).
pub fn weight(locked: Amount, lock_periods: u32, kappa_periods: u32) -> Result<Amount> {
    if kappa_periods == 0 {
        return Ok(locked);
    }
    let full = u128::from(kappa_periods);
    let term = u128::from(lock_periods.min(kappa_periods));
    let scaled = locked
        .checked_mul(full + term)
        .ok_or(Error::Reward(RewardFault::Overflow))?;
    Ok(Amount(scaled.0 / (2 * full)))
}

/// A miner that was active in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveMiner {
    /// Owner address, which earns the reward.
    pub miner: Address,
    /// Weight v of its lease, at most `locked`.
    pub weight: Amount,
    /// The locked tokens the weight was computed from.
    pub locked: Amount,
}

/// The rewards of a miner: of closed segments, and of the open one.
#[derive(Debug, Clone)]
struct Account {
    /// Sum of the rewards of closed segments, less what was claimed.
    owed: Amount,
    /// Weight of the open segment.
    weight: Amount,
    /// Index before the open segment, A_(a-1).
    start: U256,
    /// Last period of the open segment.
    last: Period,
    /// Index at the end of that period, A_b.
    end: U256,
}

/// Replays periods: emission, index, and every miner's exact claim.
///
/// The formula rounds down once per segment a..=b, floor(v * (A_b - A_(a-1)) / 2^96). A segment
/// is a run of consecutive periods of one miner at one price (locked tokens and lock). A claim
/// closes it after the completed periods. A confirmation at another price, made in period c for
/// c + 1 on, closes it after c - 1 and leaves c a segment of its own: see [`Self::reprice`].
#[derive(Debug, Clone)]
pub struct RewardLedger {
    reserve: Amount,
    pool: Amount,
    decay: u64,
    /// Threshold of the warm-up; zero for none.
    warm_up: Amount,
    index: U256,
    last: Period,
    accounts: BTreeMap<Address, Account>,
    /// The period in which a miner last confirmed at another price.
    repriced: BTreeMap<Address, Period>,
}

impl RewardLedger {
    /// Makes a ledger before its first period. `reserve`: tokens left to mint; `decay`: see
    /// [`decay`]; `warm_up`: locked tokens from which all of R is emitted, zero for no warm-up.
    pub const fn new(reserve: Amount, decay: u64, warm_up: Amount) -> Self {
        Self {
            reserve,
            pool: Amount::ZERO,
            decay,
            warm_up,
            index: U256::ZERO,
            last: Period::NEVER,
            accounts: BTreeMap::new(),
            repriced: BTreeMap::new(),
        }
    }

    /// Books one period with the miners active in it. Periods left out had none: they emit nothing.
    ///
    /// # Errors
    /// [`Error::Reward`]: periods not ascending, a miner twice, a weight above locked, an overflow.
    /// The ledger is unchanged then.
    pub fn step(&mut self, period: Period, active: &[ActiveMiner]) -> Result<()> {
        if period <= self.last {
            return Err(Error::Reward(RewardFault::PeriodOrder));
        }
        let (total_weight, total_locked) = totals(active)?;
        let before = self.index;
        let (after, emitted) = self.emit(total_weight, total_locked)?;
        let pool = self
            .pool
            .checked_add(emitted)
            .ok_or(Error::Reward(RewardFault::Overflow))?;
        let updated: Vec<(Address, Account)> = active
            .iter()
            .map(|row| Ok((row.miner, self.extend(row, period, before..after)?)))
            .collect::<Result<_>>()?;
        self.accounts.extend(updated);
        self.reserve = self.reserve.saturating_sub(emitted);
        self.pool = pool;
        self.index = after;
        self.last = period;
        Ok(())
    }

    /// Computes the index after a period with these totals, and what leaves the reserve: dA =
    /// floor(R * 2^96 / max(W, U)), U the threshold, E = ceil(V * dA / 2^96) <= R, because V <= W.
    fn emit(&self, total_weight: Amount, total_locked: Amount) -> Result<(U256, Amount)> {
        if total_locked.is_zero() {
            return Ok((self.index, Amount::ZERO));
        }
        let emission = U256::from(emission(self.reserve, self.decay).0);
        let scaled = multiply(&emission, &power_of_two(INDEX_BITS))?;
        let step = divide_down(&scaled, &U256::from(total_locked.max(self.warm_up).0))?;
        let exact = multiply(&U256::from(total_weight.0), &step)?;
        let rounded = add(&exact, &power_of_two(INDEX_BITS).wrapping_sub(&U256::ONE))?;
        let emitted = Amount(to_u128(&rounded.shr_vartime(INDEX_BITS))?);
        Ok((add(&self.index, &step)?, emitted))
    }

    /// Computes the account of an active miner after a period in which the index went from A_(p-1)
    /// to A_p.
    fn extend(&self, row: &ActiveMiner, period: Period, index: Range<U256>) -> Result<Account> {
        let opened = |owed| Account {
            owed,
            weight: row.weight,
            start: index.start,
            last: period,
            end: index.end,
        };
        let Some(account) = self.accounts.get(&row.miner) else {
            return Ok(opened(Amount::ZERO));
        };
        let follows = account.last.checked_add(1) == Some(period);
        let split = self.repriced.get(&row.miner) == Some(&account.last);
        if follows && !split && account.weight == row.weight {
            return Ok(Account {
                last: period,
                end: index.end,
                ..account.clone()
            });
        }
        Ok(opened(account.claimable()?))
    }

    /// Notes that `miner` confirmed at another price in `current`, the period now running, whose
    /// predecessors are all booked. Does nothing to a miner that is not active in `current`.
    ///
    /// # Errors
    /// [`Error::Reward`] if `current` is booked already, and on overflow.
    pub fn reprice(&mut self, miner: &Address, current: Period) -> Result<()> {
        if current <= self.last {
            return Err(Error::Reward(RewardFault::PeriodOrder));
        }
        if let Some(account) = self.accounts.get_mut(miner) {
            account.owed = account.claimable()?;
            account.start = account.end;
        }
        self.repriced.insert(*miner, current);
        Ok(())
    }

    /// Computes the amount that `miner` could claim now.
    ///
    /// # Errors
    /// [`Error::Reward`] on overflow.
    pub fn reward_of(&self, miner: &Address) -> Result<Amount> {
        self.accounts
            .get(miner)
            .map_or(Ok(Amount::ZERO), Account::claimable)
    }

    /// Pays `miner` everything claimable and closes its open segment there.
    ///
    /// # Errors
    /// [`Error::Reward`] on overflow; the ledger is unchanged then.
    pub fn claim(&mut self, miner: &Address) -> Result<Amount> {
        let Some(account) = self.accounts.get_mut(miner) else {
            return Ok(Amount::ZERO);
        };
        let paid = account.claimable()?;
        account.owed = Amount::ZERO;
        account.start = account.end;
        self.pool = self.pool.saturating_sub(paid);
        Ok(paid)
    }

    /// Tokens that are left to mint.
    pub const fn reserve(&self) -> Amount {
        self.reserve
    }

    /// Tokens emitted and not yet claimed; never below the sum of all claims.
    pub const fn pool(&self) -> Amount {
        self.pool
    }

    /// Last period that was booked.
    pub const fn last_period(&self) -> Period {
        self.last
    }
}

impl Account {
    /// Computes owed + floor(v * (A_b - A_(a-1)) / 2^96).
    fn claimable(&self) -> Result<Amount> {
        let difference = subtract(&self.end, &self.start)?;
        let product = multiply(&U256::from(self.weight.0), &difference)?;
        let open = Amount(to_u128(&product.shr_vartime(INDEX_BITS))?);
        self.owed
            .checked_add(open)
            .ok_or(Error::Reward(RewardFault::Overflow))
    }
}

/// Checks the rows and sums weights and locked tokens.
fn totals(active: &[ActiveMiner]) -> Result<(Amount, Amount)> {
    let mut seen = BTreeSet::new();
    let mut sums = (Amount::ZERO, Amount::ZERO);
    for row in active {
        if row.weight > row.locked {
            return Err(Error::Reward(RewardFault::WeightAboveLocked));
        }
        if !seen.insert(row.miner) {
            return Err(Error::Reward(RewardFault::DuplicateMiner));
        }
        sums = sums
            .0
            .checked_add(row.weight)
            .zip(sums.1.checked_add(row.locked))
            .ok_or(Error::Reward(RewardFault::Overflow))?;
    }
    Ok(sums)
}

fn power_of_two(exponent: u32) -> U256 {
    U256::ONE.shl_vartime(exponent)
}

fn add(a: &U256, b: &U256) -> Result<U256> {
    a.checked_add(b)
        .into_option()
        .ok_or(Error::Reward(RewardFault::Overflow))
}

fn subtract(a: &U256, b: &U256) -> Result<U256> {
    a.checked_sub(b)
        .into_option()
        .ok_or(Error::Reward(RewardFault::Overflow))
}

fn multiply(a: &U256, b: &U256) -> Result<U256> {
    a.checked_mul(b)
        .into_option()
        .ok_or(Error::Reward(RewardFault::Overflow))
}

fn divide_down(a: &U256, b: &U256) -> Result<U256> {
    a.checked_div(b)
        .into_option()
        .ok_or(Error::Reward(RewardFault::Overflow))
}

fn to_u128(value: &U256) -> Result<u128> {
    let bytes = value.to_be_bytes();
    match bytes.as_ref().split_first_chunk::<16>() {
        Some((high, low)) if *high == [0; 16] => low.try_into().ok().map(u128::from_be_bytes),
        _ => None,
    }
    .ok_or(Error::Reward(RewardFault::Overflow))
}

#[cfg(test)]
mod tests;
