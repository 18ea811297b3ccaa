use kms_chain::DeployParams;

use super::{duration, lines};

fn shown(text: &str) -> Vec<String> {
    lines(&DeployParams::from_toml(text).unwrap()).unwrap()
}

const LOCAL: &str = include_str!("../../../deployments/params/local.toml");
const MAINNET: &str = include_str!("../../../deployments/params/mainnet.toml");

#[test]
fn every_number_has_its_unit() {
    let lines = shown(MAINNET);
    for expected in [
        "period_seconds                   86400 s = 1.0 days",
        "min_lock_periods                 30 periods = 30.0 days",
        "penalty.share_bps                500 basis points = 5.00 %",
        "penalty.grace_seconds            3600 s = 1.0 hours",
        "challenge.bond                   7 KMS",
        "challenge.penalty_bonds          20 bonds",
        "reserve                          2890000000 KMS",
        "warm_up_locked                   100000000 KMS",
    ] {
        assert!(
            lines.contains(&expected.to_owned()),
            "{expected}: {lines:#?}"
        );
    }
    let bare = |line: &&String| {
        let value = line.split_whitespace().nth(1).unwrap_or_default();
        line.split_whitespace().count() == 2 && value.parse::<u64>().is_ok()
    };
    let bare: Vec<&String> = lines.iter().filter(bare).collect();
    assert_eq!(bare.len(), 1, "only the chain's id has no unit: {bare:?}");
}

#[test]
fn says_which_powers_are_not_given() {
    let missing = |text: &str| {
        shown(text)
            .iter()
            .filter(|l| l.contains("not given"))
            .count()
    };
    assert_eq!((missing(LOCAL), missing(MAINNET)), (3, 3));
    let guardian = "[control]\nguardian = \"0x00000000000000000000000000000000000000a1\"";
    assert_eq!(missing(&MAINNET.replace("[control]", guardian)), 2);
}

#[test]
fn durations_are_in_the_largest_unit_that_fits() {
    assert_eq!(duration(59), "59 s");
    assert_eq!(duration(90), "1.5 minutes");
    assert_eq!(duration(7_200), "2.0 hours");
    assert_eq!(duration(63_072_000), "2.0 years");
}
