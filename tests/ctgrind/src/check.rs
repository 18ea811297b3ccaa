//! Runs every section under valgrind and judges its reports against the list of values that are
//! declassified on purpose; then the control, which must be reported.
//!
//! `cargo run --release --bin check` in `tests/ctgrind`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Functions in which a decision on secret data is meant, and why.
const DECLASSIFIED: [(&str, &str); 0] = [];

const SECTIONS: [&str; 6] = [
    "keygen",
    "signing",
    "delegation",
    "reencryption",
    "opening",
    "granting",
];

/// The functions of each report's stack, innermost first.
fn reports(section: &str) -> Result<Vec<Vec<String>>, String> {
    let directory = std::env::current_exe().map_err(|error| error.to_string())?;
    let program = directory.parent().unwrap_or(Path::new(".")).join("ctgrind");
    let run = Command::new("valgrind")
        .args([
            "--error-limit=no",
            "--read-inline-info=yes",
            "--num-callers=24",
        ])
        .arg(program)
        .arg(section)
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let text = String::from_utf8_lossy(&run.stderr).into_owned();
    if !run.status.success() || !text.contains("ERROR SUMMARY") {
        return Err(format!("{section} did not run: {text}"));
    }
    let mut found: Vec<Vec<String>> = Vec::new();
    for line in text.lines() {
        if line.contains("depends on uninitialised") || line.contains("Use of uninitialised") {
            found.push(Vec::new());
        } else if let (Some((_, frame)), Some(stack)) = (line.split_once(": "), found.last_mut())
            && (line.contains("   at 0x") || line.contains("   by 0x"))
        {
            stack.push(frame.to_owned());
        }
    }
    Ok(found)
}

fn is_declassified(stack: &[String]) -> bool {
    let listed = |frame: &String| DECLASSIFIED.iter().any(|(name, _)| frame.contains(name));
    stack.iter().any(listed)
}

fn check() -> Result<bool, String> {
    let mut clean = true;
    for section in SECTIONS {
        let found = reports(section)?;
        let unexpected: Vec<_> = found
            .iter()
            .filter(|stack| !is_declassified(stack))
            .collect();
        println!(
            "{section:<14} {} reports, {} outside the list",
            found.len(),
            unexpected.len()
        );
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for stack in &unexpected {
            *places
                .entry(
                    stack
                        .iter()
                        .take(4)
                        .cloned()
                        .collect::<Vec<_>>()
                        .join("\n      by "),
                )
                .or_default() += 1;
        }
        for (place, count) in places {
            println!("  {count} x {place}");
        }
        clean &= unexpected.is_empty();
    }
    let control = reports("control")?.len();
    println!("{:<14} {control} reports, at least 2 expected", "control");
    Ok(clean && control >= 2)
}

fn main() -> ExitCode {
    match check() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}
