//! `kms-scripts params FILE`: checks a parameter file and prints it with units and derived values.

use std::path::PathBuf;

use anyhow::{Context, Result};
use kms_chain::DeployParams;
use kms_protocol::{Amount, reward};
use serde_json::Value;

use crate::deploy::network;
use crate::say;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The parameter file, TOML.
    file: PathBuf,
}

/// Prints the parameters, or fails at the first invalid one.
pub(crate) fn run(args: &Args) -> Result<()> {
    let params = network::read_params(&args.file)?;
    lines(&params)?.iter().for_each(|line| say::line(line));
    Ok(())
}

fn lines(params: &DeployParams) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    flatten("", &serde_json::to_value(params)?, &mut |key, value| {
        let unit = unit(key, value, params.period_seconds);
        lines.push(format!("{key:<32} {}{unit}", plain(value)));
    });
    let control = &params.control;
    for (key, missing) in [
        ("control.proposers", control.proposers.is_empty()),
        ("control.executors", control.executors.is_empty()),
        ("control.guardian", control.guardian.is_none()),
    ] {
        if missing {
            lines.push(format!(
                "{key:<32} not given: the deployer on a local chain, refused on any other"
            ));
        }
    }
    let reserve = params
        .cap
        .checked_sub(params.initial_supply)
        .context("the initial supply is above the cap")?;
    let decay = reward::decay(params.half_life_seconds, params.period_seconds)?;
    let first = reward::emission(reserve, decay);
    lines.push(format!("reserve                          {reserve}"));
    lines.push(format!(
        "decay                            {decay} / 2^64 per period"
    ));
    lines.push(format!(
        "emission of the first period     {}",
        Amount(first.0)
    ));
    if !params.warm_up_locked.is_zero() {
        lines.push(format!(
            "{:<32} in proportion to what is locked, below {}",
            "", params.warm_up_locked
        ));
    }
    Ok(lines)
}

fn flatten(prefix: &str, value: &Value, each: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let dot = if prefix.is_empty() { "" } else { "." };
                flatten(&format!("{prefix}{dot}{key}"), value, each);
            }
        }
        value => each(prefix, value),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// The unit by the suffix of a key, with periods converted to time.
fn unit(key: &str, value: &Value, period_seconds: u32) -> String {
    let Some(number) = value.as_u64() else {
        return String::new();
    };
    if key.ends_with("_seconds") {
        format!(" s = {}", duration(number))
    } else if key.ends_with("_periods") {
        let seconds = number.saturating_mul(u64::from(period_seconds));
        format!(" periods = {}", duration(seconds))
    } else if key.ends_with("_bps") {
        format!(" basis points = {}.{:02} %", number / 100, number % 100)
    } else if key.ends_with("_bonds") {
        " bonds".to_owned()
    } else {
        String::new()
    }
}

fn duration(seconds: u64) -> String {
    let units = [
        ("years", 31_536_000),
        ("days", 86_400),
        ("hours", 3_600),
        ("minutes", 60),
    ];
    for (name, size) in units {
        if seconds >= size {
            return format!("{:.1} {name}", seconds as f64 / size as f64);
        }
    }
    format!("{seconds} s")
}

#[cfg(test)]
mod tests;
