//! The steps of the suite: each runs one tool, echoes what it prints and returns what it counted.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::count::{self, Tally};
use crate::say;

/// Cases per property test under `--deep`; the default of the tests themselves is 256 at most.
const DEEP_PROPTEST_CASES: &str = "4096";

/// Where the suite runs and how hard it tries.
pub(crate) struct Suite {
    root: PathBuf,
    forge: PathBuf,
    deep: bool,
}

impl Suite {
    pub(crate) fn new(root: &Path, deep: bool) -> Result<Self> {
        let root = std::fs::canonicalize(root).context("finding the workspace")?;
        let forge = find_forge(&root)?;
        Ok(Self { root, forge, deep })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn cargo(&self, args: &[&str]) -> Command {
        let mut command = Command::new("cargo");
        command.args(args).current_dir(&self.root);
        // Two test threads: most end-to-end tests run a chain and several nodes each.
        command.env("RUST_TEST_THREADS", "2");
        if self.deep {
            command.env("PROPTEST_CASES", DEEP_PROPTEST_CASES);
        }
        command
    }

    fn forge(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.forge);
        command.args(args).current_dir(self.root.join("contracts"));
        if self.deep {
            command.env("FOUNDRY_PROFILE", "deep");
        }
        command
    }

    fn release(&self, name: &str) -> PathBuf {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| self.root.join("target"), PathBuf::from);
        target.join("release").join(name)
    }
}

/// `forge` of the pinned version: on PATH, else as npm installed it.
fn find_forge(root: &Path) -> Result<PathBuf> {
    let package = std::fs::read_to_string(root.join("contracts/package.json"))?;
    let package: serde_json::Value = serde_json::from_str(&package)?;
    let pinned = package
        .pointer("/devDependencies/@foundry-rs~1forge")
        .and_then(serde_json::Value::as_str)
        .context("contracts/package.json pins no forge")?;
    if let Ok(output) = Command::new("forge").arg("--version").output()
        && String::from_utf8_lossy(&output.stdout).contains(&format!("Version: {pinned}"))
    {
        return Ok(PathBuf::from("forge"));
    }
    let folder = root.join("contracts/node_modules/@foundry-rs");
    let entries = std::fs::read_dir(&folder)
        .with_context(|| format!("{} is missing; run scripts/setup", folder.display()))?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with("forge-"))
        })
        .map(|path| path.join("bin/forge"))
        .find(|path| path.exists())
        .context("no forge for this platform; run scripts/setup")
}

/// Runs `command` to its end, echoing each line of its output, and returns the lines.
fn run(mut command: Command) -> Result<Vec<String>> {
    let what = format!("{command:?}");
    let (reader, writer) = std::io::pipe().context("opening a pipe")?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut child = command
        .spawn()
        .with_context(|| format!("starting {what}"))?;
    // The command holds the writing ends; while it lives, the reader below would wait for ever.
    drop(command);
    let mut lines = Vec::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line.context("reading output")?).into_owned();
        say::line(&line);
        lines.push(line);
    }
    let status = child.wait()?;
    ensure!(status.success(), "{what}: {status}");
    Ok(lines)
}

pub(super) fn clippy(suite: &Suite) -> Result<Tally> {
    let args = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--features",
        "kms-scripts/compile",
    ];
    let mut command = suite.cargo(&args);
    command.args(["--quiet", "--", "--deny", "warnings"]);
    run(command)?;
    Ok(Tally::default())
}

pub(super) fn forge_fmt(suite: &Suite) -> Result<Tally> {
    run(suite.forge(&["fmt", "--check"]))?;
    Ok(Tally::default())
}

pub(super) fn forge_build(suite: &Suite) -> Result<Tally> {
    run(suite.forge(&["build"]))?;
    Ok(Tally::default())
}

pub(super) fn forge_test(suite: &Suite) -> Result<Tally> {
    let tally = count::forge(&run(suite.forge(&["test"]))?);
    ensure!(tally.passed() > 0, "forge ran no test");
    Ok(tally)
}

/// Compiles the contracts once more, with foundry-compilers, and compares with the committed files.
#[cfg(feature = "compile")]
pub(super) fn artifacts(suite: &Suite) -> Result<Tally> {
    let artifacts = crate::compile::compile(&suite.root)?;
    crate::artifact::check(&suite.root, &artifacts)?;
    Ok(Tally::default())
}

#[cfg(not(feature = "compile"))]
pub(super) fn artifacts(_: &Suite) -> Result<Tally> {
    anyhow::bail!("this build cannot compile contracts; run scripts/test")
}

pub(super) fn cargo_test(suite: &Suite) -> Result<Tally> {
    let args = [
        "test",
        "--release",
        "--workspace",
        "--features",
        "kms-scripts/compile",
    ];
    let tally = count::cargo(&run(suite.cargo(&args))?);
    ensure!(tally.passed() > 0, "cargo ran no test");
    Ok(tally)
}

/// The example replays the shared vectors; `cargo test` has just built it.
pub(super) fn vectors(suite: &Suite) -> Result<Tally> {
    let mut command = Command::new(suite.release("examples/vectors"));
    command.arg(suite.root.join("tests/vectors/umbral.json"));
    let tally = count::vectors(&run(command)?);
    ensure!(tally.passed() > 0, "no vector was replayed");
    Ok(tally)
}

pub(super) fn demo(suite: &Suite) -> Result<Tally> {
    let mut command = Command::new(suite.release("kms-scripts"));
    command.arg("demo").current_dir(&suite.root);
    run(command)?;
    Ok(Tally::default())
}
