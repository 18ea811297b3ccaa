//! Finds the crates of a change: those with files that differ from the merge base with main, or
//! are not committed.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::Member;

/// Names of the main branch, in the order they are tried.
const MAIN_BRANCHES: [&str; 2] = ["main", "origin/main"];

/// The crates to check, each with the reason, and the changed files outside of crates.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scope<'a> {
    since: String,
    taken: Vec<(&'a Member, String)>,
    outside: Vec<String>,
}

impl<'a> Scope<'a> {
    /// The scope of `--all`: every crate.
    pub(super) fn whole(members: &'a [Member]) -> Self {
        let taken = members.iter().map(|member| (member, "--all".to_owned()));
        Self {
            since: "--all".to_owned(),
            taken: taken.collect(),
            outside: Vec::new(),
        }
    }

    /// The scope of a change: crates with files that differ from the merge base, committed or not.
    pub(super) fn changed(root: &Path, members: &'a [Member]) -> Result<Self> {
        let base = MAIN_BRANCHES
            .iter()
            .find_map(|branch| git(root, &["merge-base", branch, "HEAD"]).ok());
        let base = base.unwrap_or_else(|| "HEAD".to_owned());
        let base = base.trim();
        let files = git(root, &["diff", "--name-only", base]).context(
            "the changed crates are read from git; outside of a repository use --quick --all",
        )?;
        let new = git(root, &["ls-files", "--others", "--exclude-standard"])?;
        let files = files.lines().chain(new.lines());
        Ok(Self::of(base, files, members))
    }

    fn of<'f>(since: &str, files: impl Iterator<Item = &'f str>, members: &'a [Member]) -> Self {
        let mut counts: Vec<(&Member, usize, &str)> = Vec::new();
        let mut outside = Vec::new();
        for file in files {
            match owner(file, members) {
                Some(member) => match counts.iter_mut().find(|(known, ..)| *known == member) {
                    Some((_, count, _)) => *count = count.saturating_add(1),
                    None => counts.push((member, 1, file)),
                },
                None => outside.push(file.to_owned()),
            }
        }
        let reason = |(member, count, first)| match count {
            1 => (member, format!("{first} differs")),
            _ => (member, format!("{count} files differ, {first} among them")),
        };
        Self {
            since: since.to_owned(),
            taken: counts.into_iter().map(reason).collect(),
            outside,
        }
    }

    pub(super) fn members(&self) -> Vec<&'a Member> {
        self.taken.iter().map(|(member, _)| *member).collect()
    }

    /// Describes what is checked and why, and which files are not, one line each.
    pub(super) fn lines(&self) -> Vec<String> {
        let since = self.since.get(..12).unwrap_or(&self.since);
        let mut lines = vec![format!("quick: the crates that differ from {since}")];
        for (member, reason) in &self.taken {
            lines.push(format!("  {}: {reason}", member.name));
        }
        if self.taken.is_empty() {
            lines.push("  none: only format and tidy are checked; --all takes every crate".into());
        }
        for file in &self.outside {
            lines.push(format!("  not checked here, in no crate: {file}"));
        }
        lines.push("tests of the users of these crates, and end-to-end tests: scripts/test".into());
        lines
    }
}

/// Finds the crate of a file, the innermost one if crates are nested.
fn owner<'a>(file: &str, members: &'a [Member]) -> Option<&'a Member> {
    let holds = |member: &&Member| {
        let rest = file.strip_prefix(&member.folder);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    let holding = members.iter().filter(holds);
    holding.max_by_key(|member| member.folder.len())
}

fn git(root: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new("git").args(args).current_dir(root).output();
    let output = output.context("starting git")?;
    anyhow::ensure!(
        output.status.success(),
        "git {}: {}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests;
