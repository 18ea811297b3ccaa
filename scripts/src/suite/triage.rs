//! Compares slither's findings with the list of accepted ones. A finding is identified by its check
//! and its function, variable or contract, not by lines, which move.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::say;

/// An entry of the list: accepted findings of one check, with the reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    check: String,
    /// Places: `Contract.function`, `Contract.variable`, or `*` for every finding of the check.
    places: Vec<String>,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Triage {
    accepted: Vec<Accepted>,
}

#[derive(Debug, PartialEq, Eq)]
struct Finding {
    check: String,
    place: String,
    text: String,
}

/// Fails on a finding that is not in the list, and on an entry that matches no finding.
pub(super) fn check(report: &Path, triage: &Path) -> Result<()> {
    let report = std::fs::read_to_string(report).context("slither wrote no report")?;
    let triage = std::fs::read_to_string(triage).context("reading slither's triage")?;
    let triage: Triage = toml::from_str(&triage).context("parsing slither's triage")?;
    let findings = findings(&serde_json::from_str(&report)?)?;
    let problems = problems(&findings, &triage.accepted);
    for problem in &problems {
        say::line(problem);
    }
    ensure!(
        problems.is_empty(),
        "{} findings or entries of contracts/slither.triage.toml need a look",
        problems.len()
    );
    say::line(&format!("{} findings, all looked at", findings.len()));
    Ok(())
}

fn problems(findings: &[Finding], accepted: &[Accepted]) -> Vec<String> {
    let mut unused: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut problems = Vec::new();
    for entry in accepted {
        if entry.reason.trim().is_empty() {
            problems.push(format!("no reason: {}", entry.check));
        }
        unused.extend(
            entry
                .places
                .iter()
                .map(|place| (entry.check.as_str(), place.as_str())),
        );
    }
    for finding in findings {
        let matching = |place: &str| {
            accepted.iter().any(|entry| {
                entry.check == finding.check && entry.places.iter().any(|known| known == place)
            })
        };
        match [finding.place.as_str(), "*"]
            .into_iter()
            .find(|place| matching(place))
        {
            Some(place) => {
                unused.remove(&(finding.check.as_str(), place));
            }
            None => problems.push(format!(
                "new: check = \"{}\", place = \"{}\"\n{}",
                finding.check, finding.place, finding.text
            )),
        }
    }
    problems.extend(
        unused
            .iter()
            .map(|(check, place)| format!("not found any more: {check} in {place}")),
    );
    problems
}

/// Parses `results.detectors[*]` of the report: check, description and elements.
fn findings(report: &Value) -> Result<Vec<Finding>> {
    ensure!(
        report.pointer("/success") == Some(&Value::Bool(true)),
        "slither failed: {}",
        report.pointer("/error").unwrap_or(&Value::Null)
    );
    let detectors = report
        .pointer("/results/detectors")
        .and_then(Value::as_array);
    detectors
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|finding| {
            let text = |key: &str| finding.get(key).and_then(Value::as_str).map(str::to_owned);
            let element = finding
                .pointer("/elements/0")
                .context("a finding of nothing")?;
            Ok(Finding {
                check: text("check").context("a finding without its check")?,
                place: place(element).context("a finding without a place")?,
                text: text("description").unwrap_or_default(),
            })
        })
        .collect()
}

/// The place of an element: `Contract.function` inside a function, else `Contract.name` or `name`.
fn place(element: &Value) -> Option<String> {
    let text = |value: &Value, path: &str| {
        value
            .pointer(path)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let name = text(element, "/name")?;
    match text(element, "/type")?.as_str() {
        "function" | "variable" | "event" | "struct" => {
            let parent = element.pointer("/type_specific_fields/parent")?;
            let parent = match text(parent, "/type")?.as_str() {
                "function" => place(parent)?,
                _ => text(parent, "/name")?,
            };
            Some(format!("{parent}.{name}"))
        }
        "node" => place(element.pointer("/type_specific_fields/parent")?),
        _ => Some(name),
    }
}

#[cfg(test)]
mod tests;
