use super::{FLAT, PER_MINER, check, table};
use crate::gas::bench::Measured;

fn good() -> Vec<Measured> {
    let flat = FLAT.iter().flat_map(|flat| flat.operations);
    let mut rows: Vec<Measured> = flat.map(|name| row(name, 50_000)).collect();
    for (operation, limit) in PER_MINER {
        for n in [1, 3, 10, 30] {
            rows.push(row(&format!("{operation}_{n}"), 60_000 + n * limit));
        }
    }
    rows
}

fn row(operation: &str, gas: u64) -> Measured {
    Measured {
        operation: operation.to_owned(),
        gas,
    }
}

fn check_with(operation: &str, gas: u64) -> String {
    let mut rows = good();
    for row in rows.iter_mut().filter(|row| row.operation == operation) {
        row.gas = gas;
    }
    check(&rows)
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

#[test]
fn accepts_what_is_flat() {
    check(&good()).unwrap();
    assert_eq!(
        table(&good()).unwrap().len(),
        2 + FLAT.len() + PER_MINER.len()
    );
    assert_eq!(check_with("claim_5000", 50_500), "");
}

#[test]
fn refuses_what_grows_with_time_or_with_the_network() {
    for (operation, gas) in [
        ("claim_5000", 50_501),
        ("claim_1", 49_000),
        ("create_3_periods_365", 60_000),
        ("confirm_after_5000_skipped", 51_000),
        ("claim_after_365_skipped", 51_000),
        ("confirm_waking_network_after_5000_skipped", 80_000),
        ("confirm_among_1000", 51_000),
        ("claim_among_1000", 51_000),
    ] {
        let error = check_with(operation, gas);
        assert!(error.contains("grows with"), "{operation}: {error}");
    }
}

#[test]
fn refuses_what_grows_too_much_or_unevenly_with_the_miners_of_a_policy() {
    assert!(check_with("create_30", 200_000).contains("for each miner"));
    assert!(check_with("revoke_10", 80_000).contains("evenly"));
    assert!(check_with("refund_10", 60_000).contains("evenly"));
}

#[test]
fn refuses_a_missing_figure() {
    let mut rows = good();
    rows.retain(|row| row.operation != "claim_365");
    assert!(
        check(&rows)
            .unwrap_err()
            .to_string()
            .contains("`claim_365`")
    );
    assert!(table(&rows).is_err());
}
