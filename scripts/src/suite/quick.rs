//! `kms-scripts test --quick`: checks format, runs clippy and unit tests of the crates that differ
//! from the main branch or in the working tree, and the tidy rules. Needs no forge and no build of
//! the whole workspace; `quick/scope.rs` finds the crates.

mod scope;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, ensure};

use super::count::{self, Tally};
use super::tools::attempt;
use crate::say;
use crate::workspace::{self, Member};
use scope::Scope;

/// The crate of the tidy rules, which always runs.
const TIDY: &str = "kms-tidy";

/// Runs every step, also after a failed one, and prints last `N passed, N failed`.
pub(super) fn run(all: bool) -> Result<()> {
    let root = std::fs::canonicalize(workspace::root())?;
    let members = workspace::members(&root)?;
    let scope = if all {
        Scope::whole(&members)
    } else {
        Scope::changed(&root, &members)?
    };
    scope.lines().iter().for_each(|line| say::line(line));
    if scope
        .members()
        .iter()
        .any(|member| member.name == "kms-node")
    {
        super::tools::ensure_postgres()?;
    }
    let mut tally = Tally::default();
    for (name, args) in steps(&scope.members()) {
        let begun = Instant::now();
        say::line(&format!("\n== {name}"));
        tally.add(&step(&root, &args)?);
        say::line(&format!(
            "== {name}: {:.1} s",
            begun.elapsed().as_secs_f32()
        ));
    }
    let (passed, failed) = (tally.passed(), tally.failed());
    say::line(&format!("\n{passed} passed, {failed} failed"));
    ensure!(
        failed == 0,
        "mend what is above, then run scripts/test --quick again"
    );
    Ok(())
}

/// The steps: name and arguments of cargo.
fn steps(members: &[&Member]) -> Vec<(&'static str, Vec<String>)> {
    let owned = |args: &[&str]| args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>();
    let packages = |chosen: &mut dyn Iterator<Item = &&Member>| -> Vec<String> {
        let names = chosen.filter(|member| member.name != TIDY);
        names
            .flat_map(|member| ["--package".to_owned(), member.name.clone()])
            .collect()
    };
    let tested = packages(&mut members.iter().filter(|member| member.has_unit_tests));
    let mut steps = vec![("format", owned(&["fmt", "--all", "--check"]))];
    if !members.is_empty() {
        // The same features as scripts/test, so that unchanged crates are not checked again.
        let everywhere = ["--release", "--workspace", "--all-targets", "--features"];
        let flags = ["kms-scripts/compile", "--quiet", "--", "--deny", "warnings"];
        let clippy = [&["clippy"], &everywhere[..], &flags].concat();
        steps.push(("clippy, of the users of these crates too", owned(&clippy)));
    }
    if !tested.is_empty() {
        let mut start = owned(&["test", "--release", "--bins", "--no-fail-fast"]);
        let library = |member: &&Member| member.has_library && member.name != TIDY;
        if members.iter().any(library) {
            start.push("--lib".to_owned());
        }
        steps.push(("unit tests", [start, tested].concat()));
    }
    let tidy = ["test", "--release", "--quiet", "--package", TIDY];
    steps.push(("tidy", owned(&tidy)));
    steps
}

/// Runs cargo. A failure without a failed test counts as one failed test.
fn step(root: &Path, args: &[String]) -> Result<Tally> {
    let mut command = Command::new("cargo");
    command.args(args).current_dir(root);
    let (lines, succeeded) = attempt(command)?;
    let tally = count::cargo(&lines);
    if succeeded || tally.failed() > 0 {
        return Ok(tally);
    }
    Ok(Tally::of("", 0, 1))
}

#[cfg(test)]
mod tests;
