//! Mutation tests of the accounting contracts: each mutant changes one place of one source file,
//! and a test must fail. Works on a copy in the target folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::count::Tally;
use super::tools::Suite;
use crate::say;

mod mutate;

use mutate::{Mutant, mutants};

/// Mutated files below contracts/src, each with the test that notices most mutants, run first.
const FILES: [(&str, &str); 4] = [
    ("libraries/RewardMath.sol", "test/rewards/RewardMath.t.sol"),
    ("libraries/PolicyWord.sol", "test/policies/PolicyWord.t.sol"),
    (
        "libraries/PeriodTotals.sol",
        "test/rewards/RewardMath.t.sol",
    ),
    ("EmissionBooks.sol", HISTORIES),
];

const HISTORIES: &str = "test/rewards/RewardHistories.t.sol";

/// Entries of contracts/ that are copied.
const COPIED: [&str; 4] = ["src", "test", "solc", "foundry.toml"];

/// Tests that run next, in this order.
const TESTS: [&str; 3] = [HISTORIES, "test/{rewards,policies}/*", "test/invariant/*"];

/// Timeout of a test, in seconds; a mutant that exceeds it counts as noticed.
const SECONDS_MAX: &str = "300";

/// A listed mutant that behaves like the original, so that no test can notice it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Equivalent {
    file: String,
    before: String,
    after: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    equivalent: Vec<Equivalent>,
}

impl Known {
    fn holds(&self, file: &str, mutant: &Mutant) -> bool {
        self.equivalent.iter().any(|known| {
            known.file == file
                && known.before == mutant.before.trim()
                && known.after == mutant.after.trim()
                && !known.reason.trim().is_empty()
        })
    }
}

/// The result of a mutant.
enum Fate {
    /// The compiler rejected the mutant; it is not counted.
    NotACase,
    Noticed,
    Survived,
}

/// Runs every mutant. A surviving one is printed and counts as a failed test.
pub(super) fn run(suite: &Suite) -> Result<Tally> {
    let known = suite.contracts().join("mutants.toml");
    let known = std::fs::read_to_string(known).context("reading contracts/mutants.toml")?;
    let known: Known = toml::from_str(&known).context("parsing contracts/mutants.toml")?;
    let folder = copy(suite)?;
    ensure!(
        matches!(test(suite, &folder, HISTORIES)?, Fate::Survived),
        "without any mutant, the tests must pass under forge's profile `plain`"
    );
    let (mut noticed, mut survivors) = (0_u64, Vec::new());
    for (file, first) in FILES {
        let path = folder.join("src").join(file);
        let source = std::fs::read_to_string(&path).with_context(|| format!("reading {file}"))?;
        for mutant in mutants(&source) {
            if known.holds(file, &mutant) {
                continue;
            }
            std::fs::write(&path, &mutant.source)?;
            let fate = test(suite, &folder, first)?;
            let line = format!("{file}:{}: {}", mutant.line, mutant.after.trim());
            match fate {
                Fate::NotACase => say::line(&format!("  -         {line}")),
                Fate::Noticed => {
                    noticed += 1;
                    say::line(&format!("  noticed   {line}"));
                }
                Fate::Survived => {
                    say::line(&format!("  SURVIVED  {line}"));
                    survivors.push(format!("{line}  (was: {})", mutant.before.trim()));
                }
            }
        }
        std::fs::write(&path, &source)?;
    }
    say::line(&format!("{} survivors", survivors.len()));
    survivors
        .iter()
        .for_each(|line| say::line(&format!("  {line}")));
    Ok(Tally::of(
        "mutants noticed",
        noticed,
        survivors.len().try_into()?,
    ))
}

/// Copies the contracts afresh; compiled files of an earlier run stay, to save time.
fn copy(suite: &Suite) -> Result<PathBuf> {
    let folder = suite.target().join("mutants/contracts");
    std::fs::create_dir_all(&folder)?;
    for name in COPIED {
        copy_all(&suite.contracts().join(name), &folder.join(name))?;
    }
    let vectors = suite.root().join("tests/vectors");
    copy_all(&vectors, &suite.target().join("mutants/tests/vectors"))?;
    let modules = folder.join("node_modules");
    if !modules.exists() {
        std::os::unix::fs::symlink(suite.contracts().join("node_modules"), modules)?;
    }
    Ok(folder)
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    if from.is_file() {
        std::fs::copy(from, to).with_context(|| format!("copying {}", from.display()))?;
        return Ok(());
    }
    if to.exists() {
        std::fs::remove_dir_all(to)?;
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        copy_all(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Builds without optimizer, for speed, and runs the tests until the first that fails, smallest
/// first. Forge compiles only what a test needs: a test whose own code changed, such as an inlined
/// library, not one that deploys changed code.
fn test(suite: &Suite, folder: &Path, first: &str) -> Result<Fate> {
    for tests in [first].into_iter().chain(TESTS) {
        let mut command = Command::new("timeout");
        command.arg(SECONDS_MAX).arg(suite.forge_program());
        command.args(["test", "--fail-fast", "--match-path", tests]);
        command.current_dir(folder).env("FOUNDRY_PROFILE", "plain");
        command.env("KMS_FORGE_OUT", "cache/plain");
        command.env("FOUNDRY_DYNAMIC_TEST_LINKING", "true");
        let output = command.stdin(Stdio::null()).output()?;
        let refused = [output.stdout, output.stderr]
            .iter()
            .any(|text| String::from_utf8_lossy(text).contains("Compiler run failed"));
        if refused {
            return Ok(Fate::NotACase);
        }
        if !output.status.success() {
            return Ok(Fate::Noticed);
        }
    }
    Ok(Fate::Survived)
}
