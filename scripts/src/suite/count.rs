//! Counts the tests of each kind in the output of their runners. Pure but for [`property_tests`],
//! which reads the sources, because no runner tells property tests from others.

use std::path::Path;

use anyhow::Result;

/// Numbers of passed and failed tests by kind, in the order of the steps.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    rows: Vec<(String, u64)>,
    failed: u64,
    properties: u64,
}

impl Tally {
    fn count(&mut self, kind: &str, number: u64) {
        match self.rows.iter_mut().find(|(name, _)| name == kind) {
            Some((_, total)) => *total = total.saturating_add(number),
            None if number > 0 => self.rows.push((kind.to_owned(), number)),
            None => {}
        }
    }

    /// Creates a tally of one kind.
    pub(crate) fn of(kind: &str, passed: u64, failed: u64) -> Self {
        let mut tally = Self::default();
        tally.count(kind, passed);
        tally.failed = failed;
        tally
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (kind, number) in &other.rows {
            self.count(kind, *number);
        }
        self.failed = self.failed.saturating_add(other.failed);
        self.properties = self.properties.saturating_add(other.properties);
    }

    /// Adds property tests to the table, not to the sum: they are among the Rust tests.
    pub(crate) fn note_properties(&mut self, number: u64) {
        self.properties = number;
    }

    pub(crate) fn passed(&self) -> u64 {
        self.rows.iter().map(|(_, number)| number).sum()
    }

    pub(crate) fn failed(&self) -> u64 {
        self.failed
    }

    /// Lists kind and number of tests, for the table.
    pub(crate) fn rows(&self) -> Vec<(String, u64)> {
        let mut rows = self.rows.clone();
        if self.properties > 0 {
            rows.push((
                "(of the Rust tests, property tests)".to_owned(),
                self.properties,
            ));
        }
        rows
    }
}

/// Parses `cargo test`: `Running` or `Doc-tests` names the binary, `test result:` its counts.
pub(crate) fn cargo(lines: &[String]) -> Tally {
    let mut tally = Tally::default();
    let mut kind = "rust unit";
    for line in lines.iter().map(|line| line.trim()) {
        if line.starts_with("Running ") {
            kind = cargo_kind(line);
        } else if line.starts_with("Doc-tests ") {
            kind = "rust documentation";
        } else if let Some(result) = line.strip_prefix("test result: ") {
            tally.count(kind, number_before(result, " passed").unwrap_or(0));
            tally.failed = tally
                .failed
                .saturating_add(number_before(result, " failed").unwrap_or(0));
        }
    }
    tally
}

/// Parses `cargo test` and counts all its tests as one kind.
pub(crate) fn cargo_as(kind: &str, lines: &[String]) -> Tally {
    let all = cargo(lines);
    Tally::of(kind, all.passed(), all.failed)
}

/// Counts the lines that contain `mark`, of a program that prints one per passed case and fails if
/// a case fails.
pub(crate) fn lines_with(kind: &str, mark: &str, lines: &[String]) -> Tally {
    let marked = lines.iter().filter(|line| line.contains(mark)).count();
    Tally::of(kind, marked.try_into().unwrap_or(u64::MAX), 0)
}

/// Parses the end of node's TAP report: `# pass 9`, `# fail 0`.
pub(crate) fn node(lines: &[String]) -> Tally {
    let number = |mark: &str| {
        let found = lines.iter().find_map(|line| line.strip_prefix(mark));
        found.and_then(|rest| rest.trim().parse().ok()).unwrap_or(0)
    };
    Tally::of("pages in Chromium", number("# pass "), number("# fail "))
}

/// Parses halmos: `Symbolic test result: 9 passed; 0 failed` for each contract.
pub(crate) fn halmos(lines: &[String]) -> Tally {
    let mut tally = Tally::default();
    for line in lines {
        if let Some((_, result)) = line.split_once("Symbolic test result: ") {
            tally.count(
                "halmos proofs",
                number_before(result, " passed").unwrap_or(0),
            );
            let failed = number_before(result, " failed").unwrap_or(0);
            tally.failed = tally.failed.saturating_add(failed);
        }
    }
    tally
}

fn cargo_kind(running: &str) -> &'static str {
    if running.contains("unittests ") {
        "rust unit"
    } else if running.contains(" it/main.rs") {
        "end to end"
    } else {
        "rust integration"
    }
}

/// Parses `forge test`: one `[PASS] name(...) (runs: ..)` or `[FAIL...]` line for each test.
pub(crate) fn forge(lines: &[String]) -> Tally {
    let mut tally = Tally::default();
    for line in lines.iter().map(|line| line.trim()) {
        if let Some(test) = line.strip_prefix("[PASS] ") {
            let kind = if test.starts_with("invariant") {
                "forge invariants"
            } else if test.contains("(runs: ") {
                "forge fuzz"
            } else {
                "forge unit"
            };
            tally.count(kind, 1);
        } else if line.starts_with("[FAIL") {
            tally.failed = tally.failed.saturating_add(1);
        }
    }
    tally
}

/// Parses the last line of a program that replays vectors: `N passed, M failed`.
pub(crate) fn vectors(kind: &str, lines: &[String]) -> Tally {
    let mut tally = Tally::default();
    let last = lines.iter().rev().find(|line| line.contains(" passed, "));
    if let Some(line) = last {
        tally.count(kind, number_before(line, " passed").unwrap_or(0));
        tally.failed = number_before(line, " failed").unwrap_or(0);
    }
    tally
}

/// Finds the number right before `word`: `number_before("ok. 12 passed", " passed")` is 12.
fn number_before(text: &str, word: &str) -> Option<u64> {
    let before = text.split_once(word)?.0;
    before
        .rsplit(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// Counts the tests in `proptest!` blocks, in every Rust source below `root`.
pub(crate) fn property_tests(root: &Path) -> Result<u64> {
    let mut total = 0;
    for folder in ["umbral", "node", "scripts", "tests"] {
        total += property_tests_below(&root.join(folder))?;
    }
    Ok(total)
}

fn property_tests_below(folder: &Path) -> Result<u64> {
    let mut total = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            total += property_tests_below(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            total += property_tests_in(&std::fs::read_to_string(&path)?);
        }
    }
    Ok(total)
}

/// Counts the tests in `proptest!` blocks of a formatted source, in which a block ends at the first
/// `}` in the column of its beginning.
fn property_tests_in(source: &str) -> u64 {
    let mut total = 0;
    let mut end: Option<String> = None;
    for line in source.lines() {
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        if line.trim_start().starts_with("proptest! {") {
            end = Some(indent + "}");
        } else if end.as_deref() == Some(line) {
            end = None;
        } else if end.is_some() && line.trim() == "#[test]" {
            total += 1;
        }
    }
    total
}

#[cfg(test)]
mod tests;
