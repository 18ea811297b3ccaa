//! Words that no source holds: what is left for later, tests switched off, one machine's paths,
//! other hosts.

use crate::sources::{self, Source, report};

/// A word, split here so that this file does not hold it.
fn word(parts: [&str; 2]) -> String {
    parts.concat()
}

fn holding(needles: &[String], kinds: fn(&Source) -> bool) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources::all().into_iter().filter(kinds) {
        let Some(text) = source.text() else { continue };
        for (number, line) in text.lines().enumerate() {
            for needle in needles
                .iter()
                .filter(|needle| line.contains(needle.as_str()))
            {
                findings.push(format!("{}:{}: {needle}", source.path, number + 1));
            }
        }
    }
    findings
}

#[test]
fn nothing_is_left_for_later() {
    let needles = [["TO", "DO"], ["FIX", "ME"], ["XX", "X:"]].map(word);
    let kinds = |source: &Source| !source.path.contains("lock");
    report(
        "what is worth doing is an issue",
        holding(&needles, kinds),
        &[],
    );
}

#[test]
fn no_test_is_switched_off() {
    let needles = [word(["#[ign", "ore"]), word(["vm.sk", "ip("])];
    report(
        "a test runs or is not there",
        holding(&needles, |_| true),
        &[],
    );
}

#[test]
fn no_path_of_a_developers_machine_is_written_down() {
    let needles = [
        word(["/wo", "rk/"]),
        word(["/ro", "ot/"]),
        word(["/ho", "me/"]),
    ];
    report("a clone works anywhere", holding(&needles, |_| true), &[]);
}

#[test]
fn lock_files_name_no_host_but_the_index_of_crates() {
    let mut findings = Vec::new();
    for source in sources::all() {
        let hosts: &[&str] = match source.path.as_str() {
            "Cargo.lock" => &["registry+https://github.com/rust-lang/crates.io-index"],
            "contracts/package-lock.json" => &[],
            _ => continue,
        };
        for (number, line) in source.text().unwrap().lines().enumerate() {
            let named = line.contains("\"resolved\"") || line.starts_with("source = ");
            if named && !hosts.iter().any(|host| line.contains(host)) {
                findings.push(format!("{}:{}: {line}", source.path, number + 1));
            }
        }
    }
    report("lock files are the same everywhere", findings, &[]);
}
