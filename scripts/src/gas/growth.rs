//! Limits of growth: costs that must be constant in the length of a claim, a policy or a pause and
//! in the number of miners of the network, and costs linear in the miners of a policy. Pure.

use anyhow::{Result, ensure};

use super::bench::Measured;
use super::compare::gas_of;

/// Operations whose costs differ by at most `tolerance` gas, and the size `with` that varies.
struct Flat {
    with: &'static str,
    operations: &'static [&'static str],
    tolerance: u64,
}

/// Tolerance in gas for longer numbers in calldata; any loop costs more.
const SAME: u64 = 500;
const FLAT: [Flat; 7] = [
    Flat {
        with: "the periods claimed",
        operations: &["claim_1", "claim_30", "claim_365", "claim_5000"],
        tolerance: SAME,
    },
    Flat {
        with: "the periods of the policy",
        operations: &[
            "create_3_periods_7",
            "create_3_periods_30",
            "create_3_periods_365",
        ],
        tolerance: SAME,
    },
    Flat {
        with: "the periods the network slept",
        operations: &[
            "confirm_after_1_skipped",
            "confirm_after_30_skipped",
            "confirm_after_365_skipped",
            "confirm_after_5000_skipped",
        ],
        tolerance: SAME,
    },
    Flat {
        with: "the periods the network slept, claim",
        operations: &[
            "claim_after_1_skipped",
            "claim_after_30_skipped",
            "claim_after_365_skipped",
            "claim_after_5000_skipped",
        ],
        tolerance: SAME,
    },
    Flat {
        with: "the periods the network slept, first of all",
        // Without "after_1_skipped": the end of the last lease is not booked yet.
        operations: &[
            "confirm_waking_network_after_30_skipped",
            "confirm_waking_network_after_365_skipped",
            "confirm_waking_network_after_5000_skipped",
        ],
        tolerance: SAME,
    },
    Flat {
        with: "the miners of the network, confirm",
        operations: &["confirm_lease", "confirm_among_1000"],
        tolerance: SAME,
    },
    Flat {
        with: "the miners of the network, claim",
        operations: &["claim_30", "claim_among_1000"],
        tolerance: SAME,
    },
];

/// Operations of policies of 1 to 30 miners, and the limit of gas for each further miner.
const PER_MINER: [(&str, u64); 3] = [("create", 4_200), ("refund", 3_800), ("revoke", 600)];

/// Formats the growth of each group, one line each.
pub(crate) fn table(measured: &[Measured]) -> Result<Vec<String>> {
    let mut lines = vec![String::new(), "growth".to_owned()];
    for flat in &FLAT {
        let costs = costs(measured, flat.operations)?;
        let spread = spread(&costs);
        let costs: Vec<String> = costs.iter().map(u64::to_string).collect();
        let costs = costs.join(" ");
        lines.push(format!(
            "  with {}: {costs}; they differ by {spread}",
            flat.with
        ));
    }
    for (operation, limit) in PER_MINER {
        let slope = slope(measured, operation)?;
        lines.push(format!(
            "  {operation}, with each miner of the policy: {slope} (limit {limit})"
        ));
    }
    Ok(lines)
}

/// Fails if a cost grows more than its limit allows.
pub(crate) fn check(measured: &[Measured]) -> Result<()> {
    for flat in &FLAT {
        let costs = costs(measured, flat.operations)?;
        ensure!(
            spread(&costs) <= flat.tolerance,
            "the cost grows with {}: {costs:?}",
            flat.with
        );
    }
    for (operation, limit) in PER_MINER {
        let slope = slope(measured, operation)?;
        ensure!(
            slope <= limit,
            "{operation} costs {slope} gas for each miner of the policy, more than {limit}"
        );
        let [one, ten] = [1, 10].map(|n| gas_of(measured, &format!("{operation}_{n}")));
        let expected = one? + 9 * slope;
        ensure!(
            ten?.abs_diff(expected) <= expected / 50,
            "{operation} does not grow evenly with the miners of the policy"
        );
    }
    Ok(())
}

/// Mean gas of each further miner of a policy, between 1 and 30 miners.
fn slope(measured: &[Measured], operation: &str) -> Result<u64> {
    let [one, thirty] = [1, 30].map(|n| gas_of(measured, &format!("{operation}_{n}")));
    Ok(thirty?.saturating_sub(one?) / 29)
}

fn costs(measured: &[Measured], operations: &[&str]) -> Result<Vec<u64>> {
    operations
        .iter()
        .map(|name| gas_of(measured, name))
        .collect()
}

fn spread(costs: &[u64]) -> u64 {
    let (least, most) = (costs.iter().min(), costs.iter().max());
    most.zip(least).map_or(0, |(most, least)| most - least)
}

#[cfg(test)]
mod tests;
