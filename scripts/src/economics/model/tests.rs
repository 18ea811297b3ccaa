//! The closed forms of supply and return: with kappa* the mean kappa of the network and lambda the
//! locked part of the supply, S(t) = cap - (cap - S0) * 2^(-kappa* t / T_half); a miner that spends
//! its rewards gets kappa / (kappa* lambda) * ln(S/S0), one that restakes them
//! (S/S0)^(kappa / (kappa* lambda)) - 1.

use kms_chain::DeployParams;
use kms_protocol::Amount;

use super::{Curve, Kappa, Model};

const MAINNET: &str = include_str!("../../../../deployments/params/mainnet.toml");

fn mainnet() -> DeployParams {
    DeployParams::from_toml(MAINNET).unwrap()
}

/// Parameters with the cap S0 * (1 + i0 * T_half / ln 2), i0 = 1 a year and T_half = 2 years.
fn paper() -> DeployParams {
    let mut params = mainnet();
    params.cap = Amount(params.initial_supply.0 / 1_000_000_000 * 3_885_390_082);
    let ratio = params.cap.0 as f64 / params.initial_supply.0 as f64;
    near(ratio, 1.0 + 2.0 / std::f64::consts::LN_2, 1e-8);
    params
}

fn curve(params: &DeployParams, kappa: Kappa, years: u32) -> (Model, Curve) {
    let model = Model::new(params, 60, years, kappa).unwrap();
    let curve = model.run().unwrap();
    (model, curve)
}

fn near(value: f64, expected: f64, tolerance: f64) {
    assert!(
        (value - expected).abs() <= tolerance,
        "{value} is not {expected} within {tolerance}"
    );
}

#[test]
fn the_first_year_returns_what_the_mining_paper_says() {
    let (_, curve) = curve(&paper(), Kappa::Off, 1);
    let year = curve.rows[0].full;
    near(year.earned, 1.021, 0.002);
    near(year.restaked, 1.775, 0.003);
}

#[test]
fn emission_begins_at_a_hundred_percent_a_year() {
    let params = paper();
    let model = Model::new(&params, 60, 1, Kappa::Off).unwrap();
    let mut state = super::State::new(&model).unwrap();
    let reserve = state.ledger.reserve();
    state.step(&model).unwrap();
    let emitted = (reserve.0 - state.ledger.reserve().0) as f64;
    near(365.0 * emitted / params.initial_supply.0 as f64, 1.0, 0.001);
}

#[test]
fn every_year_follows_the_closed_form() {
    for kappa in [Kappa::Off, Kappa::On] {
        let params = mainnet();
        let (model, curve) = curve(&params, kappa, 10);
        let short = model.kappa_of_short();
        let mean = (short + 1.0) / 2.0;
        let (start, cap) = model.bounds_kms();
        let supply = |year: f64| cap - (cap - start) * (-mean * year / 2.0).exp2();
        for row in &curve.rows {
            let year = f64::from(row.number);
            near(row.supply_kms / supply(year), 1.0, 0.001);
            let growth = (supply(year) / supply(year - 1.0)).ln();
            for (of, kappa) in [(row.full, 1.0), (row.short, short)] {
                let power = kappa / (mean * 0.6);
                near(of.earned, power * growth, 0.003);
                near(of.restaked, (power * growth).exp() - 1.0, 0.006);
            }
        }
    }
}

#[test]
fn half_of_the_reserve_is_emitted_after_the_half_life() {
    let (_, curve) = curve(&mainnet(), Kappa::Off, 3);
    near(curve.half_life_periods.unwrap(), 730.0, 0.01);
    let local = DeployParams::local().unwrap();
    let model = Model::new(&local, 60, 2, Kappa::Off).unwrap();
    assert_eq!(model.row_name(), "half-life");
    near(model.run().unwrap().half_life_periods.unwrap(), 300.0, 0.01);
}

#[test]
fn the_half_life_comes_from_seconds_not_from_periods() {
    let mut weekly = mainnet();
    weekly.period_seconds *= 7;
    let model = Model::new(&weekly, 60, 3, Kappa::Off).unwrap();
    let weeks = model.run().unwrap().half_life_periods.unwrap();
    near(weeks * 7.0, 730.0, 0.01);
}

#[test]
fn kappa_holds_back_what_short_locks_do_not_earn() {
    let (model, on) = curve(&mainnet(), Kappa::On, 4);
    let (_, off) = curve(&mainnet(), Kappa::Off, 4);
    // One month of twelve: 0.5 + 0.5 / 12.
    near(model.kappa_of_short(), 0.541, 0.001);
    for (with, without) in on.rows.iter().zip(&off.rows) {
        assert!(with.supply_kms < without.supply_kms, "{with:?}");
        near(with.short.earned / with.full.earned, 0.541, 0.001);
    }
    let slower = on.half_life_periods.unwrap() / off.half_life_periods.unwrap();
    near(slower, 2.0 / 1.541, 0.002);
}

#[test]
fn without_kappa_the_lock_duration_is_all_the_same() {
    let (_, curve) = curve(&mainnet(), Kappa::Off, 2);
    for row in &curve.rows {
        near(row.short.earned, row.full.earned, 1e-9);
        near(row.short.restaked, row.full.restaked, 1e-9);
    }
}

#[test]
fn the_supply_never_reaches_the_cap() {
    let (model, curve) = curve(&mainnet(), Kappa::Off, 40);
    let (_, cap) = model.bounds_kms();
    assert!(curve.rows.iter().all(|row| row.supply_kms < cap));
    assert!(
        curve
            .rows
            .windows(2)
            .all(|w| w[1].emitted_kms < w[0].emitted_kms)
    );
}

#[test]
fn says_when_half_of_the_reserve_is_not_reached() {
    let (_, curve) = curve(&mainnet(), Kappa::Off, 1);
    assert_eq!(curve.half_life_periods, None);
}

fn refused(change: impl FnOnce(&mut DeployParams), percent: u32, years: u32) -> String {
    let mut params = mainnet();
    change(&mut params);
    match Model::new(&params, percent, years, Kappa::On) {
        Ok(_) => panic!("accepted"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn refuses_what_cannot_be_simulated() {
    assert!(refused(|_| {}, 0, 1).contains("1 to 100 percent"));
    assert!(refused(|_| {}, 101, 1).contains("1 to 100 percent"));
    assert!(refused(|_| {}, 60, 0).contains("at least one year"));
    assert!(refused(|_| {}, 60, u32::MAX).contains("too many"));
    assert!(refused(|p| p.period_seconds = 1, 60, 1).contains("too many"));
    assert!(refused(|p| p.initial_supply = Amount(1), 60, 1).contains("nobody has a stake"));
    assert!(refused(|p| p.kappa_periods = 0, 60, 1).contains("kappa_periods"));
    assert!(refused(|p| p.half_life_seconds = 1, 60, 1).contains("too many"));
}
