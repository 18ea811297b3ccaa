//! Branch coverage of the contracts, from the lcov report of `forge coverage`.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::say;

/// Least branch coverage of contracts/src, in percent.
const LEAST_PERCENT: u64 = 95;

/// The branch coverage of a source file.
#[derive(Debug, Default, PartialEq, Eq)]
struct File {
    name: String,
    branches: u64,
    reached: u64,
    /// Line numbers of branches that no test reached.
    missed: Vec<u64>,
}

/// Prints the branch coverage of each file. Fails if the total is below [`LEAST_PERCENT`].
pub(super) fn check(report: &Path) -> Result<()> {
    let text =
        std::fs::read_to_string(report).with_context(|| format!("reading {}", report.display()))?;
    let files = parse(&text);
    say::line("branches reached");
    for file in &files {
        let missed: Vec<String> = file.missed.iter().map(u64::to_string).collect();
        let missed = match missed.is_empty() {
            true => String::new(),
            false => format!("  not line {}", missed.join(", ")),
        };
        let (reached, all) = (file.reached, file.branches);
        say::line(&format!(
            "  {reached:>4} of {all:>4}  {}{missed}",
            file.name
        ));
    }
    let reached: u64 = files.iter().map(|file| file.reached).sum();
    let all: u64 = files.iter().map(|file| file.branches).sum();
    ensure!(all > 0, "the report names no branch of src/");
    let (whole, tenth) = (100 * reached / all, 1000 * reached / all % 10);
    say::line(&format!(
        "  {reached:>4} of {all:>4}  {whole}.{tenth} % of src/"
    ));
    ensure!(
        100 * reached >= LEAST_PERCENT * all,
        "tests reach {whole}.{tenth} % of the branches of src/, {LEAST_PERCENT} % are needed"
    );
    Ok(())
}

/// Parses `SF:file` and `BRDA:line,block,branch,times`; `-` and `0` mean not reached.
fn parse(text: &str) -> Vec<File> {
    let mut files: Vec<File> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("SF:") {
            files.push(File {
                name: name.to_owned(),
                ..File::default()
            });
        } else if let (Some(branch), Some(file)) = (line.strip_prefix("BRDA:"), files.last_mut()) {
            file.branches += 1;
            if branch.ends_with(",0") || branch.ends_with(",-") {
                let line = branch
                    .split_once(',')
                    .and_then(|(line, _)| line.parse::<u64>().ok());
                file.missed.extend(line);
            } else {
                file.reached += 1;
            }
        }
    }
    files.retain(|file| file.name.starts_with("src/"));
    files
}

#[cfg(test)]
mod tests;
