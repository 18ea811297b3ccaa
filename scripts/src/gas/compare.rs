//! Compares the gas of each operation with other systems (`data/gas_baseline.json`): the ratio of
//! the cheapest of them to ours, and our own limit. `data/gas_pairs.toml` says which operations
//! correspond. Pure.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::bench::Measured;

const BASELINE: &str = include_str!("../../data/gas_baseline.json");
const PAIRS: &str = include_str!("../../data/gas_pairs.toml");

/// The file of other systems' gas; `note` says how it was measured.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BaselineFile {
    note: String,
    systems: BTreeMap<String, Vec<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    op: String,
    gas: u64,
}

/// The corresponding operations of other systems, and the limit of ours.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Pair {
    limit: Option<u64>,
    /// Reason why our operation is above its limit; `None` where it must not be.
    above: Option<String>,
    kms_jan18: Option<String>,
    kms_apr18: Option<String>,
    nu_v5: Option<String>,
    graph: Option<String>,
    livepeer: Option<String>,
    synthetix: Option<String>,
}

impl Pair {
    /// Lists heading, baseline system and its operation, in the order of the columns.
    fn columns(&self) -> [(&'static str, &'static str, Option<&String>); 6] {
        [
            ("Jan 2018", "kms-jan18", self.kms_jan18.as_ref()),
            ("Apr 2018", "kms-apr18", self.kms_apr18.as_ref()),
            ("NuCypher 5", "nu-v5.3.3", self.nu_v5.as_ref()),
            ("The Graph", "graph-horizon", self.graph.as_ref()),
            ("Livepeer", "livepeer", self.livepeer.as_ref()),
            ("Synthetix", "snx-StakingRewards", self.synthetix.as_ref()),
        ]
    }
}

/// Both files, parsed; every entry of the pairs is in the baseline.
pub(crate) struct Comparison {
    note: String,
    rows: BTreeMap<String, Row>,
}

#[derive(Default)]
struct Row {
    limit: Option<u64>,
    above: Option<String>,
    theirs: [Option<u64>; 6],
}

impl Comparison {
    pub(crate) fn load() -> Result<Self> {
        Self::parse(BASELINE, PAIRS)
    }

    fn parse(baseline: &str, pairs: &str) -> Result<Self> {
        let baseline: BaselineFile =
            serde_json::from_str(baseline).context("data/gas_baseline.json")?;
        let pairs: BTreeMap<String, Pair> = toml::from_str(pairs).context("data/gas_pairs.toml")?;
        let mut rows = BTreeMap::new();
        for (operation, pair) in pairs {
            let mut theirs = [None; 6];
            for (place, (_, system, name)) in theirs.iter_mut().zip(pair.columns()) {
                *place = name.map(|name| baseline.gas(system, name)).transpose()?;
            }
            let row = Row {
                limit: pair.limit,
                above: pair.above,
                theirs,
            };
            rows.insert(operation, row);
        }
        Ok(Self {
            note: baseline.note,
            rows,
        })
    }

    /// Formats one line per operation, in the order measured, then each operation above its limit
    /// with the reason.
    pub(crate) fn table(&self, measured: &[Measured]) -> Vec<String> {
        let mut head = format!("{:<36} {:>9}", "operation", "ours");
        for (name, ..) in Pair::default().columns() {
            head += &format!(" {name:>10}");
        }
        let mut lines = vec![
            "gas of whole transactions; ratio: the cheapest other, divided by ours".to_owned(),
            format!("others: {}", self.note),
            String::new(),
            head + &format!(" {:>6} {:>7}", "ratio", "limit"),
        ];
        lines.extend(measured.iter().map(|row| self.line(row)));
        for (operation, gas, limit, reason) in self.above(measured) {
            let more = gas - limit;
            lines.push(format!(
                "{operation} is {more} above its limit of {limit}: {reason}"
            ));
        }
        lines
    }

    fn line(&self, measured: &Measured) -> String {
        let nothing = Row::default();
        let row = self.rows.get(&measured.operation).unwrap_or(&nothing);
        let mut line = format!("{:<36} {:>9}", measured.operation, measured.gas);
        for theirs in row.theirs {
            let text = theirs.map(|gas| gas.to_string()).unwrap_or_default();
            line += &format!(" {text:>10}");
        }
        let cheapest = row.theirs.into_iter().flatten().min();
        let ratio = cheapest.map(|gas| format!("{:.2}", gas as f64 / measured.gas as f64));
        let limit = row.limit.map(|limit| limit.to_string());
        line += &format!(
            " {:>6} {:>7}",
            ratio.unwrap_or_default(),
            limit.unwrap_or_default()
        );
        line.trim_end().to_owned()
    }

    /// Lists (operation, gas, limit, reason) of each operation above its limit.
    fn above<'a>(&'a self, measured: &'a [Measured]) -> Vec<(&'a str, u64, u64, &'a str)> {
        measured
            .iter()
            .filter_map(|of| {
                let row = self.rows.get(&of.operation)?;
                let limit = row.limit.filter(|limit| of.gas > *limit)?;
                let reason = row.above.as_deref().unwrap_or_default();
                Some((of.operation.as_str(), of.gas, limit, reason))
            })
            .collect()
    }

    /// Fails for an operation of the files that was not measured, and for one above its limit
    /// without a reason.
    pub(crate) fn check(&self, measured: &[Measured]) -> Result<()> {
        for operation in self.rows.keys() {
            gas_of(measured, operation)?;
        }
        for (operation, gas, limit, reason) in self.above(measured) {
            ensure!(
                !reason.is_empty(),
                "{operation} costs {gas} gas, more than its limit of {limit}"
            );
        }
        Ok(())
    }
}

impl BaselineFile {
    fn gas(&self, system: &str, operation: &str) -> Result<u64> {
        let entries = self.systems.get(system);
        entries
            .and_then(|entries| entries.iter().find(|entry| entry.op == operation))
            .map(|entry| entry.gas)
            .with_context(|| format!("the baseline has no `{operation}` of {system}"))
    }
}

/// The gas of a measured operation. Fails if it was not measured.
pub(super) fn gas_of(measured: &[Measured], operation: &str) -> Result<u64> {
    measured
        .iter()
        .find(|row| row.operation == operation)
        .map(|row| row.gas)
        .with_context(|| format!("`{operation}` was not measured"))
}

#[cfg(test)]
mod tests;
