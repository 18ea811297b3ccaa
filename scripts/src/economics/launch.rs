//! The launch: what the first seven periods emit, and what one minimum stake earns in them, by how
//! much is locked. Below `warm_up_locked` a token earns the same whoever else is there.

use anyhow::{Context, Result};
use kms_chain::DeployParams;
use kms_protocol::reward::{self, ActiveMiner, RewardLedger};
use kms_protocol::{Address, Amount, Period};

/// Periods of the table: the longest lease of the main network.
const PERIODS: u32 = 7;

/// The first periods with a constant amount locked.
#[derive(Debug)]
pub(super) struct Launch {
    /// Locked in every period, the minimum stake included.
    pub(super) locked: Amount,
    /// What left the reserve.
    pub(super) emitted: Amount,
    /// What the minimum stake earned.
    pub(super) earned: Amount,
}

/// Simulates one minimum stake alone, among parts of the threshold, among all of it, and among
/// ten times as much, as far as the supply goes.
pub(super) fn table(params: &DeployParams) -> Result<Vec<Launch>> {
    let threshold = params.warm_up_locked.0;
    let mut locked = vec![params.min_locked.0];
    locked.extend([threshold / 100, threshold / 10, threshold, threshold * 10]);
    locked.retain(|locked| (params.min_locked.0..=params.initial_supply.0).contains(locked));
    locked.sort_unstable();
    locked.dedup();
    locked
        .into_iter()
        .map(|locked| launch(params, Amount(locked)))
        .collect()
}

fn launch(params: &DeployParams, locked: Amount) -> Result<Launch> {
    let reserve = params
        .cap
        .checked_sub(params.initial_supply)
        .context("the initial supply is above the cap")?;
    let decay = reward::decay(params.half_life_seconds, params.period_seconds)?;
    let mut ledger = RewardLedger::new(reserve, decay, params.warm_up_locked);
    let (observed, others) = (Address([1; 20]), Address([2; 20]));
    let active = |miner, locked| ActiveMiner {
        miner,
        weight: locked,
        locked,
    };
    let rest = Amount(locked.0 - params.min_locked.0);
    for period in 1..=PERIODS {
        let rows = [active(observed, params.min_locked), active(others, rest)];
        ledger.step(Period(period), &rows)?;
    }
    Ok(Launch {
        locked,
        emitted: ledger.pool(),
        earned: ledger.reward_of(&observed)?,
    })
}

/// Writes the table.
pub(super) fn lines(params: &DeployParams) -> Result<Vec<String>> {
    let mut lines = vec![
        String::new(),
        format!(
            "launch, the first {PERIODS} periods, with the whole emission from {} locked on",
            params.warm_up_locked
        ),
        format!(
            "{:>22}  {:>18}  {:>28}",
            "locked, KMS", "emitted, KMS", "earned by a minimum stake"
        ),
    ];
    let kms = |amount: Amount| amount.0 as f64 / 1e18;
    lines.extend(table(params)?.iter().map(|row| {
        format!(
            "{:>22.0}  {:>18.0}  {:>24.0} KMS",
            kms(row.locked),
            kms(row.emitted),
            kms(row.earned)
        )
    }));
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mainnet() -> DeployParams {
        let text = include_str!("../../../deployments/params/mainnet.toml");
        DeployParams::from_toml(text).unwrap()
    }

    fn kms(kms: u64) -> Amount {
        Amount::from_kms(kms).unwrap()
    }

    #[test]
    fn one_minimum_stake_alone_earns_less_than_a_fifth_of_itself() {
        let params = mainnet();
        let alone = launch(&params, params.min_locked).unwrap();
        assert!(
            (kms(2_879)..kms(2_880)).contains(&alone.earned),
            "{alone:?}"
        );
        assert!(alone.emitted.0 - alone.earned.0 < 10, "{alone:?}");
        assert!(alone.emitted.0 < params.initial_supply.0 / 300_000);
    }

    #[test]
    fn without_a_warm_up_it_earns_all_that_is_emitted() {
        let mut params = mainnet();
        params.warm_up_locked = Amount::ZERO;
        let alone = launch(&params, params.min_locked).unwrap();
        assert!(alone.earned > kms(19_100_000), "{alone:?}");
        assert_eq!(table(&params).unwrap().len(), 1, "no threshold, no parts");
    }

    #[test]
    fn from_the_threshold_on_the_emission_is_whole() {
        let mut params = mainnet();
        let at = |params: &DeployParams, locked| launch(params, kms(locked)).unwrap().emitted;
        let whole = at(&params, 100_000_000);
        assert_eq!(
            at(&params, 100_000_000).0 / 100,
            at(&params, 1_000_000_000).0 / 100
        );
        assert!(at(&params, 50_000_000).0 < whole.0 / 2 + whole.0 / 100);
        params.warm_up_locked = Amount::ZERO;
        assert_eq!(at(&params, 100_000_000), whole);
    }

    #[test]
    fn the_table_rises_with_what_is_locked() {
        for params in [mainnet(), DeployParams::local().unwrap()] {
            let rows = table(&params).unwrap();
            assert!(rows.len() >= 4, "{rows:?}");
            for pair in rows.windows(2) {
                assert!(pair[0].locked < pair[1].locked && pair[0].emitted <= pair[1].emitted);
                assert!(pair[0].earned.0 + 10 > pair[1].earned.0);
            }
            assert_eq!(lines(&params).unwrap().len(), rows.len() + 3);
        }
    }
}
