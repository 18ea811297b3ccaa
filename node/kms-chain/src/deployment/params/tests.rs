use kms_protocol::{Address, Amount};
use proptest::prelude::*;

use super::{DeployParams, Genesis};
use crate::error::{ChainError, ParamProblem};

const LOCAL: &str = include_str!("../../../../../deployments/params/local.toml");
const MAINNET: &str = include_str!("../../../../../deployments/params/mainnet.toml");

#[test]
fn reads_the_files_of_the_repository() {
    let local = DeployParams::from_toml(LOCAL).unwrap();
    assert_eq!(local, DeployParams::local().unwrap());
    assert_eq!(
        (local.name.as_str(), local.genesis),
        ("local", Genesis::Now)
    );
    let mainnet = DeployParams::from_toml(MAINNET).unwrap();
    assert_eq!(mainnet.period_seconds, 86_400);
    assert_eq!(mainnet.max_lease_periods, 7);
    assert_eq!(mainnet.cap, Amount::from_kms(3_890_000_000).unwrap());
    assert_eq!(
        mainnet.initial_supply,
        Amount::from_kms(1_000_000_000).unwrap()
    );
}

#[test]
fn the_cap_of_the_mining_paper_follows_from_its_rate_and_half_life() {
    let mainnet = DeployParams::from_toml(MAINNET).unwrap();
    let years = mainnet.half_life_seconds as f64 / (365.0 * 86_400.0);
    let ratio = 1.0 + 1.0 * years / std::f64::consts::LN_2;
    assert!((ratio - mainnet.cap.0 as f64 / mainnet.initial_supply.0 as f64).abs() < 0.01);
}

fn replaced(key: &str, value: &str) -> String {
    let lines = LOCAL.lines().map(|line| match line.split_once(" = ") {
        Some((name, _)) if name == key => format!("{key} = {value}"),
        _ => line.to_owned(),
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    assert_ne!(text.trim(), LOCAL.trim(), "{key}");
    text
}

#[test]
fn refuses_unknown_and_missing_keys_and_bare_amounts() {
    let refused = |text: &str| {
        matches!(
            DeployParams::from_toml(text),
            Err(ChainError::ParamsSyntax(_))
        )
    };
    assert!(refused(&format!("{LOCAL}\nperiods_seconds = 6\n")));
    assert!(refused(&LOCAL.replace("period_seconds = 6", "")));
    for (key, value) in [
        ("cap", "100"),
        ("cap", "\"100\""),
        ("cap", "\"-1 KMS\""),
        ("cap", "\"1 ETH\""),
        ("min_locked", "\"0.0000000000000000001 KMS\""),
        ("warm_up_locked", "1000000"),
        ("period_seconds", "-1"),
        ("period_seconds", "4294967296"),
        ("period_seconds", "\"6\""),
        ("genesis", "\"today\""),
        ("genesis", "-1"),
        ("kappa_enabled", "1"),
    ] {
        assert!(refused(&replaced(key, value)), "{key} = {value}");
    }
}

fn check(key: &'static str, value: &str, expected: ParamProblem) {
    match DeployParams::from_toml(&replaced(key, value)) {
        Err(ChainError::Params { field, problem }) => {
            assert_eq!((field, problem), (key, expected), "{value}");
        }
        other => panic!("{key} = {value}: {other:?}"),
    }
}

#[test]
fn names_the_key_that_is_out_of_range() {
    use ParamProblem::{Above, Below, Name, Width, Zero};
    for name in ["\"\"", "\"Main\"", "\"a b\"", "\"a_b\"", "\"x\\u001b\""] {
        check("name", name, Name);
    }
    check("name", &format!("\"{}\"", "a".repeat(33)), Name);
    check("cap", "\"79228162515 KMS\"", Width);
    check("cap", "\"0 KMS\"", Zero);
    check("initial_supply", "\"38900001 KMS\"", Above("cap"));
    check("period_seconds", "0", Zero);
    check("min_locked", "\"0 KMS\"", Zero);
    check("min_locked", "\"38900001 KMS\"", Above("cap"));
    check("warm_up_locked", "\"38900001 KMS\"", Above("cap"));
    check("min_lock_periods", "0", Zero);
    check("max_lock_periods", "3", Below("min_lock_periods"));
    check("max_lease_periods", "0", Zero);
    check("max_lease_periods", "13", Above("64 and min_lock_periods"));
    check("half_life_seconds", "5", Below("period_seconds"));
    check("max_policy_periods", "0", Zero);
    check("max_policy_periods", "65535", Above("65534"));
    check("chain_id", "0", Zero);
}

#[test]
fn refuses_kappa_without_periods_and_the_zero_holder() {
    let text = replaced("kappa_enabled", "true").replace("kappa_periods = 20", "kappa_periods = 0");
    let result = DeployParams::from_toml(&text);
    assert!(
        matches!(
            result,
            Err(ChainError::Params {
                field: "kappa_periods",
                ..
            })
        ),
        "{result:?}"
    );
    let mut params = DeployParams::local().unwrap();
    params.initial_holder = Some(Address::ZERO);
    let result = params.validate();
    assert!(matches!(
        result,
        Err(ChainError::Params {
            field: "initial_holder",
            ..
        })
    ));
    params.initial_holder = None;
    params.half_life_seconds = u64::MAX;
    params.period_seconds = 1;
    let result = params.validate();
    assert!(matches!(
        result,
        Err(ChainError::Params {
            field: "half_life_seconds",
            ..
        })
    ));
}

type Change = fn(&mut DeployParams);
/// The key that must be named, and what is done to the local parameters.
const OUT_OF_BOUNDS: [(&str, Change); 32] = [
    ("control.timelock_delay_seconds", |p| {
        p.control.timelock_delay_seconds = 83
    }),
    ("control.proposers", |p| {
        p.control.proposers = vec![Address::ZERO]
    }),
    ("control.proposers", |p| {
        p.control.proposers = vec![Address([1; 20]); 2]
    }),
    ("control.executors", |p| {
        p.control.executors = vec![Address::ZERO; 2]
    }),
    ("control.guardian", |p| {
        p.control.guardian = Some(Address::ZERO)
    }),
    ("control.max_pause_periods", |p| {
        p.control.max_pause_periods = 0
    }),
    ("control.max_pause_periods", |p| {
        p.control.max_pause_periods = 12
    }),
    ("evidence_periods", |p| p.evidence_periods = 9),
    ("evidence_periods", |p| p.control.max_window_seconds = 37),
    ("evidence_periods", |p| p.control.max_pause_periods = 4),
    ("control.min_window_seconds", |p| {
        p.control.min_window_seconds = 0
    }),
    ("control.max_window_seconds", |p| {
        p.control.max_window_seconds = 5
    }),
    ("penalty.floor", |p| p.penalty.floor = Amount::ZERO),
    ("penalty.floor", |p| {
        p.penalty.floor.0 = p.min_locked.0 / 2 + 1
    }),
    ("penalty.share_bps", |p| p.penalty.share_bps = 3_001),
    ("penalty.history_bps", |p| p.penalty.history_bps = 10_001),
    ("penalty.cap_bps", |p| p.penalty.cap_bps = 5_001),
    ("penalty.cap_bps", |p| p.penalty.cap_bps = 999),
    ("penalty.network_cap_bps", |p| {
        p.penalty.network_cap_bps = 49
    }),
    ("penalty.network_cap_bps", |p| {
        p.penalty.network_cap_bps = 5_001
    }),
    ("penalty.reward_bps", |p| p.penalty.reward_bps = 5_000),
    ("penalty.suspension_periods", |p| {
        p.penalty.suspension_periods = 65
    }),
    ("penalty.grace_seconds", |p| p.penalty.grace_seconds = 59),
    ("penalty.grace_seconds", |p| {
        p.penalty.grace_seconds = 604_801
    }),
    ("penalty.reward_floor", |p| {
        p.penalty.reward_floor.0 = p.penalty.floor.0 / 10 + 1
    }),
    ("penalty.sponsor_bps", |p| p.penalty.sponsor_bps = 10_001),
    ("challenge.penalty_bonds", |p| {
        p.challenge.penalty_bonds = 10
    }),
    ("challenge.bond", |p| p.challenge.bond = Amount::ZERO),
    ("challenge.bond", |p| p.challenge.bond = Amount(u128::MAX)),
    ("challenge.window_seconds", |p| {
        p.challenge.window_seconds = 601
    }),
    ("challenge.distance_periods", |p| {
        p.challenge.distance_periods = 0
    }),
    ("challenge.distance_periods", |p| {
        p.challenge.distance_periods = 401
    }),
];

#[test]
fn names_the_power_that_is_out_of_bounds() {
    let refused = |change: fn(&mut DeployParams)| {
        let mut params = DeployParams::local().unwrap();
        change(&mut params);
        match params.validate() {
            Err(ChainError::Params { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    };
    let kms = |amount: u128| Amount(amount * 1_000_000_000_000_000_000);
    for (field, change) in OUT_OF_BOUNDS {
        assert_eq!(refused(change), field);
    }
    let mut params = DeployParams::local().unwrap();
    params.challenge.bond = Amount(kms(10).0 / 20 + 1);
    assert!(
        params.validate().is_err(),
        "silence above the least penalty"
    );
    params.challenge.bond = Amount(kms(10).0 / 20);
    params.penalty.floor = kms(9);
    params.penalty.reward_floor = Amount::ZERO;
    assert!(
        params.validate().is_err(),
        "a floor below the penalty of silence"
    );
    params.penalty.floor = kms(10);
    params.control.timelock_delay_seconds = 84;
    params.validate().unwrap();
}

proptest! {
    #[test]
    fn round_trips_as_json(
        cap in 1..1_u128 << 96, genesis in any::<u64>(),
        period_seconds in 1..u32::MAX,
        holder in any::<[u8; 20]>(),
    ) {
        let mut params = DeployParams::local().unwrap();
        params.cap = Amount(cap);
        params.genesis = Genesis::At(genesis);
        params.period_seconds = period_seconds;
        params.initial_holder = Some(Address(holder));
        let text = serde_json::to_string(&params).unwrap();
        prop_assert_eq!(serde_json::from_str::<DeployParams>(&text).unwrap(), params);
    }
}
