//! The formulas against the contract's own values, and the ledger against a model from the
//! definition.

mod model;
mod vectors;

use super::*;

const FAULT_HALF_LIFE: Error = Error::Reward(RewardFault::HalfLife);

fn miner(byte: u8) -> Address {
    Address([byte; 20])
}

fn active(byte: u8, weight: u128, locked: u128) -> ActiveMiner {
    ActiveMiner {
        miner: miner(byte),
        weight: Amount(weight),
        locked: Amount(locked),
    }
}

fn fault(ledger: &mut RewardLedger, period: u32, rows: &[ActiveMiner], expected: RewardFault) {
    let before = format!("{ledger:?}");
    assert_eq!(
        ledger.step(Period(period), rows),
        Err(Error::Reward(expected))
    );
    assert_eq!(format!("{ledger:?}"), before);
}

#[test]
fn decay_is_the_contracts() {
    for (half_life, period, expected) in vectors::DECAY {
        assert_eq!(
            decay(*half_life, *period),
            Ok(*expected),
            "{half_life} {period}"
        );
    }
}

#[test]
fn decay_halves_the_reserve_in_a_half_life() {
    let decay = decay(730 * 86_400, 86_400).unwrap();
    let start = Amount::from_kms(1_000_000_000).unwrap();
    let end = (0..730).fold(start, |reserve, _| {
        reserve.saturating_sub(emission(reserve, decay))
    });
    let half = start.0 / 2;
    assert!(end.0.abs_diff(half) < half / 1_000_000_000_000_000, "{end}");
}

#[test]
fn refuses_half_lives_that_do_not_fit_the_period() {
    assert_eq!(decay(86_399, 86_400), Err(FAULT_HALF_LIFE));
    assert_eq!(decay(0, 86_400), Err(FAULT_HALF_LIFE));
    assert_eq!(decay(86_400, 0), Err(FAULT_HALF_LIFE));
    assert_eq!(decay(0, 0), Err(FAULT_HALF_LIFE));
    // The contract computes 0 here, and its constructor refuses that.
    assert_eq!(decay(u64::MAX, 1), Err(FAULT_HALF_LIFE));
}

#[test]
fn emission_is_the_contracts() {
    for (reserve, decay, expected) in vectors::EMISSION {
        assert_eq!(
            emission(Amount(*reserve), *decay),
            Amount(*expected),
            "{reserve} {decay}"
        );
    }
    assert_eq!(
        emission(Amount(u128::MAX), u64::MAX).0,
        u128::MAX - (1 << 64)
    );
}

#[test]
fn weight_is_the_contracts() {
    for (locked, term, kappa_periods, expected) in vectors::WEIGHT {
        let weight = weight(Amount(*locked), *term, *kappa_periods);
        assert_eq!(
            weight,
            Ok(Amount(*expected)),
            "{locked} {term} {kappa_periods}"
        );
    }
}

#[test]
fn weight_stops_growing_at_kappa_periods() {
    let locked = Amount(1_000);
    assert_eq!(weight(locked, 365, 365), Ok(locked));
    assert_eq!(weight(locked, u32::MAX, 365), Ok(locked));
    assert_eq!(weight(locked, 0, 365), Ok(Amount(500)));
    assert_eq!(weight(locked, 0, 0), Ok(locked));
    assert!(weight(Amount(u128::MAX), 1, u32::MAX).is_err());
}

#[test]
fn a_period_books_what_the_contract_books() {
    for (reserve, decay, locked, weight, index_step, emitted) in vectors::STEP {
        let mut ledger = RewardLedger::new(Amount(*reserve), *decay, Amount::ZERO);
        ledger
            .step(Period(1), &[active(1, *weight, *locked)])
            .unwrap();
        let mut index = [0; 32];
        index.copy_from_slice(ledger.index.to_be_bytes().as_ref());
        assert_eq!(
            num_bigint::BigUint::from_bytes_be(&index).to_string(),
            *index_step
        );
        assert_eq!(ledger.pool(), Amount(*emitted));
        assert_eq!(ledger.reserve(), Amount(reserve - emitted));
    }
}

#[test]
fn a_period_pays_in_proportion_to_what_is_locked() {
    let reserve = Amount::from_kms(1_000).unwrap();
    let mut ledger = RewardLedger::new(reserve, 1 << 63, Amount::ZERO);
    ledger
        .step(Period(1), &[active(1, 100, 100), active(2, 300, 300)])
        .unwrap();
    assert_eq!(
        ledger.reward_of(&miner(1)),
        Amount::from_kms(125).ok_or(FAULT_HALF_LIFE)
    );
    assert_eq!(
        ledger.reward_of(&miner(2)),
        Amount::from_kms(375).ok_or(FAULT_HALF_LIFE)
    );
    assert_eq!(ledger.reward_of(&miner(3)), Ok(Amount::ZERO));
    assert_eq!(ledger.reserve(), Amount::from_kms(500).unwrap());
}

/// One minimum stake alone in the first seven periods of the main network: 19.1 M KMS without a
/// warm-up, 2,880 KMS with one of a tenth of the initial supply.
#[test]
fn one_minimum_stake_alone_takes_its_part_of_the_threshold() {
    let kms = |kms| Amount::from_kms(kms).unwrap();
    let decay = decay(730 * 86_400, 86_400).unwrap();
    let locked = kms(15_000).0;
    let earned = |warm_up| {
        let mut ledger = RewardLedger::new(kms(2_890_000_000), decay, warm_up);
        for period in 1..=7 {
            ledger
                .step(Period(period), &[active(1, locked, locked)])
                .unwrap();
        }
        assert_eq!(
            ledger.reserve().0 + ledger.pool().0,
            kms(2_890_000_000).0,
            "the rest stays in the reserve"
        );
        ledger.reward_of(&miner(1)).unwrap()
    };
    assert!((kms(19_100_000)..kms(19_200_000)).contains(&earned(Amount::ZERO)));
    assert!((kms(2_879)..kms(2_880)).contains(&earned(kms(100_000_000))));
    assert_eq!(earned(Amount(locked)), earned(Amount::ZERO));
    assert!(earned(Amount(locked + 1)) < earned(Amount::ZERO));
}

#[test]
fn a_period_without_miners_emits_nothing() {
    let mut ledger = RewardLedger::new(Amount::KMS, 1 << 63, Amount::ZERO);
    ledger.step(Period(1), &[]).unwrap();
    ledger.step(Period(9), &[]).unwrap();
    assert_eq!(
        (ledger.reserve(), ledger.pool()),
        (Amount::KMS, Amount::ZERO)
    );
    assert_eq!(ledger.last_period(), Period(9));
}

#[test]
fn a_claim_pays_once() {
    let mut ledger = RewardLedger::new(Amount::KMS, 1 << 60, Amount::ZERO);
    ledger.step(Period(1), &[active(1, 5, 5)]).unwrap();
    let due = ledger.reward_of(&miner(1)).unwrap();
    assert_eq!(ledger.claim(&miner(1)), Ok(due));
    assert_eq!(ledger.claim(&miner(1)), Ok(Amount::ZERO));
    assert_eq!(ledger.claim(&miner(2)), Ok(Amount::ZERO));
}

#[test]
fn refuses_periods_out_of_order() {
    let mut ledger = RewardLedger::new(Amount::KMS, 1 << 60, Amount::ZERO);
    fault(&mut ledger, 0, &[], RewardFault::PeriodOrder);
    ledger.step(Period(5), &[]).unwrap();
    fault(&mut ledger, 5, &[], RewardFault::PeriodOrder);
    fault(&mut ledger, 4, &[active(1, 1, 1)], RewardFault::PeriodOrder);
    let late = ledger.reprice(&miner(1), Period(5));
    assert_eq!(late, Err(Error::Reward(RewardFault::PeriodOrder)));
}

#[test]
fn refuses_a_weight_above_locked_and_a_miner_twice() {
    let mut ledger = RewardLedger::new(Amount::KMS, 1 << 60, Amount::ZERO);
    fault(
        &mut ledger,
        1,
        &[active(1, 2, 1)],
        RewardFault::WeightAboveLocked,
    );
    fault(
        &mut ledger,
        1,
        &[active(1, 1, 1), active(1, 1, 1)],
        RewardFault::DuplicateMiner,
    );
    let huge = [active(1, u128::MAX, u128::MAX), active(2, 1, 1)];
    fault(&mut ledger, 1, &huge, RewardFault::Overflow);
}
