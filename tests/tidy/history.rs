//! Rule on the subjects of commits: `area: Imperative summary`, readable in one line of a list. The
//! history before the rule is left as it is.

use std::process::Command;

use super::sources::{self, report};

/// The last commit before the rule.
const HELD_AFTER: &str = "9d77c6ef32d6";
const COLUMNS_MAX: usize = 72;

/// What is wrong with a subject, if anything.
fn fault(subject: &str) -> Option<&'static str> {
    let Some((area, summary)) = subject.split_once(": ") else {
        return Some("is not of the form `area: Summary`");
    };
    let of_an_area = |c: char| c.is_ascii_alphanumeric() || "-_/., ".contains(c);
    if area.is_empty() || !area.chars().all(of_an_area) {
        Some("does not begin with an area")
    } else if subject.chars().count() > COLUMNS_MAX {
        Some("has more than 72 columns")
    } else if summary.to_lowercase().starts_with("wip") || area == "wip" {
        Some("is work in progress")
    } else if !summary.starts_with(|c: char| c.is_ascii_uppercase() || c == '`') {
        Some("has a summary that does not begin with a capital letter")
    } else if summary.ends_with('.') {
        Some("ends with a full stop")
    } else {
        None
    }
}

/// What git prints; none if there is no git, no repository, or no such commit.
fn git(arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    let output = command
        .current_dir(sources::root())
        .args(arguments)
        .output();
    let output = output.ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}

#[test]
fn every_subject_names_its_area_in_72_columns() {
    let after = format!("{HELD_AFTER}..HEAD");
    let Some(log) = git(&["log", "--no-merges", "--format=%h: %s", &after]) else {
        println!("not checked: no history here that goes back to {HELD_AFTER}");
        return;
    };
    let findings = log.lines().filter_map(|line| {
        let (commit, subject) = line.split_once(": ")?;
        fault(subject).map(|fault| format!("{commit}: `{subject}` {fault}"))
    });
    report("a list of subjects can be read", findings.collect(), &[]);
}

#[test]
fn refuses_what_is_no_subject_and_takes_what_is_one() {
    for refused in [
        "wip",
        "wip: Move files",
        "tidy: wip",
        "Mend the gate",
        "gate (rules): Mend it",
        "gate: mend it",
        "gate: Mend it.",
        "gate: Mend what was wrong with it, so that no subject of this length passes",
    ] {
        assert!(fault(refused).is_some(), "{refused}");
    }
    for taken in [
        "gate: Mend what was wrong with it",
        "kms-node, kms-chain: Ask the endpoint once",
        "deployments/artifacts: `PolicyManager` anew",
    ] {
        assert_eq!(fault(taken), None, "{taken}");
    }
}
